"""graft embed and graft search, with good and bad input."""

import gzip
import json
import math
import shutil
import struct

from command import GOLDEN, CommandTest, main

TEXTS = ["The film is good.", "", "Dull, slow and never funny", "warm music and laughter", "the plot is weak"]


def read_npy(path):
    data = path.read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00", data[:8]
    length = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + length], {"__builtins__": {}})  # a literal, as NumPy writes it
    assert header["descr"] == "<f4" and not header["fortran_order"] and (10 + length) % 64 == 0
    rows, columns = header["shape"]
    values = struct.unpack(f"<{rows * columns}f", data[10 + length:])
    return [list(values[i * columns:(i + 1) * columns]) for i in range(rows)]


def read_safetensors(path, name="embeddings"):
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    entry = json.loads(data[8:8 + length])[name]
    begin, end = entry["data_offsets"]
    assert (8 + length + begin) % 64 == 0
    rows, columns = entry["shape"]
    values = struct.unpack(f"<{rows * columns}f", data[8 + length + begin:8 + length + end])
    return [list(values[i * columns:(i + 1) * columns]) for i in range(rows)]


def as_float(number):
    return struct.unpack("<f", struct.pack("<f", number))[0]


class EmbedTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.chain = self.folder / "chain"
        shutil.copytree(GOLDEN / "embedder-chain", self.chain, ignore=shutil.ignore_patterns("expected*", "texts.json"))

    def embed(self, *arguments, model=None, **options):
        return self.graft("embed", "--model", model or self.chain, "--threads", "1", *arguments, **options)

    def vectors(self, *arguments, **options):
        return [row["embedding"] for row in self.json_lines(self.embed(*arguments, **options).stdout)]

    def index(self, *arguments, name="index", **options):
        self.embed("--out", self.folder / name, *arguments, text="\n".join(TEXTS) + "\n", **options)
        return self.folder / name


class Embed(EmbedTest):
    def test_a_line_gives_a_vector_whatever_way_it_comes(self):
        by_lines = self.json_lines(self.embed(text="\n".join(TEXTS) + "\n").stdout)
        self.assertEqual([row["text"] for row in by_lines], TEXTS)
        vectors = [row["embedding"] for row in by_lines]
        self.assertEqual({len(vector) for vector in vectors}, {24})
        self.assertEqual(self.vectors(*[text for text in TEXTS if text]),
                         [vector for text, vector in zip(TEXTS, vectors) if text])
        table = self.folder / "t.tsv"
        table.write_text("key\tbody\n" + "".join(f"k{i}\t{text}\n" for i, text in enumerate(TEXTS)))
        rows = self.json_lines(self.embed("--input", table, "--text-column", "body", "--id-column", "key").stdout)
        self.assertEqual([row["embedding"] for row in rows], vectors)
        self.assertEqual([row["id"] for row in rows], [f"k{i}" for i in range(len(TEXTS))])
        packed = self.folder / "t.jsonl.gz"
        packed.write_bytes(gzip.compress("".join(json.dumps({"text": text}) + "\n" for text in TEXTS).encode()))
        self.assertEqual(self.vectors("--input", packed), vectors)
        self.assertEqual(self.vectors("--input", "-", "--format", "csv", text='text\n"The film is good."\n'), vectors[:1])

    def test_json_numbers_are_the_float32_of_the_files(self):
        text = "\n".join(TEXTS) + "\n"
        printed = [[as_float(number) for number in vector] for vector in self.vectors(text=text)]
        self.embed("--output", self.folder / "v.npy", text=text)
        self.embed("--output", self.folder / "v.safetensors", text=text)
        self.assertEqual(read_npy(self.folder / "v.npy"), printed)
        self.assertEqual(read_safetensors(self.folder / "v.safetensors"), printed)
        self.assertEqual(read_safetensors(self.index() / "embeddings.safetensors"), printed)

    def test_transformers_folders_are_pooled_by_the_mean_and_it_is_said(self):
        run = self.embed("a warm heart", model=self.classifier)
        self.assertIn("does not say how to pool", run.stderr)
        mean = self.vectors("a warm heart", "--pooling", "mean", model=self.classifier)
        self.assertEqual(self.json_lines(run.stdout)[0]["embedding"], mean[0])
        for pooling in "cls", "max", "last":
            run = self.embed("a warm heart", "--pooling", pooling, model=self.classifier)
            self.assertEqual(run.stderr, "")
            self.assertNotEqual(self.json_lines(run.stdout)[0]["embedding"], mean[0])
        for layer in 0, 1:
            self.assertNotEqual(self.vectors("a warm heart", "--layer", layer, model=self.classifier), mean)
        self.assertEqual(self.vectors("a warm heart", "--layer", "2", model=self.classifier), mean)
        unit = self.vectors("a warm heart", "--normalize", "--dims", "7", model=self.classifier)[0]
        self.assertEqual(len(unit), 7)
        self.assertAlmostEqual(sum(x * x for x in unit), 1, places=5)

    def test_prompts_change_vectors(self):
        plain = self.vectors("warm music")
        query = self.vectors("warm music", "--prompt", "query")
        self.assertNotEqual(plain, query)
        self.assertEqual(self.vectors("warm music", "--prompt-text", "find the film: "), query)
        self.refused("embed", "--model", self.chain, "--prompt", "other", "x", expect=["--prompt", "'query'", "'other'"])
        self.refused("embed", "--model", self.chain, "--prompt", "query", "--prompt-text", "x", "x", status=2,
                     expect="found both")

    def test_texts_that_are_cut_are_counted(self):
        run = self.embed(text="good " * 40 + "\nfilm\n")
        self.assertIn("1 texts were longer than 24 tokens; 18 tokens were not read", run.stderr)
        self.assertEqual(self.json_lines(run.stdout)[0]["cut_off_tokens"], 18)

    def test_mistakes_are_one_line(self):
        refused = lambda *arguments, **options: self.refused("embed", "--model", self.chain, *arguments, **options)
        refused("--dims", "25", "x", expect=["--dims", "1 to 24", "found 25"])
        refused("--layer", "3", "x", expect=["--layer", "0 to 2", "found 3"])
        refused("--pooling", "cls", "x", expect=["--pooling", "modules.json"])
        refused("--output", "x.txt", "x", status=2, expect=["--output", ".npy", "x.txt"])
        refused("--input", "a", "x", status=2, expect="--input")
        refused("--out", "a", "--output", "b.npy", "x", status=2, expect="--out")
        refused(b"\xff", status=2, expect=["byte 0", "UTF-8"])
        refused(raw=b"\xff\n", expect=["standard input:1", "UTF-8"])
        refused("--input", self.folder / "none.tsv", expect="none.tsv")
        table = self.folder / "t.tsv"
        table.write_text("text\tlabel\na\tb\n")
        refused("--input", table, "--text-column", "body", expect=["t.tsv:1", "'body'", "'label'"])
        refused("--input", table, "--id-column", "key", expect=["t.tsv:1", "'key'"])
        refused("--text-column", "body", text="x\n", expect=["standard input", "lines of text"])
        refused("--output", self.folder / "v.npy", text="", expect=["standard input", "found none"])
        refused("--out", self.folder / "v", text="", expect=["standard input", "found none"])
        refused("--out", self.chain, "x", expect="chain")
        refused("--out", self.folder / "v", raw=b"good\n\xff\n", expect="standard input:2")
        self.assertEqual(self.entries(), ["chain", "classifier", "encoder", "t.tsv"])

    def test_replaced_utf8_is_embedded(self):
        self.assertEqual(len(self.vectors("--invalid-utf8", "replace", raw=b"good \xff\n")), 1)

    def test_no_lines_give_no_vectors(self):
        self.assertEqual(self.embed(text="").stdout, "")


class Search(EmbedTest):
    def search(self, index, *arguments, **options):
        return self.graft("search", "--index", index, "--threads", "1", *arguments, **options)

    def results(self, index, *arguments, **options):
        return self.json_lines(self.search(index, "--json", *arguments, **options).stdout)

    def test_finds_what_a_plain_loop_finds(self):
        index = self.index(model=self.classifier)
        rows = read_safetensors(index / "embeddings.safetensors")
        query = self.vectors("a bright film", model=self.classifier)[0]
        dot = lambda a, b: math.fsum(x * y for x, y in zip(a, b))
        scores = {"dot": [dot(query, row) for row in rows],
                  "cosine": [dot(query, row) / math.sqrt(dot(query, query) * dot(row, row)) for row in rows]}
        for metric, expected in scores.items():
            found = self.results(index, "--query", "a bright film", "--metric", metric)[0]["results"]
            order = sorted(range(len(rows)), key=lambda i: (-expected[i], i))
            self.assertEqual([result["row"] for result in found], order)
            for result in found:
                self.assertAlmostEqual(result["score"], expected[result["row"]], delta=1e-4)
                self.assertEqual(result["text"], TEXTS[result["row"]])
                self.assertEqual(result["id"], str(result["row"] + 1))

    def test_one_query_or_many_give_the_same(self):
        index = self.index()
        queries = ["film", "music", "", "the plot is weak"] * 40
        together = self.results(index, "--top", "3", text="\n".join(queries) + "\n")
        self.assertEqual(len(together), len(queries))
        for query, row in list(zip(queries, together))[:4]:
            if query:
                self.assertEqual(self.results(index, "--top", "3", "--query", query)[0], row)
            self.assertEqual(len(row["results"]), 3)

    def test_a_text_is_nearest_to_itself_and_ties_go_by_row(self):
        self.embed("--out", self.folder / "twice", "b film", "a film", "a film", model=self.encoder)
        found = self.results(self.folder / "twice", "--query", "a film")[0]["results"]
        self.assertEqual([result["row"] for result in found], [1, 2, 0])
        self.assertAlmostEqual(found[0]["score"], 1, places=5)
        lines = self.search(self.folder / "twice", "--query", "a film", "--top", "1").stdout.splitlines()
        self.assertEqual(lines, ["1.000000\t2\ta film"])

    def test_queries_take_the_prompt_of_queries(self):
        index = self.index("--prompt", "passage")
        default = self.results(index, "--query", "film")
        self.assertEqual(self.results(index, "--query", "film", "--prompt", "query"), default)
        self.assertNotEqual(self.results(index, "--query", "film", "--prompt", "passage"), default)

    def test_an_index_of_another_model_is_refused_and_named(self):
        index = self.index()
        weights = self.chain / "model.safetensors"
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(bytes(data))
        self.refused("search", "--index", index, "--query", "x", expect=["chain", "model.safetensors"])
        self.refused("search", "--index", index, "--query", "x", "--model", self.classifier,
                     expect=["classifier", "config.json", "modules.json"])

    def test_a_model_may_move(self):
        index = self.index()
        before = self.results(index, "--query", "film")
        self.chain.rename(self.folder / "moved")
        self.refused("search", "--index", index, "--query", "film", expect=["chain", "--model"])
        self.assertEqual(self.results(index, "--query", "film", "--model", self.folder / "moved"), before)

    def test_what_is_no_index_is_refused(self):
        self.refused("search", "--index", self.folder / "none", "--query", "x", expect="index.json")
        self.refused("search", "--index", self.encoder, "--query", "x", expect="index.json")
        index = self.index()
        for name, change, expect in [("texts.jsonl", lambda data: data[:-1], "texts.jsonl"),
                                     ("embeddings.safetensors", lambda data: data[:-4], "embeddings.safetensors"),
                                     ("rows.safetensors", lambda data: data[:-4], "rows.safetensors"),
                                     ("index.json", lambda data: data.replace(b'"version": 1', b'"version": 2'), "version"),
                                     ("index.json", lambda data: data.replace(b'"rows": 5', b'"rows": 4'), "[4, 24]")]:
            damaged = self.folder / "damaged"
            shutil.copytree(index, damaged)
            (damaged / name).write_bytes(change((index / name).read_bytes()))
            self.refused("search", "--index", damaged, "--query", "x", expect=["damaged", expect])
            shutil.rmtree(damaged)


if __name__ == "__main__":
    main()

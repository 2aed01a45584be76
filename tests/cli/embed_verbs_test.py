"""graft embed and graft search, with good and bad input."""

import gzip
import json
import math
import os
import shutil
import signal
import struct
import subprocess
import time

from command import GOLDEN, GRAFT, CommandTest, main

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

    def started(self, *arguments):
        process = subprocess.Popen([GRAFT, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.addCleanup(lambda: [stream.close() for stream in (process.stdin, process.stdout, process.stderr)])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def wait_until(self, holds):
        for _ in range(600):
            if holds():
                return
            time.sleep(0.1)
        self.fail("waited for a minute")

    def index(self, *arguments, name="index", **options):
        self.embed("--out", self.folder / name, *arguments, text="\n".join(TEXTS) + "\n", **options)
        return self.folder / name


def changed_tensor(path, name, change):
    """Writes a safetensors file anew with other bytes of a tensor."""
    data = bytearray(path.read_bytes())
    length = struct.unpack("<Q", data[:8])[0]
    begin, end = (8 + length + offset for offset in json.loads(data[8:8 + length])[name]["data_offsets"])
    data[begin:end] = change(bytes(data[begin:end]))
    path.write_bytes(bytes(data))


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
        self.assertEqual(self.vectors("warm music", "--prompt-text", ""), plain)
        self.refused("embed", "--model", self.chain, "--prompt", "other", "x", expect=["--prompt", "'query'", "'other'"])
        self.refused("embed", "--model", self.chain, "--prompt", "query", "--prompt-text", "", "x", status=2,
                     expect="found both")
        self.refused("embed", "--model", self.chain, "--prompt", "query", "--prompt-text", "x", "x", status=2,
                     expect="found both")

    def test_a_default_prompt_can_be_switched_off(self):
        flags = self.folder / "flags"
        shutil.copytree(GOLDEN / "embedder-flags", flags, ignore=shutil.ignore_patterns("expected*", "texts.json"))
        default = self.vectors("warm music", model=flags)
        self.assertEqual(default, self.vectors("warm music", "--prompt-text", "find ", model=flags))
        self.assertNotEqual(default, self.vectors("warm music", "--prompt-text", "", model=flags))

    def test_documents_take_their_own_prompt_and_the_index_says_which(self):
        for prompts, prompt in [({"document": "text: ", "passage": "no: "}, "text: "), ({"passage": "no: "}, "")]:
            settings = {"prompts": {**prompts, "query": "find: "}, "default_prompt_name": "query"}
            (self.chain / "config_sentence_transformers.json").write_text(json.dumps(settings))
            index = self.index("--overwrite")
            self.assertEqual(json.loads((index / "index.json").read_text())["embedder"]["prompt"], prompt)
            expected = self.vectors("--prompt-text", prompt, text="\n".join(TEXTS) + "\n")
            self.assertEqual(read_safetensors(index / "embeddings.safetensors"),
                             [[as_float(number) for number in vector] for vector in expected])
            self.assertNotEqual(self.vectors(text="\n".join(TEXTS) + "\n"), expected)

    def test_texts_are_cut_where_it_is_said(self):
        long, short = "good film " * 4, "good film"
        self.assertEqual(self.vectors(long, "--max-length", "4"), self.vectors(short))
        index = self.index("--max-length", "4")
        self.assertEqual(json.loads((index / "index.json").read_text())["embedder"]["max_length"], 4)
        found = self.graft("search", "--index", index, "--json", "--query", long, "--prompt-text", "")
        self.assertIn("were longer than 4 tokens", found.stderr)
        positions = json.loads((self.chain / "config.json").read_text())["max_position_embeddings"]
        for length in "2", str(positions + 1):
            self.refused("embed", "--model", self.chain, "--max-length", length, "x",
                         expect=["--max-length: expected 3 to", f"{positions}, the positions", f"found {length}"])

    def test_a_folder_with_no_room_for_texts_is_named(self):
        config = self.classifier / "tokenizer_config.json"
        config.write_text(json.dumps({**json.loads(config.read_text()), "model_max_length": 2}))
        self.refused("embed", "--model", self.classifier, "x", expect=[f"{self.classifier}: ", "expected more than 2"])

    def test_a_text_without_tokens_is_named(self):
        encoder = self.folder / "gpt2"
        shutil.copytree(GOLDEN / "scores" / "gpt2", encoder, ignore=shutil.ignore_patterns("scores*"))
        embed = lambda *arguments, **options: self.graft("embed", "--model", encoder, "--pooling", "mean", "--threads", "1",
                                                         *arguments, status=1, **options)
        run = embed(text="a\n" * 300 + "\nb\n")
        self.assertEqual(run.stderr, "graft: standard input:301: expected texts with at least one token, found '' without any\n")
        self.assertEqual(len(run.stdout.splitlines()), 300)
        self.assertIn("text 2 of the command line: expected texts", embed("a", "").stderr)
        lines = self.folder / "lines.txt"
        lines.write_text("a\n\n")
        self.assertIn(f"{lines}:2: expected texts", embed("--input", lines).stderr)

    def test_files_are_replaced_only_on_request(self):
        out = self.folder / "v.npy"
        self.embed("--output", out, "a good film")
        before = out.read_bytes()
        self.refused("embed", "--model", self.chain, "--output", out, "x", expect=[str(out), "--overwrite"])
        self.assertEqual(out.read_bytes(), before)
        self.embed("--output", out, "--overwrite", "warm music")
        self.assertNotEqual(out.read_bytes(), before)
        index = self.index()
        self.refused("embed", "--model", self.chain, "--out", index, "x", expect=[str(index), "--overwrite"])
        self.embed("--out", index, "--overwrite", "one", "two")
        self.assertEqual(len(read_safetensors(index / "embeddings.safetensors")), 2)
        self.refused("embed", "--model", self.chain, "--out", self.classifier, "--overwrite", "x",
                     expect=["classifier", "replaces only"])
        self.assertTrue((self.classifier / "model.safetensors").exists())
        self.refused("embed", "--model", self.chain, "--overwrite", "x", status=2, expect="--overwrite")

    def test_what_cannot_be_written_is_refused_before_any_text_is_read(self):
        read, write = os.pipe()  # nothing ever comes
        for path in "missing/v.npy", "missing/v.safetensors":
            run = subprocess.run([GRAFT, "embed", "--model", self.chain, "--output", self.folder / path], stdin=read,
                                 capture_output=True, timeout=60, check=False)
            self.assertEqual(run.returncode, 1)
            self.assertIn(b"missing", run.stderr)
        os.close(read)
        os.close(write)

    def test_a_signal_leaves_nothing_while_standard_input_is_silent(self):
        for number, status in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            for option, name, written in [("--out", "index", b"a good film\n"), ("--output", "v.npy", b"a good film\nhalf a"),
                                          ("--output", "v.safetensors", gzip.compress(b"a good film\n")[:-4])]:
                before = self.entries()
                process = self.started("embed", "--model", self.chain, option, self.folder / name)
                process.stdin.write(written)
                process.stdin.flush()
                self.wait_until(lambda: self.entries() != before)
                time.sleep(0.3)
                process.send_signal(number)
                self.assertEqual(process.wait(timeout=60), status)
                self.assertIn(b"nothing was written", process.stderr.read())
                self.assertEqual(self.entries(), before)

    def test_who_writes_a_line_gets_its_answer(self):
        index = self.index()
        for verb in ["embed", "--model", self.chain], ["search", "--index", index, "--json"], \
                ["classify", "--model", self.classifier, "--json"]:
            process = self.started(*verb)
            for written, text in [("film\n", "film"), ("music\nlau", "music"), ("ghter\n", "laughter")]:
                process.stdin.write(written.encode())
                process.stdin.flush()
                row = json.loads(process.stdout.readline())
                self.assertEqual(row.get("text", row.get("query")), text)
            process.stdin.close()
            self.assertEqual(process.wait(timeout=60), 0)

    def test_more_than_one_block_gives_what_one_text_gives(self):
        texts = [f"film {i} good" for i in range(600)]
        rows = self.json_lines(self.embed(text="\n".join(texts) + "\n").stdout)
        self.assertEqual([row["text"] for row in rows], texts)
        self.assertEqual(rows[257]["embedding"], self.vectors(texts[257])[0])
        self.embed("--output", self.folder / "v.npy", text="\n".join(texts) + "\n")
        self.assertEqual(read_npy(self.folder / "v.npy")[599], [as_float(number) for number in rows[599]["embedding"]])

    def test_output_that_cannot_be_written_is_an_error(self):
        index = self.index()
        for verb in ["embed", "--model", self.chain], ["search", "--index", index]:
            with open("/dev/full", "wb") as full:
                run = subprocess.run([GRAFT, *verb], input=b"film\n", stdout=full, stderr=subprocess.PIPE, timeout=60,
                                     check=False)
            self.assertEqual(run.returncode, 1)
            self.assertIn(b"standard output", run.stderr)
            process = self.started(*verb)
            process.stdout.close()
            process.communicate(b"film\n" * 2000, timeout=60)
            self.assertNotEqual(process.returncode, 0)

    def test_progress_is_told_for_standard_input_and_gzip(self):
        lines = self.folder / "lines.txt.gz"
        lines.write_bytes(gzip.compress("\n".join(TEXTS).encode()))
        run = self.embed("--input", lines, "--output", self.folder / "a.npy")
        self.assertIn("embedding", run.stderr)
        (self.folder / "plain.txt").write_text("\n".join(TEXTS))
        with open(self.folder / "plain.txt", "rb") as plain:
            run = subprocess.run([GRAFT, "embed", "--model", self.chain, "--output", self.folder / "b.npy"], stdin=plain,
                                 capture_output=True, timeout=60, check=True)
        self.assertIn(b"embedding", run.stderr)

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
        refused("--output", "b.npy", "--id-column", "1", status=2, expect=["--id-column", "no ids"])
        for option in ["--text-column", "body"], ["--id-column", "1"], ["--format", "tsv"]:
            refused(*option, "x", status=2, expect=[option[0], "found both"])
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
        self.refused("search", "--index", self.folder / "none", "--query", "x", expect="none: no such folder")
        self.refused("search", "--index", self.encoder, "--query", "x", expect="index.json")
        index = self.index()
        for name, change, expect in [("texts.jsonl", lambda data: data[:-1], "texts.jsonl"),
                                     ("embeddings.safetensors", lambda data: data[:-4], "embeddings.safetensors"),
                                     ("rows.safetensors", lambda data: data[:-4], "rows.safetensors"),
                                     ("index.json", lambda data: data.replace(b'"version": 1', b'"version": 2'),
                                      "version: expected 1, found 2"),
                                     ("index.json", lambda data: data.replace(b'"layer": "2"', b'"layer": "1"'), "model_hash"),
                                     ("index.json", lambda data: data.replace(b'"prompt"', b'"layer": 3, "prompt"'),
                                      "index.json: embedder: layer: expected 0 to 2"),
                                     ("index.json", lambda data: data.replace(b'"rows": 5', b'"rows": 4'), "[4, 24]")]:
            damaged = self.folder / "damaged"
            shutil.copytree(index, damaged)
            (damaged / name).write_bytes(change((index / name).read_bytes()))
            self.refused("search", "--index", damaged, "--query", "x", expect=["damaged", expect])
            shutil.rmtree(damaged)

    def test_damaged_numbers_are_refused_with_their_row(self):
        index = self.index()
        numbers = index / "embeddings.safetensors"
        whole = numbers.read_bytes()
        for value, text in [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")]:
            changed_tensor(numbers, "embeddings",
                           lambda data: data[:3 * 96 + 8] + struct.pack("<f", value) + data[3 * 96 + 12:])
            self.refused("search", "--index", index, "--query", "x",
                         expect=["embeddings.safetensors: row 3: expected finite numbers, found " + text])
            numbers.write_bytes(whole)
        changed_tensor(numbers, "embeddings", lambda data: struct.pack("<f", 3e38) * (len(data) // 4))
        self.refused("search", "--index", index, "--query", "film", expect=["row 0: expected a length", "e+39"])

    def test_damaged_offsets_are_refused_with_their_row(self):
        index = self.index()
        rows = index / "rows.safetensors"
        whole = rows.read_bytes()
        for place, value, expect in [(0, 1, "row 0: expected 0, found 1"), (2, 1 << 60, "row 1: expected growing numbers"),
                                     (2, 0, "row 1: expected growing numbers"), (3, -1, "row 2: expected growing numbers"),
                                     (5, 1 << 40, "row 4: expected growing numbers"), (5, 1 << 20, "bytes as rows.safetensors")]:
            changed_tensor(rows, "text_offsets",
                           lambda data: data[:8 * place] + struct.pack("<q", value) + data[8 * place + 8:])
            self.refused("search", "--index", index, "--query", "x", expect=[expect])
            rows.write_bytes(whole)

    def test_what_others_may_write_to_is_read(self):
        index = self.index()
        expected = self.results(index, "--query", "film")
        (index / "embeddings.safetensors").chmod(0o666)
        self.assertEqual(self.results(index, "--query", "film"), expected)
        process = self.started("search", "--index", index, "--json")
        process.stdin.write(b"film\n")
        process.stdin.flush()
        self.assertEqual(json.loads(process.stdout.readline()), expected[0])
        os.truncate(index / "embeddings.safetensors", 0)
        process.stdin.write(b"film\n")
        process.stdin.flush()
        self.assertEqual(json.loads(process.stdout.readline()), expected[0])
        process.stdin.close()
        self.assertEqual(process.wait(timeout=60), 0)

    def test_top_may_be_beyond_the_rows(self):
        index = self.index()
        self.assertEqual(len(self.results(index, "--query", "film", "--top", "1000")[0]["results"]), len(TEXTS))
        self.refused("search", "--index", index, "--query", "film", "--top", "0", status=2, expect="--top")

    def test_queries_that_are_wrong_are_named(self):
        index = self.index()
        self.refused("search", "--index", index, "--query", b"\xff", status=2, expect=["--query: byte 0", "UTF-8"])
        run = self.graft("search", "--index", index, raw=b"film\n\xff\n", status=1)
        self.assertIn("standard input:2", run.stderr)
        self.refused("search", "--index", index, "--query", "x", "--prompt", "other", expect=["--prompt", "'other'"])


if __name__ == "__main__":
    main()

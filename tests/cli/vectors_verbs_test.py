"""graft vectors info, doctor, convert, nearest, similarity, analogy, eval and coverage: good and bad input."""

import gzip
import json
import math
import struct
import subprocess
import zipfile

from command import GOLDEN, GRAFT, CommandTest, main

VECTORS = GOLDEN / "vectors"

# man, woman, king, queen and others; "Paris" has no lower-cased form, "film" no upper-cased one.
WORDS = ["man", "woman", "king", "queen", "other", "film", "Paris", "zero"]
ROWS = [[1, 0, 0, .25], [1, 1, 0, .25], [1, 0, 1, .25], [1, 1, 1, .25], [0, 1, 0, 1], [.5, -1, 0, 0], [-1, 0, 2, 0], [0, 0, 0, 0]]


def glove(words=WORDS, rows=ROWS):
    return "".join(f"{word} {' '.join(map(str, row))}\n" for word, row in zip(words, rows, strict=True))


def cosine(a, b):
    length = math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))
    return sum(x * y for x, y in zip(a, b)) / length if length else 0.0


class VectorsTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.file = self.write("small.txt", glove())

    def write(self, name, contents):
        path = self.folder / name
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    def vectors(self, verb, *arguments, file=None, **options):
        return self.graft("vectors", verb, "--vectors", file or self.file, "--threads", "2", *arguments, **options)

    def json(self, verb, *arguments, **options):
        return json.loads(self.vectors(verb, "--json", *arguments, **options).stdout)

    def no_vectors(self, verb, *arguments, file=None, **options):
        return self.refused("vectors", verb, "--vectors", file or self.file, *arguments, **options)


class Info(VectorsTest):
    def test_facts_are_those_of_the_file(self):
        facts = self.json("info")
        self.assertEqual((facts["format"], facts["rows"], facts["width"], facts["storage"]), ("glove", 8, 4, "float32"))
        norms = [math.sqrt(sum(x * x for x in row)) for row in ROWS]
        self.assertAlmostEqual(facts["norms"]["mean"], sum(norms) / 8, places=6)
        self.assertAlmostEqual(facts["norms"]["most"], max(norms), places=6)
        self.assertEqual(facts["norms"]["zeros"], 1)
        self.assertEqual(facts["memory"]["matrix"], 8 * 4 * 4)
        self.assertIsNone(facts["sub_words"])

    def test_oddities_are_counted(self):
        file = self.write("odd.txt", glove().encode() + b"man 1 2 3 4\n\xff\xfe 1 2 3 4\n")
        facts = self.json("info", file=file)
        self.assertEqual((facts["rows"], facts["duplicates"], facts["broken_utf8"]), (9, 1, 1))
        text = self.vectors("info", file=file).stdout
        self.assertIn("1 (the first row counts)", text)
        self.assertIn("1 (no UTF-8, kept)", text)

    def test_broken_words_of_a_folder_are_counted_too(self):
        file = self.write("broken.txt", glove(WORDS[:7], ROWS[:7]).encode() + b"\xff\xfe 1 2 3 4\n")
        self.vectors("convert", "--out", self.folder / "folder", file=file)
        self.assertEqual(self.json("info", file=self.folder / "folder")["broken_utf8"], 1)
        report = self.json("doctor", file=self.folder / "folder")
        self.assertEqual((report["verdict"], report["broken_utf8"]), ("odd", 1))
        self.assertIn("'\\xFF\\xFE' is no UTF-8", report["findings"][0]["text"])

    def test_packed_files_and_folders_load(self):
        packed = self.write("small.gz", gzip.compress(glove().encode()))
        self.assertEqual(self.json("info", file=packed)["packing"], "gzip")
        self.vectors("convert", "--out", self.folder / "folder", "--storage", "int8")
        facts = self.json("info", file=self.folder / "folder")
        self.assertEqual((facts["format"], facts["storage"], facts["memory"]["matrix"]), ("graft", "int8", 8 * (4 + 8)))

    def test_repair_says_what_it_leaves_out(self):
        file = self.write("bad.txt", glove() + "short 1 2\n")
        self.no_vectors("info", file=file, expect=["bad.txt:9: ", "expected"])
        run = self.vectors("info", "--repair", file=file)
        self.assertIn("1 rows that are not sound are left out", run.stderr)


class Doctor(VectorsTest):
    def test_a_sound_file_is_sound(self):
        file = self.write("sound.txt", glove(WORDS[:7], ROWS[:7]))
        self.assertEqual(self.json("doctor", file=file)["verdict"], "sound")
        self.assertTrue(self.vectors("doctor", file=file).stdout.startswith(f"{file}: sound\n"))

    def test_oddities_have_places_and_are_no_failure(self):
        file = self.write("odd.txt", glove().encode() + b"man 1 2 3 4\n\xff\xfe 1 2 3 4\n")
        report = self.json("doctor", file=file)
        self.assertEqual((report["verdict"], report["zeros"]), ("odd", 1))
        self.assertEqual([(f["kind"], f["line"]) for f in report["findings"]], [("duplicate", 9), ("broken-utf8", 10)])
        text = self.vectors("doctor", file=file).stdout
        self.assertIn("odd.txt:9: byte", text)
        self.assertIn("1 rows of zeros: 'zero'", text)

    def test_all_that_is_refused_is_listed_with_what_repair_keeps(self):
        file = self.write("bad.txt", "9 4\n" + glove() + "short 1 2\nbad 1 2 nan 4\n")
        report = self.json("doctor", file=file, status=1)
        self.assertEqual((report["verdict"], report["repairable"], report["rows"], report["skipped"]), ("refused", True, 8, 2))
        self.assertEqual([(f["kind"], f["line"]) for f in report["findings"]], [("count", 1), ("row", 10), ("row", 11)])
        text = self.vectors("doctor", file=file, status=1).stdout
        self.assertIn("bad.txt:10: byte", text)
        self.assertIn("--repair keeps 8 rows of 4 numbers", text)
        self.assertEqual(self.json("info", "--repair", file=file)["rows"], report["rows"])

    def test_a_cut_has_its_place_in_its_text(self):
        file = self.folder / "cut.gz"
        file.write_bytes(gzip.compress(b"".join(b"w%d 1 2 3\n" % i for i in range(20000)))[:-2000])
        report = self.json("doctor", file=file, status=1)
        self.assertEqual((report["verdict"], report["repairable"], report["skipped"]), ("refused", True, 0))
        self.assertEqual([(f["kind"], f["offset"]) for f in report["findings"]], [("cut", None)])
        self.assertIn("; the rows before are kept", report["findings"][0]["text"])
        run = self.vectors("info", "--json", "--repair", file=file)
        self.assertEqual(json.loads(run.stdout)["rows"], report["rows"])
        self.assertIn("the rows before are kept", run.stderr)

    def test_what_cannot_be_repaired_is_said(self):
        file = self.write("noise.bin", bytes(range(256)) * 4)
        report = self.json("doctor", file=file, status=1)
        self.assertEqual((report["verdict"], report["repairable"]), ("refused", False))
        self.assertIn("--repair does not help", self.vectors("doctor", file=file, status=1).stdout)
        self.no_vectors("doctor", file=self.folder / "none", expect="none: ")

    def test_a_damaged_folder_is_found(self):
        folder = self.folder / "folder"
        self.vectors("convert", "--out", folder)
        self.assertEqual(self.vectors("doctor", file=folder).stdout.splitlines()[0], f"{folder}: odd")  # the row of zeros
        words = folder / "words.txt"
        words.write_bytes(words.read_bytes().replace(b"queen", b"qveen"))
        report = self.json("doctor", file=folder, status=1)
        self.assertEqual((report["verdict"], report["repairable"]), ("refused", False))
        self.assertIn("words", report["refused"])


class Convert(VectorsTest):
    def test_every_format_gives_the_same_words_and_numbers(self):
        for to in "graft", "word2vec-text", "word2vec-binary", "glove":
            out = self.folder / f"out-{to}"
            self.vectors("convert", "--out", out, "--to", to)
            facts = self.json("info", file=out)
            self.assertEqual((facts["format"], facts["rows"]), (to, 8))
            back = self.folder / f"back-{to}"
            self.vectors("convert", "--out", back, "--to", "glove", file=out)
            self.assertEqual(back.read_text(), glove().replace("0.", ".").replace(" .", " 0.").replace("-.", "-0."))

    def test_other_storage_is_close(self):
        for storage, error in ("float16", 1e-3), ("int8", 1e-2):
            out = self.folder / storage
            self.vectors("convert", "--out", out, "--storage", storage)
            found = self.json("similarity", "man", "queen", file=out)["similarity"]
            self.assertAlmostEqual(found, cosine(ROWS[0], ROWS[3]), delta=error)

    def test_nothing_is_replaced_unless_asked(self):
        for to in "graft", "glove":
            out = self.folder / f"out-{to}"
            self.vectors("convert", "--out", out, "--to", to)
            self.no_vectors("convert", "--out", out, "--to", to, expect=[f"{out}: ", "--overwrite"])
            smaller = self.write("smaller.txt", glove(WORDS[:3], ROWS[:3]))
            self.vectors("convert", "--out", out, "--to", to, "--overwrite", file=smaller)
            self.assertEqual(self.json("info", file=out)["rows"], 3)

    def test_a_folder_of_other_things_is_never_replaced(self):
        out = self.folder / "precious"
        out.mkdir()
        (out / "notes").write_text("mine")
        self.no_vectors("convert", "--out", out, "--overwrite", expect=["precious: expected nothing but word vectors", "'notes'"])
        self.no_vectors("convert", "--out", self.folder, "--overwrite", expect="expected nothing but word vectors")
        self.assertEqual((out / "notes").read_text(), "mine")

    def test_what_is_left_out_is_said(self):
        file = self.write("twice.txt", glove() + "man 1 2 3 4\n")
        run = self.vectors("convert", "--out", self.folder / "once", "--to", "glove", file=file)
        self.assertIn("twice.txt: 1 rows of words that stand there before are left out", run.stderr)
        run = self.vectors("convert", "--out", self.folder / "rows", "--to", "glove", "--json", file=VECTORS / "skipgram.bin")
        self.assertGreater(json.loads(run.stdout)["sub_words_left_out"], 0)
        self.assertIn("rows of n-grams are left out", run.stderr)
        run = self.vectors("convert", "--out", self.folder / "whole", "--json", file=VECTORS / "skipgram.bin")
        self.assertEqual((json.loads(run.stdout)["sub_words_left_out"], run.stderr), (0, ""))

    def test_a_damaged_folder_is_not_written_anew(self):
        folder = self.folder / "folder"
        self.vectors("convert", "--out", folder)
        matrix = folder / "vectors.safetensors"
        damaged = bytearray(matrix.read_bytes())
        damaged[-3] ^= 1
        matrix.write_bytes(damaged)
        self.no_vectors("convert", "--out", self.folder / "out", "--to", "glove", file=folder, expect="vectors.safetensors: expected")
        self.assertFalse((self.folder / "out").exists())

    def test_files_of_archives_and_of_two_parts(self):
        archive = self.folder / "two.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("a.txt", glove(WORDS[:3], ROWS[:3]))
            file.writestr("b.txt", glove())
        self.no_vectors("info", file=archive, expect="2 files: a.txt, b.txt")
        self.assertEqual(self.json("info", "--zip-entry", "b.txt", file=archive)["rows"], 8)
        self.no_vectors("info", "--zip-entry", "b.txt", expect="expected a zip archive")
        words = VECTORS / "words.txt"
        self.assertEqual(self.json("info", "--words", words, file=VECTORS / "float32.npy")["format"], "numpy")
        self.no_vectors("info", "--words", words, expect="expected a matrix of numpy")
        self.no_vectors("info", "--format", "glove", file=self.folder, expect="expected a file of the format glove, found a folder")
        report = self.json("doctor", "--words", words, file=VECTORS / "float64.npy")
        self.assertIn("numbers of float64, rounded to float32", [finding["text"] for finding in report["findings"]])

    def test_storage_is_that_of_folders(self):
        self.no_vectors("convert", "--out", "x", "--to", "glove", "--storage", "int8", status=2, expect="--storage")

    def test_a_refused_file_leaves_nothing(self):
        file = self.write("bad.txt", glove() + "short 1 2\n")
        before = self.entries()
        self.no_vectors("convert", "--out", self.folder / "out", file=file, expect="bad.txt:9: ")
        self.assertEqual(self.entries(), before)
        run = self.vectors("convert", "--out", self.folder / "out", "--repair", file=file)
        self.assertIn("1 rows that are not sound", run.stderr)
        self.assertEqual(self.json("info", file=self.folder / "out")["rows"], 8)


class Nearest(VectorsTest):
    def test_neighbors_are_those_of_all_cosines(self):
        lines = self.vectors("nearest", "king", "--top", "7").stdout.splitlines()
        expected = sorted(((cosine(ROWS[2], row), word) for word, row in zip(WORDS, ROWS) if word != "king"), key=lambda x: -x[0])
        self.assertEqual([line.split("\t")[:2] for line in lines], [["king", word] for _, word in expected])
        for line, (score, _) in zip(lines, expected):
            self.assertAlmostEqual(float(line.split("\t")[2]), score, places=6)

    def test_lines_and_arguments_give_the_same(self):
        by_arguments = self.vectors("nearest", "king", "man", "Paris").stdout
        self.assertEqual(self.vectors("nearest", text="king\nman\nParis\n").stdout, by_arguments)
        rows = self.json_lines(self.vectors("nearest", "--json", text="king\nman\nParis\n").stdout)
        self.assertEqual([row["words"][0]["word"] for row in rows], ["king", "man", "Paris"])
        self.assertEqual(rows[0]["results"][0]["row"], WORDS.index(rows[0]["results"][0]["word"]))

    def test_a_line_is_answered_at_once(self):
        process = subprocess.Popen([GRAFT, "vectors", "nearest", "--vectors", str(self.file), "--top", "1"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(lambda: [stream.close() for stream in (process.stdout, process.stderr)])
        for word in "king", "man":
            process.stdin.write(f"{word}\n".encode())
            process.stdin.flush()
            self.assertTrue(process.stdout.readline().startswith(f"{word}\t".encode()))
        process.stdin.close()
        self.assertEqual(process.wait(), 0)

    def test_the_filter_in_8_bits_changes_nothing(self):
        for verb, words in ("nearest", ["king"]), ("analogy", ["man", "king", "woman"]):
            self.assertEqual(self.vectors(verb, "--int8-filter", *words).stdout, self.vectors(verb, *words).stdout)

    def test_models_of_n_grams(self):
        run = self.vectors("nearest", "unknownword", "--top", "3", file=VECTORS / "pruned.ftz")
        self.assertEqual(len(run.stdout.splitlines()), 3)
        self.assertIn("1 by their sub-words", run.stderr)
        self.assertNotEqual(self.vectors("similarity", "some", "words", file=VECTORS / "floret.txt").stdout, "")
        self.no_vectors("nearest", "word", file=VECTORS / "floret.txt", expect="expected rows of words to look through, found n-grams alone")

    def test_a_vector_that_is_no_number_is_said(self):
        folder = self.folder / "folder"
        self.vectors("convert", "--out", folder)
        matrix = folder / "vectors.safetensors"
        rows = bytearray(matrix.read_bytes())
        rows[-8 * 16:-8 * 16 + 4] = struct.pack("<f", math.nan)  # of "man"
        matrix.write_bytes(rows)
        self.no_vectors("nearest", "man", file=folder, expect="the vector of 'man': expected finite numbers")
        self.no_vectors("similarity", "man", "king", file=folder, expect="the vector of 'man': expected finite numbers")
        self.assertNotIn("man\t", self.vectors("nearest", "king", file=folder).stdout.replace("woman", ""))

    def test_a_closed_pipe_ends_in_silence(self):
        process = subprocess.Popen(f"yes king | head -n 20000 | {GRAFT} vectors nearest --vectors {self.file} 2> {self.folder / 'err'} | head -n 1",
                                   shell=True, stdout=subprocess.PIPE)
        self.assertTrue(process.communicate(timeout=60)[0].startswith(b"king\t"))
        self.assertEqual((self.folder / "err").read_text(), "")

    def test_unknown_words_are_said_and_the_others_answered(self):
        run = self.vectors("nearest", "king", "qwzx", "man", "--top", "1", status=1)
        self.assertEqual([line.split("\t")[0] for line in run.stdout.splitlines()], ["king", "man"])
        self.assertEqual(run.stderr, "graft: words without a row: 1 unknown ('qwzx')\n")
        rows = self.json_lines(self.vectors("nearest", "--json", text="qwzx\nking\n", status=1).stdout)
        self.assertEqual((rows[0]["words"], rows[0]["results"]), ([{"word": "qwzx", "vector": None}], []))

    def test_the_policy_decides_on_unknown_words(self):
        run = self.vectors("nearest", "KING", "--top", "1")
        self.assertEqual(run.stdout.split("\t")[1], self.vectors("nearest", "king", "--top", "1").stdout.split("\t")[1])
        self.assertIn("1 by the lower-cased form", run.stderr)
        self.vectors("nearest", "KING", "--unknown", "strict", status=1)
        self.assertIn("1 by the mean of rare words", self.vectors("nearest", "qwzx", "--unknown", "rare").stderr)
        zero = self.json("nearest", "qwzx", "--unknown", "zero", "--top", "1")
        self.assertEqual((zero["words"][0]["vector"], zero["results"][0]["score"]), ("zero", 0))

    def test_words_are_bytes(self):
        file = self.write("bytes.txt", b"\xff\xfe 1 0\nice cream 1 0.5\nx 0 1\n")
        run = self.json("nearest", "ice cream", "--top", "1", file=file)
        self.assertEqual(run["results"][0]["word_hex"], "fffe")
        self.assertEqual(self.json("nearest", b"\xff\xfe", "--top", "1", file=file)["results"][0]["word"], "ice cream")
        self.assertEqual(self.json("nearest", text="ice cream\n", file=file)["words"][0]["word"], "ice cream")

    def test_bad_input(self):
        run = self.vectors("nearest", "--top", "1", raw=b"king\n\xff\n", status=1)
        self.assertEqual(len(run.stdout.splitlines()), 1)
        self.assertIn("standard input:2: ", run.stderr)
        self.no_vectors("nearest", "king", "--top", "0", status=2, expect="--top")
        self.no_vectors("nearest", "king", file=self.folder / "none", expect="none: ")
        self.no_vectors("nearest", "king", "--format", "numpy", expect="small.txt")
        self.refused("vectors", "nearest", "king", status=2, expect="--vectors")
        self.refused("vectors", status=2, expect="vectors")
        self.refused("vectors", "nearst", status=2, expect="did you mean 'vectors nearest'")


class SimilarityAndAnalogy(VectorsTest):
    def test_similarity_is_the_cosine_or_the_product(self):
        word, other, score = self.vectors("similarity", "man", "queen").stdout.rstrip("\n").split("\t")
        self.assertEqual((word, other), ("man", "queen"))
        self.assertAlmostEqual(float(score), cosine(ROWS[0], ROWS[3]), places=6)
        self.assertEqual(self.json("similarity", "man", "queen", "--metric", "dot")["similarity"], 1.0625)
        self.assertEqual(self.json("similarity", "man", "zero")["similarity"], 0)

    def test_lines_are_pairs(self):
        run = self.vectors("similarity", text="man queen\nking\tking\nman qwzx\n", status=1)
        self.assertEqual([line.split("\t")[2] for line in run.stdout.splitlines()][1:], ["1.000000", "unknown"])
        run = self.vectors("similarity", text="man queen\nman\nking king\n", status=1)
        self.assertEqual(run.stderr, "graft: standard input:2: expected 2 words between tabs or blanks, found 1\n")
        self.assertEqual(len(run.stdout.splitlines()), 1)
        self.no_vectors("similarity", "man", status=2, expect="expected 2 words")

    def test_analogies_by_both_methods(self):
        for method in "add", "multiply":
            lines = self.vectors("analogy", "man", "woman", "king", "--method", method, "--top", "2").stdout.splitlines()
            self.assertEqual(lines[0].split("\t")[:4], ["man", "woman", "king", "queen"])
            self.assertEqual(len(lines), 2)
            by_line = self.vectors("analogy", "--method", method, "--top", "2", text="man woman king\n").stdout
            self.assertEqual(by_line.splitlines(), lines)
        self.no_vectors("analogy", "man", "woman", status=2, expect="expected 3 words")
        self.assertIn("unknown ('qwzx')", self.vectors("analogy", "man", "woman", "qwzx", status=1).stderr)


class Eval(VectorsTest):
    def setUp(self):
        super().setUp()
        self.pairs = self.write("pairs.tsv", "# people's\nman\twoman\t7\nMan\tking\t6\nman\tother\t1\nqueen\tnone\t3\n")
        self.questions = self.write("questions.txt", ": family\nman woman king queen\nman king woman Queen\n"
                                                     ": gram1\nman woman king film\nman woman king none\n")

    def test_figures_of_pairs_and_analogies(self):
        report = self.json("eval", self.pairs, self.questions)
        pairs, analogies = report["results"]
        self.assertEqual((pairs["pairs"], pairs["unknown"], pairs["used"], pairs["unknown_words"]), (4, 1, 3, ["none"]))
        found = [cosine(ROWS[0], ROWS[i]) for i in (1, 2, 4)]
        self.assertAlmostEqual(pairs["spearman"], math.sqrt(3) / 2, places=9)  # the first two cosines are equal
        mean = sum(found) / 3
        top = sum((x - 14 / 3) * (y - mean) for x, y in zip((7, 6, 1), found))
        self.assertAlmostEqual(pairs["pearson"], top / math.sqrt(sum((x - 14 / 3) ** 2 for x in (7, 6, 1)) *
                                                                 sum((y - mean) ** 2 for y in found)), places=9)
        self.assertEqual([(s["name"], s["questions"], s["used"], s["correct"]) for s in analogies["sections"]],
                         [("family", 2, 2, 2), ("gram1", 2, 1, 0)])
        self.assertEqual((analogies["semantic"]["accuracy"], analogies["syntactic"]["accuracy"]), (1, 0))
        text = self.vectors("eval", self.pairs, self.questions).stdout
        self.assertIn("0.8660", text)
        self.assertIn("0.6667", text)

    def test_options_change_what_counts(self):
        used = lambda *options: [(r.get("used") if "used" in r else r["total"]["used"])
                                 for r in self.json("eval", self.pairs, self.questions, *options)["results"]]
        self.assertEqual(used(), [3, 3])
        self.assertEqual(used("--match-case"), [2, 2])
        self.assertEqual(used("--unknown", "zero"), [4, 4])
        self.assertEqual(used("--restrict-vocab", "3"), [2, 0])
        self.assertEqual(used("--method", "multiply"), [3, 3])
        self.assertIn("undefined", self.vectors("eval", self.pairs, "--restrict-vocab", "1").stdout)

    def test_standard_input_is_a_file(self):
        self.assertEqual(self.json("eval", "-", text=self.pairs.read_text())["results"][0]["used"], 3)

    def test_bad_input(self):
        self.no_vectors("eval", status=2, expect="FILE")
        bad = self.write("bad.tsv", "man\twoman\t7\nman\tking\tmuch\n")
        self.no_vectors("eval", bad, expect="bad.tsv:2: expected two words and a number")
        self.no_vectors("eval", self.folder / "none", expect="none: ")


class Coverage(VectorsTest):
    def test_types_tokens_and_remedies(self):
        data = self.write("data.tsv", "text\tlabel\nThe king's film, man\tx\nKing kings\ty\n")
        report = self.json("coverage", "--data", data)
        self.assertEqual((report["all"]["types"], report["all"]["tokens"]), (8, 8))
        self.assertEqual(report["known"]["types"], 3)
        self.assertEqual(report["remedies"]["lower_case"]["types"], 1)
        self.assertIsNone(report["remedies"]["sub_words"])
        self.assertEqual(report["remedies"]["n_grams"]["types"], 0)
        self.assertEqual([row["word"] for row in report["unknown"]], ["'s", ",", "King", "The", "kings"])
        lower = self.json("coverage", "--data", data, "--lower-case", "--top", "1")
        self.assertEqual((lower["known"]["tokens"], len(lower["unknown"])), (4, 1))
        self.assertEqual(self.json("coverage", "--data", data, "--split", "whitespace")["all"]["types"], 6)
        self.assertIn("these vectors have no sub-words", self.vectors("coverage", "--data", data).stdout)

    def test_texts_come_in_every_form(self):
        for name, text, options in [("a.jsonl", '{"body": "king man"}\n', ["--text-column", "body"]),
                                    ("a.txt", "king man\n", []), ("a.dat", "x,y\n1,king man\n", ["--data-format", "csv", "--text-column", "y"])]:
            report = self.json("coverage", "--data", self.write(name, text), *options)
            self.assertEqual(report["known"]["tokens"], 2)
        self.assertEqual(self.json("coverage", "--data", "-", text="king man\n")["known"]["tokens"], 2)

    def test_bad_input(self):
        self.no_vectors("coverage", status=2, expect="--data")
        self.no_vectors("coverage", "--data", self.write("empty.txt", "\n\n"), expect="expected texts with words")
        self.no_vectors("coverage", "--data", self.write("bad.txt", b"a\n\xff\n"), expect="bad.txt:2")


class Help(VectorsTest):
    def test_every_verb_explains_itself(self):
        listed = self.graft("vectors", "--help").stdout
        for verb in "info", "doctor", "convert", "nearest", "similarity", "analogy", "eval", "coverage":
            self.assertIn(f"vectors {verb}", listed)
            self.assertIn("--vectors FILE", self.graft("vectors", verb, "--help").stdout)


if __name__ == "__main__":
    main()

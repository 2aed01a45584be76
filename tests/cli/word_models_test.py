"""Classifiers over word vectors from outside: training, the other verbs, good and bad input."""

import json
import random
import struct

from command import NEGATIVE, POSITIVE, CommandTest, main

WORDS = sorted({word.strip(".,").lower() for text in POSITIVE + NEGATIVE for word in text.split()})


class WordTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.vectors = self.write_vectors("glove.txt", WORDS[::2] + ["other"], 8)

    def write_vectors(self, name, words, width, seed=1):
        numbers = random.Random(seed)
        lines = [" ".join([word, *(f"{numbers.gauss(0, 1):.4f}" for _ in range(width))]) for word in words]
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def train_words(self, *arguments, out=None, vectors=None, **options):
        train = self.sentiment()
        start = [] if vectors is False else ["--vectors", vectors or self.vectors]
        return self.graft("train", "classify", *start, "--train", train, "--dev", train, "--out", out or self.folder / "out",
                          "--learning-rate", "0.02", "--epochs", "20", "--threads", "1", *arguments, **options)


class Train(WordTest):
    def test_every_classifier_learns_and_works_with_the_other_verbs(self):
        for name, more in [("average", []), ("sif", []), ("cnn", ["--filters", "5"]), ("lstm", ["--lstm-size", "6"])]:
            with self.subTest(name):
                out = self.folder / name
                run = self.train_words("--classifier", name, *more, out=out)
                self.assertIn("best, saved", run.stdout)
                self.assertIn("known words", run.stdout)
                report = json.loads(self.graft("eval", "--model", out, "--data", self.folder / "train.tsv", "--json").stdout)
                self.assertGreater(report["accuracy"]["value"], 0.9)
                rows = self.graft("classify", "--model", out, POSITIVE[0], NEGATIVE[0]).stdout.splitlines()
                self.assertEqual([row.split("\t")[0] for row in rows], ["positive", "negative"])
                facts = json.loads(self.graft("inspect", "model", out, "--json").stdout)
                self.assertEqual((facts["layout"], facts["head"]["classifier"]), ("words", name))
                self.assertEqual(facts["missing_tensors"], [])
                vector = json.loads(self.graft("embed", "--model", out, "--pooling", "mean", "film").stdout)["embedding"]
                self.assertEqual(len(vector), 8)
                self.assertIn("0 different", self.graft("verify", "weights", out, out).stdout)
                self.assertEqual(self.graft("tokenize", "--model", out, text="A fine film!\n").stdout, "a fine film !\n")

    def test_words_in_place_of_tokens(self):
        self.train_words("--train-rows", "known")
        out, text = self.folder / "out", "Film né ZZZ other"
        known = WORDS[::2] + ["other"]
        run = self.graft("tokenize", "--model", out, "--json", "--offsets", "chars", text=text + "\n\n")
        record, empty = self.json_lines(run.stdout)
        self.assertEqual(record["tokens"], ["film", "né", "zzz", "other"])
        self.assertEqual(record["offsets"], [[0, 4], [5, 7], [8, 11], [12, 17]])
        self.assertEqual(record["sources"], [["row" if word in known else "none"] for word in record["tokens"]])
        table = (out / "words.txt").read_text().split("\n")
        self.assertEqual(record["table_rows"], [table.index(w) if w in table else None for w in record["tokens"]])
        self.assertEqual(record["cut_off"], 0)
        self.assertEqual(empty["tokens"], [])
        run = self.graft("tokenize", "--model", out, "--max-length", "2", "--threads", "2", text=f"{text}\n" * 50)
        self.assertEqual(run.stdout, "film né\n" * 50)
        self.assertIn("50 texts were longer than 2 tokens; 100 tokens were cut off", run.stderr)
        for option in ["--decode"], ["--pair"], ["--words"], ["--max-length", "5", "--stride", "2"]:
            self.refused("tokenize", "--model", out, *option, text="a\n", expect="expected a model with token ids, found word vectors in")

    def test_vectors_are_part_of_the_weights(self):
        other = self.folder / "other.txt"
        lines = self.vectors.read_text().splitlines(keepends=True)
        other.write_text("".join([*lines[:-1], "other" + " 9" * 8 + "\n"]))
        for name, vectors in ("a", self.vectors), ("b", other):
            self.train_words("--freeze", "all", out=self.folder / name, vectors=vectors)
        run = self.graft("verify", "weights", self.folder / "a", self.folder / "b", status=1)
        self.assertIn("vectors-1/vectors", run.stdout)
        facts = json.loads(self.graft("inspect", "model", self.folder / "a", "--tensors", "--json").stdout)
        self.assertIn("vectors-1/vectors", [tensor["name"] for tensor in facts["tensors"]])

    def test_files_that_need_more_to_be_read(self):
        words = self.folder / "matrix words"
        words.write_text("".join(word + "\n" for word in WORDS))
        header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({len(WORDS)}, 2), }}"
        header = header.ljust(117) + "\n"
        matrix = self.folder / "a,matrix.npy"  # the comma is part of the name
        matrix.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() +
                           struct.pack(f"<{2 * len(WORDS)}f", *(index / 10 for index in range(2 * len(WORDS)))))
        run = self.train_words("--vectors-words", words, "--vectors-format", "numpy", "--json", vectors=matrix)
        facts = self.json_lines(run.stdout)[0]["vectors"]
        self.assertEqual((facts["width"], facts["known_words"]), (2, len(WORDS)))
        lying = self.folder / "lying.txt"
        lying.write_text(f"{len(WORDS) + 1} 2\n" + "".join(f"{word} 1 2\n" for word in WORDS))
        run = self.train_words("--allow-count-mismatch", "--overwrite", vectors=lying)
        self.assertIn("lying.txt: the first line announces", run.stderr)
        second = self.write_vectors("second.txt", WORDS, 3)
        train = self.sentiment()
        self.refused("train", "classify", "--vectors", f"{lying},{second}", "--vectors-format", "glove", "--train", train, "--dev", train,
                     "--out", self.folder / "x", expect="--vectors-format: expected one file of --vectors, found 2", status=2)
        self.refused("train", "classify", "--vectors", lying, "--train", train, "--dev", train, "--out", self.folder / "x", expect="lying.txt")

    def test_what_graft_did_not_write_is_not_replaced(self):
        self.train_words()
        note = self.folder / "out" / "notes.txt"
        note.write_text("mine")
        train = self.sentiment()
        self.refused("train", "classify", "--vectors", self.vectors, "--train", train, "--dev", train, "--out", self.folder / "out", "--overwrite",
                     expect="notes.txt")
        self.assertEqual(note.read_text(), "mine")

    def test_same_seed_gives_the_same_bytes(self):
        for out, seed in ("a", "1"), ("b", "1"), ("c", "2"):
            self.train_words("--classifier", "cnn", "--filters", "4", "--seed", seed, out=self.folder / out)
        weights = [(self.folder / out / "model.safetensors").read_bytes() for out in "abc"]
        self.assertEqual(weights[0], weights[1])
        self.assertNotEqual(weights[0], weights[2])

    def test_starts_and_rows(self):
        def event(*arguments, **options):
            run = self.train_words("--json", "--overwrite", *arguments, **options)
            return self.json_lines(run.stdout)[0]
        frozen = event("--freeze", "all")
        self.assertEqual(frozen["vectors"]["rows"], 0)
        self.assertEqual(frozen["training_parameters"], 2 * 8 + 2)
        every, known = event(), event("--train-rows", "known")
        self.assertEqual(every["vectors"]["rows"], every["vectors"]["words"])
        self.assertEqual(known["vectors"]["rows"], known["vectors"]["known_words"])
        self.assertLess(known["vectors"]["rows"], every["vectors"]["rows"])
        self.assertEqual(event("--init", "random", "--width", "5", vectors=False)["vectors"]["width"], 5)
        self.assertEqual(event("--init", "random")["vectors"]["width"], 8)
        second = self.write_vectors("second.txt", WORDS, 3, seed=2)
        self.assertEqual(event(vectors=f"{self.vectors},{second}")["vectors"]["width"], 11)
        self.assertEqual(event("--classifier", "cnn", "--channels", "2")["vectors"]["channels"], 2)
        self.assertIsNone(frozen["pooling"])
        self.assertEqual(frozen["vectors"]["files"], [str(self.vectors)])

    def test_a_random_start_is_random_even_where_no_word_is_known(self):
        none = self.write_vectors("none.txt", ["xx", "yy"], 4)
        run = self.train_words("--init", "random", "--classifier", "cnn", "--filters", "5", "--json", vectors=none)
        self.assertGreater(self.json_lines(run.stdout)[-1]["best_accuracy"], 0.9)

    def test_a_folder_holds_all_that_it_needs(self):
        self.train_words()
        before = self.graft("classify", "--model", self.folder / "out", "--json", *POSITIVE).stdout
        self.vectors.unlink()
        (self.folder / "out").rename(self.folder / "moved")
        self.assertEqual(self.graft("classify", "--model", self.folder / "moved", "--json", *POSITIVE).stdout, before)
        info = self.graft("inspect", "model", self.folder / "moved").stdout
        self.assertIn("layout        words", info)

    def test_long_texts_are_cut_and_counted(self):
        run = self.train_words("--max-length", "3", "--json")
        self.assertGreater(self.json_lines(run.stdout)[0]["cut_off_texts"], 0)
        run = self.graft("classify", "--model", self.folder / "out", "one two three four")
        self.assertIn("1 texts were longer than 3 tokens; 1 tokens", run.stderr)


class Refused(WordTest):
    def train_refused(self, *arguments, expect, status=2, vectors=None):
        train = self.sentiment()
        start = [] if vectors is False else ["--vectors", vectors or self.vectors]
        return self.refused("train", "classify", *start, "--train", train, "--dev", train, "--out", self.folder / "out", *arguments,
                            expect=expect, status=status)

    def test_options_that_contradict_each_other(self):
        for arguments, expect in [
                (["--model", self.encoder], "--model: expected it, or --vectors and --classifier, found both"),
                (["--pooling", "mean"], "--pooling: expected --classifier in its place"),
                (["--freeze", "2"], "--freeze: expected none or all over word vectors, found '2'"),
                (["--freeze", "all", "--train-rows", "known"], "--train-rows: expected --freeze none with it, found 'all'"),
                (["--freeze", "all", "--channels", "2"], "--channels: 2 is"),
                (["--init", "random", "--channels", "2"], "--channels: 2 is"),
                (["--channels", "3"], "--channels: expected an integer from 1 to 2, found '3'"),
                (["--width", "9"], "--width: expected it or --vectors, found both"),
                (["--windows", "3,x", "--classifier", "cnn"], "--windows: expected"),
                (["--windows", "3,4,3", "--classifier", "cnn"], "--windows: expected different widths, found 3 twice"),
                (["--windows", "3"], "--windows: expected --classifier cnn with it, found none"),
                (["--lstm-size", "3", "--classifier", "cnn"], "--lstm-size: expected --classifier lstm with it"),
                (["--sif-a", "0.1"], "--sif-a: expected --classifier sif with it"),
                (["--classifier", "gru"], "--classifier"),
                (["--dropout", "1"], "--dropout")]:
            with self.subTest(arguments):
                self.train_refused(*arguments, expect=expect)
        self.train_refused(expect="--model: expected it or --vectors, found neither", vectors=False)
        self.train_refused("--classifier", "cnn", expect="--vectors: expected word vectors, found none", vectors=False)

    def test_options_of_words_are_of_no_use_to_an_encoder(self):
        train = self.sentiment()
        for option in ["--channels", "2"], ["--dropout", "0.9"], ["--windows", "zz"], ["--split", "treebank"], ["--repair"], ["--train-rows", "all"]:
            self.refused("train", "classify", "--model", self.encoder, "--train", train, "--dev", train, "--out", self.folder / "x", *option,
                         expect=f"{option[0]}: expected --vectors or --classifier with it, found none", status=2)

    def test_what_no_folder_can_hold_is_told_before_training(self):
        none = self.write_vectors("none.txt", ["xx", "yy"], 4)
        self.train_refused("--channels", "2", "--train-rows", "known", "--classifier", "cnn", vectors=none, status=1,
                           expect="channels: expected vectors and a table for 2, found one of them")
        self.train_refused("--init", "random", "--train-rows", "known", vectors=none, status=1,
                           expect="sets: expected vectors or a table, found neither")

    def test_a_text_without_words_is_named_with_its_line(self):
        rows = self.folder / "rows.jsonl"
        rows.write_text(json.dumps({"text": "good", "label": "a"}) + "\n" + json.dumps({"text": "\u200b", "label": "b"}) + "\n", encoding="utf-8")
        self.refused("train", "classify", "--vectors", self.vectors, "--split", "unicode", "--train", rows, "--dev", rows, "--out", self.folder / "x",
                     expect="rows.jsonl:2: expected texts with at least one token")

    def test_vectors_that_cannot_be_read(self):
        self.train_refused(expect="nothing.txt: cannot open: No such file", status=1, vectors=self.folder / "nothing.txt")
        bad = self.folder / "bad.txt"
        bad.write_text("film 1 2\nmusic 1 nan\n", encoding="utf-8")
        self.train_refused(expect="bad.txt:2: ", status=1, vectors=bad)
        run = self.train_words("--repair", vectors=bad)
        self.assertIn("1 rows that are not sound are left out", run.stderr)

    def test_a_classifier_over_words_is_no_encoder(self):
        self.train_words()
        out, train = self.folder / "out", self.sentiment()
        self.refused("train", "classify", "--model", out, "--train", train, "--dev", train, "--out", self.folder / "x",
                     expect="expected an encoder, found a classifier over word vectors")
        self.refused("convert", "--model", out, "--out", self.folder / "x", expect="expected an encoder, found a classifier over word vectors")

    def test_damaged_folders(self):
        self.train_words("--classifier", "sif")
        out = self.folder / "out"
        words = (out / "words.txt").read_bytes()
        for damage, expect in [(words[:-1], "expected a line end"), (words + words[:words.index(b"\n") + 1], "again"),
                               (b"\n" + words, "words.txt:1: expected a word"), (words[words.index(b"\n") + 1:], "as graft.json says")]:
            (out / "words.txt").write_bytes(damage)
            self.refused("classify", "--model", out, "film", expect=expect)
        (out / "words.txt").write_bytes(words)
        settings = json.loads((out / "graft.json").read_text())
        text = (out / "graft.json").read_text()
        (out / "graft.json").write_text(text[:100])
        self.refused("classify", "--model", out, "film", expect="graft.json: ")
        settings["words"]["width"] = 9
        (out / "graft.json").write_text(json.dumps(settings))
        self.refused("classify", "--model", out, "film", expect="graft.json: words: width: expected 8 as the sets have, found 9")


if __name__ == "__main__":
    main()

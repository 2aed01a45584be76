"""`graft tokenize` and `graft verify tokenizer`: against golden values of Python's tokenizers, and with every mistake."""

import gzip
import json
import subprocess
import time

from command import GOLDEN, GRAFT, CommandTest, main

SETTINGS = ["accents", "added", "cased", "raw", "uncased"]
TOKENIZER = GOLDEN / "tokenizers" / "uncased"


def cases(setting):
    """Cases of generate_tokenizer.py whose texts are one line."""
    rows = (GOLDEN / "tokenizers" / setting / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    found = [json.loads(row) for row in rows]
    return [case for case in found if not set("\n\r\0") & set(case["text"] + case["other"])]


def expected(golden):
    """What --json says of an encoding of a golden file."""
    return {"ids": golden["ids"], "type_ids": golden["type_ids"],
            "word_ids": [None if word < 0 else word for word in golden["word_ids"]],
            "offsets": [list(span) for span in zip(golden["begins"], golden["ends"])],
            "special_tokens_mask": golden["special_tokens_mask"]}


class TokenizerTest(CommandTest):
    def tokenize(self, *arguments, text=None, model=TOKENIZER, **options):
        return self.graft("tokenize", "--model", model, *arguments, text=text, **options).stdout

    def rows(self, *arguments, **options):
        return self.json_lines(self.tokenize("--json", *arguments, **options))

    def check(self, row, golden):
        for key, value in expected(golden).items():
            self.assertEqual(row[key], value, key)


class Tokenize(TokenizerTest):
    def test_json_is_what_the_peer_gives(self):
        for setting in SETTINGS:
            golden = cases(setting)
            text = "".join(case["text"] + "\n" for case in golden)
            rows = self.rows(text=text, model=GOLDEN / "tokenizers" / setting)
            self.assertEqual(len(rows), len(golden))
            for row, case in zip(rows, golden):
                self.check(row, case["encode"])
                self.assertEqual(row["cut_off"], 0)

    def test_pairs_are_cut_as_the_peer_does(self):
        for setting in "uncased", "accents":
            golden = [case for case in cases(setting) if "\t" not in case["text"] + case["other"]]
            for length in sorted({case["max_length"] for case in golden}):
                chosen = [case for case in golden if case["max_length"] == length]
                text = "".join(f"{case['text']}\t{case['other']}\n" for case in chosen)
                rows = self.rows("--pair", "--max-length", length, text=text, model=GOLDEN / "tokenizers" / setting)
                for row, case in zip(rows, chosen, strict=True):
                    self.check(row, case["encode_pair"])

    def test_words_are_split_at_spaces_and_tabs(self):
        golden = [case for case in cases("added") if all(case["words"]) and "\t" not in case["text"]]
        self.assertGreater(len(golden), 10)
        text = "".join("\t ".join(case["words"]) + " \n" for case in golden)
        for row, case in zip(self.rows("--words", text=text, model=GOLDEN / "tokenizers" / "added"), golden, strict=True):
            self.check(row, case["encode_words"])

    def test_ids_and_pieces_are_those_of_json(self):
        text = "".join(case["text"] + "\n" for case in cases("added"))
        model = GOLDEN / "tokenizers" / "added"
        for arguments in [], ["--no-special-tokens"], ["--max-length", "6"], ["--words"]:
            rows = self.rows(*arguments, text=text, model=model)
            ids = self.tokenize(*arguments, text=text, model=model).split("\n")
            self.assertEqual(ids, [" ".join(map(str, row["ids"])) for row in rows] + [""])
            pieces = self.tokenize("--pieces", *arguments, text=text, model=model).split("\n")
            self.assertEqual(pieces, [" ".join(row["tokens"]) for row in rows] + [""])

    def test_golden_lines(self):
        text = "Hello, w\u00f6rld!\n\n"
        self.assertEqual(self.tokenize(text=text), "2 56 42 57 43 3\n2 3\n")
        self.assertEqual(self.tokenize("--pieces", "--no-special-tokens", text=text), "hello , world !\n\n")
        self.assertEqual(
            self.tokenize("--json", text="Hello [MASK]\n"),
            '{"ids":[2,56,4,3],"tokens":["[CLS]","hello","[MASK]","[SEP]"],"offsets":[[0,0],[0,5],[6,12],[0,0]],'
            '"word_ids":[null,0,1,null],"type_ids":[0,0,0,0],"special_tokens_mask":[1,0,0,1],"cut_off":0}\n')

    def test_offsets_count_bytes_code_points_or_utf16_units(self):
        units = {"bytes": lambda text: len(text.encode()), "chars": len,
                 "utf16": lambda text: len(text.encode("utf-16-le")) // 2}
        text = "w\u00f6rld \U0001f600 hello"
        for unit, size in units.items():
            row = self.rows("--offsets", unit, text=text)[0]
            begins = [size(text[:text.index(word)]) for word in text.split()]
            self.assertEqual([row["offsets"][i][0] for i in (1, 2, 3)], begins)
            self.assertEqual(row["offsets"][3][1], size(text))
            pair = self.rows("--pair", "--offsets", unit, text=f"\u00f6 a\t{text}")[0]
            second = [pair["offsets"][i] for i, sequence in enumerate(pair["sequence_ids"]) if sequence == 1]
            self.assertEqual(second, row["offsets"][1:-1])
            words = self.rows("--words", "--offsets", unit, text=text)[0]
            self.assertEqual(words["offsets"][1:-1], [[0, size(word)] for word in text.split()])

    def test_sequence_ids_tell_the_texts_of_a_pair(self):
        row = self.rows("--pair", text="hello world\ta b c\n")[0]
        self.assertEqual(row["sequence_ids"], [None, 0, 0, None, 1, 1, 1, None])
        self.assertEqual(row["type_ids"], [0, 0, 0, 0, 1, 1, 1, 1])

    def test_windows_cover_the_text(self):
        text = "a b c d e f g h i\n"
        whole = self.rows(text=text)[0]["ids"][1:-1]
        windows = self.rows("--max-length", "6", "--stride", "2", text=text + "a\n")
        self.assertEqual([row["window"] for row in windows], [0, 1, 2, 3, 0])
        self.assertEqual([row["ids"][1:-1] for row in windows[:-1]],
                         [whole[0:4], whole[2:6], whole[4:8], whole[6:9]])
        plain = self.tokenize("--max-length", "6", "--stride", "2", text=text)
        self.assertEqual(plain.splitlines(), [" ".join(map(str, row["ids"])) for row in windows[:-1]])

    def test_says_how_much_was_cut_off(self):
        text = "a b c d e\na\nf g h\n"
        for arguments in [], ["--json"]:
            run = self.graft("tokenize", "--model", TOKENIZER, "--max-length", "4", *arguments, text=text)
            self.assertEqual(run.stderr, "graft: 2 texts were longer than 4 tokens; 4 tokens were cut off\n")
        run = self.graft("tokenize", "--model", TOKENIZER, "--max-length", "4", "--stride", "0", text=text)
        self.assertEqual(run.stderr, "")

    def test_truncation_from_the_left(self):
        rows = self.rows("--max-length", "4", "--truncation-side", "left", text="a b c d\n")
        self.assertEqual(rows[0]["tokens"], ["[CLS]", "c", "d", "[SEP]"])
        self.assertEqual(rows[0]["cut_off"], 2)
        row = self.rows("--pair", "--max-length", "6", "--truncation", "only_second", text="a b\tc d e f\n")[0]
        self.assertEqual(row["tokens"], ["[CLS]", "a", "b", "[SEP]", "c", "[SEP]"])

    def test_decode_is_what_the_peer_gives(self):
        for setting in SETTINGS:
            golden = cases(setting)
            text = "".join(" ".join(map(str, case["encode"]["ids"])) + "\n" for case in golden)
            for arguments, key in [([], "decoded"), (["--skip-special-tokens"], "decoded_without_special_tokens")]:
                model = GOLDEN / "tokenizers" / setting
                out = self.tokenize("--decode", *arguments, text=text, model=model).split("\n")
                self.assertEqual(out, [case[key] for case in golden] + [""])
                rows = self.rows("--decode", *arguments, text=text, model=model)
                self.assertEqual([row["text"] for row in rows], [case[key] for case in golden])

    def test_files_and_standard_input_follow_one_another(self):
        (self.folder / "a.txt").write_text("hello\nworld")
        (self.folder / "b.gz").write_bytes(gzip.compress(b"\xef\xbb\xbfa\r\nb\r\n"))
        out = self.tokenize("--pieces", "--no-special-tokens", self.folder / "a.txt", "-", self.folder / "b.gz",
                            text="c\n")
        self.assertEqual(out, "hello\nworld\nc\na\nb\n")

    def test_threads_change_nothing(self):
        text = "".join(f"hello {'un' * (i % 7)}able w\u00f6rld {i}\n" for i in range(60000))
        for arguments in [], ["--json"]:
            outputs = [self.tokenize(*arguments, "--threads", threads, text=text) for threads in (1, 2, 5)]
            self.assertEqual(outputs[0].count("\n"), 60000)
            self.assertEqual(outputs[0], outputs[1])
            self.assertEqual(outputs[0], outputs[2])

    def test_writes_before_the_input_has_ended(self):
        out = self.folder / "out"
        with open(out, "wb") as file:
            process = subprocess.Popen([GRAFT, "tokenize", "--model", TOKENIZER, "--threads", "1"],
                                       stdin=subprocess.PIPE, stdout=file)
        process.stdin.write(b"hello\n" * 200000)
        process.stdin.flush()
        for _ in range(600):
            if out.stat().st_size > 0:
                break
            time.sleep(0.1)
        self.assertGreater(out.stat().st_size, 0)
        process.communicate(timeout=60)
        self.assertEqual(out.read_bytes(), b"2 56 3\n" * 200000)
        self.assertEqual(process.returncode, 0)

    def test_malformed_utf8(self):
        self.refused("tokenize", "--model", TOKENIZER, raw=b"\xff\n", expect=["standard input:1", "UTF-8"])
        run = self.graft("tokenize", "--model", TOKENIZER, "--invalid-utf8", "replace", raw=b"a\xffb\n")
        self.assertEqual(run.stdout, self.tokenize(text="a\ufffdb\n"))

    def test_lines_before_a_mistake_are_answered(self):
        text = "a\tb\nc\td\nno tab\ne\tf\n"
        for threads in 1, 3:
            run = self.graft("tokenize", "--model", TOKENIZER, "--pair", "--pieces", "--threads", threads, text=text,
                             status=1)
            self.assertEqual(run.stdout, "[CLS] a [SEP] b [SEP]\n[CLS] c [SEP] d [SEP]\n")
            self.assertEqual(run.stderr, "graft: standard input:3: expected two texts with a tab between them, "
                                         "found no tab\n")
        run = self.graft("tokenize", "--model", TOKENIZER, "--pieces", raw=b"a\n\xff\n", status=1)
        self.assertEqual(run.stdout, "[CLS] a [SEP]\n")

    def test_mistakes_of_the_input(self):
        self.refused("tokenize", "--model", TOKENIZER, "--pair", text="a\tb\tc\n", expect="found 2 tabs")
        for line, found in [("2 x", "'x'"), ("2 -1", "'-1'"), ("2 4000000", "'4000000'"), ("2 1.0", "'1.0'")]:
            self.refused("tokenize", "--model", TOKENIZER, "--decode", text=line,
                         expect=["standard input:1: id 2: expected an integer from 0 to", found])
        self.refused("tokenize", "--model", TOKENIZER, self.folder / "nowhere.txt", expect=["nowhere.txt", "No such file"])
        self.refused("tokenize", "--model", self.folder, text="a", expect=[str(self.folder), "tokenizer.json"])

    def test_mistakes_of_the_command_line(self):
        cases = [(["--modle", "x"], "did you mean --model?"), (["--peices"], "did you mean --pieces?"),
                 (["--stride", "1"], "--stride: needs --max-length"), (["--json", "--pieces"], "--pieces"),
                 (["--pair", "--words"], "--pair"), (["--offsets", "chars"], "--offsets: needs --json"),
                 (["--truncation", "only_second", "--max-length", "5"], "only_second needs --pair"),
                 (["--truncation", "only_first"], "--truncation: needs --max-length"),
                 (["--truncation-side", "left"], "--truncation-side: needs --max-length"),
                 (["--max-length", "5", "--stride", "5"], "expected less than the 5 tokens"),
                 (["--skip-special-tokens"], "needs --decode"), (["--decode", "--pieces"], "--pieces"),
                 (["--decode", "--max-length", "3"], "--max-length"), (["--max-length", "0"], "--max-length"),
                 (["--offsets", "words"], "--offsets"), (["-", "-"], "standard input once")]
        for arguments, expect in cases:
            self.refused("tokenize", "--model", TOKENIZER, *arguments, expect=expect, status=2)
        self.refused("tokenize", expect="--model is required", status=2)
        self.refused("tokenise", expect="did you mean 'tokenize'?", status=2)

    def test_standard_output_that_cannot_be_written(self):
        with open("/dev/full", "wb") as full:
            run = subprocess.run([GRAFT, "tokenize", "--model", TOKENIZER], input=b"a\n", stdout=full,
                                 stderr=subprocess.PIPE, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertEqual(run.stderr, b"graft: standard output: cannot write\n")


class VerifyTokenizer(TokenizerTest):
    def setUp(self):
        super().setUp()
        golden = cases("uncased")
        self.text = self.folder / "lines.txt"
        self.text.write_text("".join(case["text"] + "\n" for case in golden), encoding="utf-8")
        self.header = {"format": "graft tokenizer reference", "version": 1, "made_with": {"tokenizers": "0.23.3"},
                       "fields": ["ids", "offsets", "word_ids", "type_ids", "special_tokens_mask"], "offsets": "bytes",
                       "options": {"form": "text", "add_special_tokens": True}}
        self.records = [expected(case["encode"]) for case in golden]

    def reference(self, name="lines.jsonl"):
        path = self.folder / name
        path.write_text("".join(json.dumps(row) + "\n" for row in [self.header, *self.records]))
        return path

    def arguments(self, *more):
        return ["verify", "tokenizer", "--model", TOKENIZER, "--text", self.text, "--reference", self.reference(), *more]

    def verify(self, *more, status=0):
        return self.graft(*self.arguments(*more), status=status)

    def test_equal_tokens(self):
        run = self.verify()
        self.assertEqual(run.stdout.splitlines()[-1], f"{len(self.records)} lines, 0 different in ids 0, offsets 0, "
                         "word_ids 0, type_ids 0, special_tokens_mask 0, batch_ids 0")
        report = json.loads(self.verify("--json").stdout)
        self.assertEqual((report["format"], report["version"]), ("graft verify tokenizer", 1))
        self.assertEqual((report["lines"], report["different"], report["differences"]), (len(self.records), 0, []))
        self.assertEqual(report["made_with"], {"tokenizers": "0.23.3"})
        self.assertEqual(report["tokenizer_files"], [str(TOKENIZER / "tokenizer.json")])

    def test_a_compressed_reference(self):
        packed = self.folder / "lines.jsonl.gz"
        packed.write_bytes(gzip.compress(self.reference().read_bytes()))
        self.graft("verify", "tokenizer", "--model", TOKENIZER, "--text", self.text, "--reference", packed)

    def test_differences_have_line_position_expected_and_found(self):
        self.assertEqual(self.text.read_text().splitlines()[2], "Hello, world!")
        self.records[2]["ids"][1] += 1
        self.records[3]["offsets"][1] = [0, 99]
        self.records[4]["word_ids"].pop()
        for field in "ids", "offsets", "type_ids", "special_tokens_mask":
            self.records[4][field].pop()
        run = self.verify(status=1)
        lines = run.stdout.splitlines()
        self.assertEqual(lines[0], f"{self.text}:3: ids: token 1: expected 57 'world', found 56 'hello'")
        self.assertRegex(lines[1], r"lines.txt:4: offsets: token 1: expected \[0, 99\], found \[0, \d+\]$")
        self.assertRegex(lines[2], r"lines.txt:5: ids: token \d+: expected the end, found 3 '\[SEP\]'$")
        self.assertIn("3 different in ids 2, offsets 2, word_ids 1,", lines[-1])
        self.assertEqual(run.stderr, f"graft: {self.text}: expected the tokens of {self.folder}/lines.jsonl, found "
                                     f"others in 3 of {len(self.records)} lines\n")
        report = json.loads(self.verify("--json", "--limit", "1", status=1).stdout)
        self.assertEqual(report["different"], 3)
        self.assertEqual(report["fields"]["batch_ids"], 2)
        self.assertEqual(report["differences"], [{"place": f"{self.text}:3", "window": 0, "field": "ids", "token": 1,
                                                  "expected": "57 'world'", "found": "56 'hello'"}])
        self.assertEqual(len(self.verify("--limit", "0", status=1).stdout.splitlines()), 2)

    def test_options_of_the_header(self):
        golden = [case for case in cases("uncased") if "\t" not in case["text"] + case["other"]]
        for length in sorted({case["max_length"] for case in golden}):
            chosen = [case for case in golden if case["max_length"] == length]
            self.text.write_text("".join(f"{case['text']}\t{case['other']}\n" for case in chosen))
            self.header["options"] = {"form": "pair", "max_length": length}
            self.records = [expected(case["encode_pair"]) for case in chosen]
            self.verify()

    def test_windows(self):
        text = "a b c d e f g h i"
        self.text.write_text(text + "\n")
        rows = self.rows("--max-length", "6", "--stride", "2", "--offsets", "utf16", text=text)
        fields = self.header["fields"] = self.header["fields"] + ["tokens"]
        records = [{field: row[field] for field in fields} for row in rows]
        self.header.update(offsets="utf16", options={"max_length": 6, "stride": 2})
        self.records = [{**records[0], "windows": records[1:]}]
        self.verify()
        records[2]["tokens"][1] = "x"
        self.assertIn("lines.txt:1: window 2: tokens: token 1: expected 'x', found 'e'", self.verify(status=1).stdout)
        records[2]["tokens"][1] = "e"
        self.records[0]["windows"].pop()
        self.assertIn("lines.txt:1: windows: expected 3, found 4", self.verify(status=1).stdout)

    def mistake(self, expect):
        self.refused(*self.arguments(), expect=expect)

    def test_another_number_of_records(self):
        last = self.records.pop()
        self.mistake([f"lines.jsonl: expected a record for {self.text}:{len(self.records) + 1}, found the end"])
        self.records += [last, last]
        self.mistake([f"lines.jsonl:{len(self.records) + 1}: expected the end", "found a record"])

    def test_malformed_headers(self):
        good = json.dumps(self.header)
        cases = [({"version": 2}, "version: expected an integer from 1 to 1, found 2"), ({"version": None}, "version"),
                 ({"format": "graft eval"}, "format: expected 'graft tokenizer reference', found 'graft eval'"),
                 ({"fields": ["offsets"]}, "expected 'ids' among the fields"), ({"fields": ["ids", "length"]}, "'length'"),
                 ({"offsets": "words"}, "offsets: expected one of bytes, code_points, utf16, found 'words'"),
                 ({"options": {"padding": True}}, "found 'padding'"), ({"options": {"form": "triple"}}, "'triple'"),
                 ({"options": {"max_length": 0}}, "max_length"), ({"options": None}, "options")]
        for change, expect in cases:
            self.header = {**json.loads(good), **change}
            self.mistake(["lines.jsonl:1", expect])
        empty = self.folder / "empty"
        empty.write_text("")
        self.refused("verify", "tokenizer", "--model", TOKENIZER, "--text", self.text, "--reference", empty,
                     expect=["empty", "expected a line with the header"])

    def test_malformed_records(self):
        good = json.dumps(self.records[0])
        cases = [({"ids": [2, -3]}, "ids: element 1: expected an integer from 0 to 2147483647, found -3"),
                 ({"ids": [2, "3"]}, "element 1"), ({"ids": [2, None]}, "element 1"), ({"ids": 3}, "expected an array"),
                 ({"offsets": [[0, 0]]}, "offsets: expected 2 elements, as in ids, found 1"),
                 ({"offsets": [[0, 0], [1]]}, "element 1: expected [begin, end], found [1]"),
                 ({"offsets": [[0, 0], [3, 2]]}, "found [3,2]"), ({"word_ids": [None, 1.5]}, "or null, found 1.5"),
                 ({"special_tokens_mask": [1, 2]}, "from 0 to 1, found 2"), ({"type_ids": None}, "type_ids")]
        for change, expect in cases:
            self.records[0] = {**json.loads(good), **change}
            self.mistake(["lines.jsonl:2", expect])

    def test_mistakes_of_the_command_line(self):
        common = ["verify", "tokenizer", "--model", TOKENIZER]
        self.refused(*common, "--text", self.text, expect="--reference is required", status=2)
        self.refused(*common, "--text", "-", "--reference", "-", expect="standard input twice", status=2)
        self.refused("verify", "tokeniser", expect="did you mean 'verify tokenizer'?", status=2)


class Inspect(CommandTest):
    def test_tells_of_the_tokenizer(self):
        tokenizer = json.loads(self.graft("inspect", "model", self.classifier, "--json").stdout)
        text = self.graft("inspect", "model", self.classifier).stdout
        path = self.classifier / "tokenizer.json"
        self.assertEqual(tokenizer["vocabulary_size"], len(json.loads(path.read_text())["model"]["vocab"]))
        self.assertIn(str(path), tokenizer["tokenizer_files"])
        self.assertIn(f"{tokenizer['vocabulary_size']} tokens", text)
        self.assertRegex(text, r"tokenizer files +tokenizer\.json")

    def test_tells_the_longest_input_of_the_tokenizer(self):
        config = self.classifier / "tokenizer_config.json"
        for content, length, line in [({"model_max_length": 17}, 17, "17 tokens"), ({}, None, "not said")]:
            config.write_text(json.dumps(content))
            found = json.loads(self.graft("inspect", "model", self.classifier, "--json").stdout)
            self.assertEqual(found["tokenizer_max_length"], length)
            self.assertRegex(self.graft("inspect", "model", self.classifier).stdout, rf"its longest input +{line}")


if __name__ == "__main__":
    main()

"""Folders of every family on the command line: a tokenizer larger than the table, --max-length above the positions, texts
that are cut and counted. The folders are those of tests/golden/families with a WordPiece vocabulary beside them."""

import json
import shutil

from command import GOLDEN, CommandTest, main

# A folder with a head over texts, or without head, of each family; the longest text that it reads.
FAMILIES = {"albert": 32, "bert-gelu-new": 32, "camembert": 32, "deberta": 32, "deberta-v3": 32, "distilbert": 32,
            "electra": 32, "gpt2": 32, "gte": 32, "gte-native": 32, "gte-release": 32, "mobilebert": 32,
            "modernbert": 32, "mpnet": 32, "nomic-bert": 32, "nomic-bert-native": 32, "nomic-bert-release": 64,
            "roberta": 32, "xlm-roberta": 32}


class FamilyFolders(CommandTest):
    def family(self, name, more=0):
        """A folder whose tokenizer has `more` tokens than config.json says."""
        folder = self.folder / name
        shutil.copytree(GOLDEN / "families" / name, folder, ignore=shutil.ignore_patterns("expected*"))
        size = json.loads((folder / "config.json").read_text())["vocab_size"] + more
        words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        words += [f"w{i}" for i in range(len(words), size)]
        (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words))
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')
        return folder

    def test_a_token_past_the_table_is_refused(self):
        for name in FAMILIES:
            with self.subTest(name):
                folder = self.family(name, more=1)
                run = self.graft("inspect", "model", folder, status=1)
                self.assertEqual(len(run.stderr.splitlines()), 1, run.stderr)
                self.assertRegex(run.stderr, r"vocab.txt: expected \d+ tokens as vocab_size of .*config.json says, found \d+")
                shutil.rmtree(folder)

    def test_a_length_above_the_positions_is_refused(self):
        data = self.sentiment()
        for name, longest in FAMILIES.items():
            with self.subTest(name):
                folder = self.family(name)
                self.refused("train", "classify", "--model", folder, "--train", data, "--dev", data, "--out", self.folder / "out",
                             "--max-length", longest + 1,
                             expect=f"--max-length: expected at most {longest} tokens (the positions of {folder}), found {longest + 1}")
                self.assertFalse((self.folder / "out").exists())
                shutil.rmtree(folder)

    def test_longer_texts_are_cut_and_counted(self):
        rows = [("w5 " * 100, "negative"), ("w6", "positive")] * 4
        data = self.data("long.tsv", rows)
        for name, longest in FAMILIES.items():
            with self.subTest(name):
                folder, out = self.family(name), self.folder / f"{name}-out"
                run = self.train("--max-steps", "1", "--max-length", longest, "--json", model=folder, out=out, train=data)
                report = next(line for line in self.json_lines(run.stdout) if "cut_off_texts" in line)
                lost = 102 - longest  # [CLS] and [SEP] stay
                self.assertEqual((report["cut_off_texts"], report["cut_off_tokens"]), (4, 4 * lost))
                run = self.graft("classify", "--model", out, "w5 " * 100, "w6")
                self.assertEqual(len(run.stdout.splitlines()), 2)
                self.assertIn(f"graft: 1 texts were longer than {longest} tokens; {lost} tokens were not read\n", run.stderr)
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()

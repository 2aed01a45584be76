"""What the tests of the command line share: running graft, small data, a small model."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden"
GRAFT = os.environ.get("GRAFT_PROGRAM", str(ROOT / "build" / "bin" / "graft"))

POSITIVE = ["The film is good.", "a bright and moving story", "warm music and laughter", "It was good, so watch it"]
NEGATIVE = ["Dull, slow and never funny", "the plot is weak", "two long hours lost", "It was bad and the end is cold"]


class CommandTest(unittest.TestCase):
    """A test with a folder of its own, and the tiny encoder in it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="graft-test-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.encoder = self.folder / "encoder"
        shutil.copytree(GOLDEN / "bert-odd", self.encoder, ignore=shutil.ignore_patterns("expected*", "texts.json"))
        self.classifier = self.folder / "classifier"
        shutil.copytree(GOLDEN / "bert-tiny", self.classifier, ignore=shutil.ignore_patterns("expected*", "texts.json"))

    def graft(self, *arguments, text=None, status=0, env=None, raw=None):
        """Runs graft and checks its exit status; `raw` gives bytes as standard input."""
        data = raw if raw is not None else (text or "").encode()
        run = subprocess.run([GRAFT, *(a if isinstance(a, bytes) else str(a) for a in arguments)], input=data, capture_output=True, timeout=120,
                             env={**os.environ, **(env or {})}, check=False)
        run.stdout, run.stderr = run.stdout.decode(), run.stderr.decode()
        self.assertEqual(run.returncode, status, f"{arguments}\n{run.stdout}\n{run.stderr}")
        return run

    def refused(self, *arguments, expect, status=1, **options):
        """One line on standard error that names what is wrong, nothing on standard output."""
        run = self.graft(*arguments, status=status, **options)
        lines = run.stderr.splitlines()
        self.assertEqual(len(lines), 1, run.stderr)
        self.assertTrue(lines[0].startswith("graft: "), lines[0])
        for part in [expect] if isinstance(expect, str) else expect:
            self.assertIn(part, lines[0])
        self.assertEqual(run.stdout, "")
        return lines[0]

    def data(self, name, rows, header=True):
        """Writes a TSV file of (text, label) rows."""
        path = self.folder / name
        lines = ["text\tlabel"] if header else []
        lines += [f"{text}\t{label}" for text, label in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def sentiment(self, name="train.tsv", copies=4, seed=1):
        """A small set that even a tiny encoder can learn."""
        rows = [(text, "positive") for text in POSITIVE] + [(text, "negative") for text in NEGATIVE]
        rows = rows * copies
        random.Random(seed).shuffle(rows)
        return self.data(name, rows)

    def train(self, *arguments, model=None, out=None, train=None, dev=None, **options):
        train = train or self.sentiment()
        return self.graft("train", "classify", "--model", model or self.encoder, "--train", train, "--dev", dev or train,
                          "--out", out or self.folder / "out", "--learning-rate", "5e-3", "--batch-size", "8",
                          "--threads", "1", *arguments, **options)

    def json_lines(self, text):
        return [json.loads(line) for line in text.splitlines()]

    def entries(self):
        """Names in the test's folder, hidden ones too: to see that nothing half-written stays."""
        return sorted(entry.name for entry in self.folder.iterdir())


def main():
    os.umask(0o022)  # files that others may write to are not mapped
    unittest.main(verbosity=1, argv=[sys.argv[0], *sys.argv[1:]])

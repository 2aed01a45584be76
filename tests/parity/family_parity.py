#!/usr/bin/env python3
"""Compares graft's tokenizers of every family with Python's `tokenizers` 0.23.3 and what transformers 5.23 makes of folders.

  python3 tests/parity/family_parity.py --tool build/tests/parity/tokenize_lines [--data ../shared/data] [--only NAME]
  python3 tests/parity/family_parity.py --tool build/tests/parity/tokenize_lines --full [--seconds 600]

Families and folders: families.py. A folder of the family's own files is read as it is and as the tokenizer.json that the
peer makes of it, each compared with the peer of the same form: the package reads some scores of a tokenizer.json otherwise
than those of a .model. Compared: every token of the vocabulary by id; ids, offsets, word ids, type
ids and special tokens of single texts; batches with one and two threads; pairs; pre-split words; decoding; truncation;
windows with stride on both sides. Texts, in pieces of --lines: real text in several scripts, words of vocabularies of many
scripts, added tokens in odd places, hostile Unicode, every code point by turns.

The short form does one piece of each family and form. The full form goes on, family by family in turn, a form a piece, until all families together
have a million lines, and keeps counts in results/tokenizers.json after every piece: run it again and it goes on where it was,
from the beginning when the tool or a script is another. Prints counts; exit status 1 at any difference.
"""

import argparse
import hashlib
import json
import os
import random
import struct
import sys
import tempfile
import time
from pathlib import Path

os.environ.update(TOKENIZERS_PARALLELISM="false", RUST_BACKTRACE="0")

import numpy as np
import sentencepiece
import tokenizers

import common
import tokenizer_parity as base
from component_parity import compare_windows
from families import Families

FULL = 1_000_000
HERE = Path(__file__).resolve().parent


def all_real_lines(data):
    """Every line of text there is, in an order that mixes the sources."""
    lines = base.real_lines(data) + base.squad_questions(data)[0]
    for name in ("train", "dev"):
        lines += (data / "sentiment/sst2" / f"{name}.tsv").read_text(encoding="utf-8").split("\n")
    for path in sorted((data / "ner").glob("*/train*")):
        sentences = path.read_text(encoding="utf-8").split("\n\n")
        separator = "" if "zh" in path.parent.name else " "
        lines += [separator.join(row.split("\t")[0].rstrip("0123456789" if not separator else "")
                                 for row in s.split("\n") if row) for s in sentences]
    random.Random(0).shuffle(lines)
    return lines


class Texts:
    """Pieces of texts; piece i is the same in every run."""

    def __init__(self, data, words_from):
        self.real = all_real_lines(data)
        self.every = base.every_character()
        multilingual = data / "tokenizers/bert-base-multilingual-cased/vocab.txt"
        self.words = [w.removeprefix("##") for w in multilingual.read_text(encoding="utf-8").split("\n")[:-1]]
        self.pieces = [sentencepiece.SentencePieceProcessor(model_file=str(path)) for path in words_from]
        self.pieces = [[p.id_to_piece(i) for i in range(p.get_piece_size())] for p in self.pieces]

    def piece(self, number, count, added):
        """`count` texts: two fifths real, one fifth of words, a tenth of added tokens, the rest hostile."""
        rng = random.Random(number)
        take = count * 2 // 5
        texts = [self.real[(number * take + i) % len(self.real)] for i in range(take)]
        texts += ["\n".join(rng.choices(self.real, k=rng.randint(2, 6))) for _ in range(count // 100)]
        for i in range(count // 5):
            words = rng.choice([self.words, *self.pieces])
            at = rng.randrange(len(words))  # neighbours in a vocabulary are often of one script
            near = words[at:at + 300]
            texts.append(rng.choice([" ", "", "  "]).join(rng.choices(near, k=rng.randint(1, 25))).replace("\u2581", " "))
        parts = added + ["a", "Hello", " ", "  ", "\n", "\t", "\u3000", ".", "é", "中", "\u0301", "'s", "12", "<", "[", "</"]
        texts += ["".join(rng.choice(parts) for _ in range(rng.randint(0, 9))) for _ in range(count // 10)]
        texts += [self.every[(number * (count // 10) + i) % len(self.every)] for i in range(count // 10)]
        # Ways of one score: what a tie is broken by shows here.
        texts += [rng.choice("abcdefghijklmnopqrstuvwxyz0123456789.-=_!") * rng.randint(2, 20) for _ in range(count // 50)]
        texts += ["", " ", "x" * 3000, " " * 300, "\u0301" * 300, "'s 'S 'ſ it's IT'S don'T", "1234567 12 ١٢٣٤٥"]
        texts += base.random_lines(count - len(texts), number)
        return texts


def compare_tokens(result, what, peer, graft):
    ids = list(range(peer.get_vocab_size()))
    out, at = graft.run("tokens", struct.pack(f"<{len(ids) + 1}I", len(ids), *ids)).tobytes(), 0
    for i in ids:
        size, = struct.unpack_from("<I", out, at)
        got, at = out[at + 4:at + 4 + size].decode(), at + 4 + size
        result.check(f"{what} token", i, np.array([peer.id_to_token(i) or ""], object), np.array([got], object))


class Family:
    def __init__(self, name, fill, tool):
        self.name, self.tool = name, tool
        self.root, self.forms = tempfile.TemporaryDirectory(), []
        own = Path(self.root.name) / "own"
        own.mkdir()
        peer = fill(own)
        if not (own / "tokenizer.json").exists():
            self.forms.append((own, peer))
            own = Path(self.root.name) / "json"
            own.mkdir()
            peer.save(str(own / "tokenizer.json"))
        # What users have is what the package makes of the file.
        self.forms.append((own, tokenizers.Tokenizer.from_file(str(own / "tokenizer.json"))))
        for _, peer in self.forms:
            peer.no_truncation()
            peer.no_padding()
        self.added = [t.content for t in peer.get_added_tokens_decoder().values()][:40]

    def compare(self, result, texts, number, form):
        result.shown = 0
        folder, peer = self.forms[form]
        graft = base.Graft(self.tool, str(folder))
        rng, what = random.Random(number), f"{self.name} ({folder.name})"
        if number < len(self.forms):
            compare_tokens(result, what, peer, graft)
        base.compare_single(result, what, peer, graft, texts)
        mixed = rng.sample(texts, len(texts) // 10)
        base.compare_words(result, what, peer, graft, mixed)
        base.compare_decode(result, what, peer, graft, mixed, rng)
        few = rng.sample(texts, 2 * max(1, len(texts) // 100))
        base.compare_truncated(result, what, peer, graft, few)
        compare_windows(result, what, peer, graft, few)


def source_hash(tool):
    parts = [Path(tool), *(HERE / f"{name}.py" for name in ("family_parity", "families", "tokenizer_parity", "component_parity"))]
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def read_result(options, names):
    import transformers
    head = {"command": "python3 tests/parity/family_parity.py --tool build/tests/parity/tokenize_lines --full",
            "versions": {"tokenizers": tokenizers.__version__, "transformers": transformers.__version__,
                         "sentencepiece": sentencepiece.__version__},
            "tool_and_scripts_sha256": source_hash(options.tool), "lines_of_a_piece": options.lines}
    path = HERE / "results/tokenizers.json"
    old = json.loads(path.read_text()) if path.exists() else {}
    if all(old.get(key) == value for key, value in head.items()):
        return old
    return {**head, "lines": 0, "compared": 0, "different": 0,
            "families": {name: {"pieces": 0, "lines": 0, "compared": 0, "different": 0} for name in names}}


def run_piece(family, number, texts, options, form):
    """What is added to the counts."""
    result = base.Comparison()
    family.compare(result, texts.piece(number, options.lines, family.added), number, form)
    print(f"{family.name}, piece {number}: {result.total} compared, {result.different} different", flush=True)
    return {"pieces": 1, "lines": options.lines, "compared": result.total, "different": result.different}


def full(rows, texts, options):
    end = time.monotonic() + options.seconds
    names = [name for name, _ in rows]
    state = read_result(options, names)
    opened = {}
    while state["lines"] < FULL and time.monotonic() < end:
        name = min(names, key=lambda n: state["families"][n]["pieces"])
        if name not in opened:
            opened[name] = Family(name, dict(rows)[name], options.tool)
        counts = state["families"][name]
        for key, value in run_piece(opened[name], counts["pieces"], texts, options,
                                    counts["pieces"] % len(opened[name].forms)).items():
            counts[key] += value
            if key in state:
                state[key] += value
        common.write_result("tokenizers", state)
    print(f"{state['lines']} lines of {FULL}, {state['compared']} compared, {state['different']} different")
    return state["different"]


def short(rows, texts, options):
    different = 0
    begin = [name for name, _ in rows].index(options.first) if options.first else 0
    for name, fill in rows[begin:]:
        if options.only in name:
            family = Family(name, fill, options.tool)
            for form in range(len(family.forms)):
                different += run_piece(family, options.piece, texts, options, form)["different"]
    print(f"{different} different")
    return different


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tool", required=True)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--lines", type=int, default=5000, help="of a piece")
    arguments.add_argument("--piece", type=int, default=0, help="of the short form")
    arguments.add_argument("--only", default="", help="families whose name holds this, in the short form")
    arguments.add_argument("--first", default="", help="family that the short form begins with")
    arguments.add_argument("--full", action="store_true")
    arguments.add_argument("--seconds", type=float, default=1e9, help="after which the full form begins no piece")
    options = arguments.parse_args()
    texts = Texts(options.data, sorted((options.data / "tokenizers").glob("*/*.model")))
    rows = Families(options.data, [line for line in texts.real[::4] if line.strip()]).all()
    sys.exit(1 if (full if options.full else short)(rows, texts, options) else 0)


if __name__ == "__main__":
    main()

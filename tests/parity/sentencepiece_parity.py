#!/usr/bin/env python3
"""Compares graft's encoding with SentencePiece models with Python's `sentencepiece` (0.2.3), text by text.

  python3 tests/parity/sentencepiece_parity.py --tool build/tests/parity/sentencepiece_lines [--data ../shared/data]
      [--lines 100000]

Compared: ids, pieces and byte offsets of every token, and decoding; each model by itself, which the library encodes,
and as the only file of a folder, which graft may encode by its own code: there also the ids of batches. Texts: real
lines of --data in several scripts and hostile ones made from --seed. Models: all of --data, and small ones trained here:
unigram, BPE, word and character models, byte fallback, user-defined symbols, whitespace as a suffix, other
normalizations. Prints counts; exit status 1 at any difference.
"""

import argparse
import io
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import sentencepiece
from tokenizer_parity import hostile_lines, real_lines, record

TRAINED = {
    "unigram": {},
    "bpe": {"model_type": "bpe"},
    "word": {"model_type": "word"},
    "char": {"model_type": "char"},
    "unigram, bytes": {"byte_fallback": True, "character_coverage": 0.98},
    "bpe, bytes": {"model_type": "bpe", "byte_fallback": True, "character_coverage": 0.98},
    "bpe, no normalization": {"model_type": "bpe", "normalization_rule_name": "identity", "byte_fallback": True,
                              "remove_extra_whitespaces": False, "allow_whitespace_only_pieces": True},
    "unigram, symbols": {"user_defined_symbols": ["<sep>", "the ", "film", "##", "中"], "control_symbols": ["<ctl>"]},
    "bpe, symbols": {"model_type": "bpe", "user_defined_symbols": ["<sep>", "film", "fi", "中"]},
    "unigram, suffix": {"treat_whitespace_as_suffix": True},
    "unigram, no prefix": {"add_dummy_prefix": False, "normalization_rule_name": "nmt_nfkc_cf"},
    "unigram, over words": {"split_by_whitespace": False, "split_by_unicode_script": False, "split_by_number": False},
    "bpe, digits": {"model_type": "bpe", "split_digits": True, "normalization_rule_name": "nfkc"},
}


class Tool:
    def __init__(self, tool, model):
        self.tool, self.model = tool, model

    def run(self, mode, data):
        return subprocess.run([self.tool, str(self.model), mode], input=data, stdout=subprocess.PIPE, check=True).stdout

    def encode(self, texts):
        out, at = self.run("encode", b"".join(map(record, texts))), 0
        for _ in texts:
            count, = struct.unpack_from("<I", out, at)
            numbers = np.frombuffer(out, np.int32, 3 * count, at + 4).reshape(3, count)
            at += 4 + 12 * count
            pieces = []
            for _ in range(count):
                size, = struct.unpack_from("<I", out, at)
                pieces.append(out[at + 4:at + 4 + size].decode())
                at += 4 + size
            yield numbers, pieces

    def batch(self, texts):
        out, at = self.run("batch", b"".join(map(record, texts))), 0
        for _ in texts:
            count, = struct.unpack_from("<I", out, at)
            yield np.frombuffer(out, np.int32, count, at + 4).tolist()
            at += 4 + 4 * count

    def decode(self, rows):
        out, at = self.run("decode", b"".join(struct.pack(f"<{len(ids) + 1}I", len(ids), *ids) for ids in rows)), 0
        for _ in rows:
            size, = struct.unpack_from("<I", out, at)
            yield out[at + 4:at + 4 + size].decode()
            at += 4 + size


def expected(peer, is_byte, text):
    """The peer's tokens in graft's terms: every byte of a character has its span, not the last one alone."""
    tokens = peer.encode_as_proto(text).pieces
    numbers = np.array([[p.id for p in tokens], [p.begin for p in tokens], [p.end for p in tokens]], np.int32)
    ids, begins, ends = numbers
    for i in range(len(tokens) - 1, 0, -1):
        if is_byte[ids[i]] and is_byte[ids[i - 1]] and begins[i - 1] == ends[i - 1] == begins[i]:
            ends[i - 1] = ends[i]
    return numbers, [p.piece for p in tokens]


class Result:
    def __init__(self):
        self.total, self.different = 0, 0

    def check(self, what, text, want, got):
        self.total += 1
        if want != got:
            self.different += 1
            if self.different <= 10:
                print(f"DIFFERENT {what}: {text!r}\n  peer  {want}\n  graft {got}")


def compare(result, name, model, options, texts):
    before = result.total, result.different
    tool = Tool(options.tool, model)
    alone = tempfile.TemporaryDirectory()
    shutil.copy(model, Path(alone.name) / "m.model")
    folder = Tool(options.tool, alone.name)
    peer = sentencepiece.SentencePieceProcessor(model_file=str(model))
    is_byte = [peer.is_byte(i) for i in range(peer.get_piece_size())]
    tokens = 0
    rows = []
    for text, (numbers, pieces), (own, _), batch in zip(texts, tool.encode(texts), folder.encode(texts), folder.batch(texts),
                                                        strict=True):
        want, want_pieces = expected(peer, is_byte, text)
        result.check(name, text, (want.tolist(), want_pieces), (numbers.tolist(), pieces))
        result.check(f"{name} alone", text, want.tolist(), own.tolist())
        result.check(f"{name} alone, batch", text, want[0].tolist(), batch)
        tokens += numbers.shape[1]
        if len(rows) < 5000:
            rows.append(numbers[0].tolist())
    rng = random.Random(options.seed)
    rows += [[rng.randrange(len(is_byte)) for _ in range(rng.randrange(12))] for _ in range(2000)]
    for ids, got, own in zip(rows, tool.decode(rows), folder.decode(rows), strict=True):
        result.check(f"{name} decode", ids, peer.decode(ids), got)
        result.check(f"{name} alone, decode", ids, peer.decode(ids), own)
    alone.cleanup()
    print(f"{name}: {tokens} tokens, {result.total - before[0]} compared, {result.different - before[1]} different")


def train(options, lines):
    """Small models with each setting: name and bytes."""
    sentencepiece.set_min_log_level(2)
    for name, settings in TRAINED.items():
        model = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_writer=model, num_threads=1, hard_vocab_limit=False,
            **{"vocab_size": 4000, "character_coverage": 0.995, **settings})
        yield name, model.getvalue()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tool", required=True)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--lines", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    print(f"sentencepiece {sentencepiece.__version__}")
    real = real_lines(options.data)
    texts = (real + hostile_lines(options.lines, options.seed))[:options.lines]
    texts += ["", " ", "\u2581", "\u2581\u2581a \u2581", "<s>", "</s> a <unk>", "<0x41>", "\0", "a\0b", "x" * 70000,
              "\u0301" * 5000, "中" * 5000]
    result = Result()
    for model in sorted((options.data / "tokenizers").glob("*/*.model")):
        compare(result, f"{model.parent.name}/{model.name}", model, options, texts)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "small.model"
        for name, data in train(options, [line for line in real if line.strip()][:8000]):
            model.write_bytes(data)
            compare(result, name, model, options, real[::4] + texts[len(real)::5])
    print(f"{result.total} compared, {result.different} different")
    sys.exit(1 if result.different else 0)


if __name__ == "__main__":
    main()

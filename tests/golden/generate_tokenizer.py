#!/usr/bin/env python3
"""Writes tests/golden/tokenizers: small tokenizers made here, and what Python's `tokenizers` 0.23.3 does with hostile
lines. Run it from the root of the checkout:

  python3 tests/golden/generate_tokenizer.py
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/parity"), str(ROOT / "tokenizers")]
import generate_unicode_differences as unicode_differences  # noqa: E402
import tokenizer_parity as parity  # noqa: E402

SETTINGS = {
    "uncased": dict(lowercase=True),
    "cased": dict(lowercase=False),
    "accents": dict(lowercase=True, strip_accents=False, cjk=False, processor="bert"),
    "raw": dict(lowercase=False, strip_accents=True, clean=False, processor=None),
    "added": dict(lowercase=True, added=parity.ADDED + parity.NORMALIZED),
}
LINES = [
    "", " ", "Hello, world!", "unaffable UNAFFABLE un-affable", "[CLS] hello [MASK][SEP] [mask]", "[MASK]s and [UNK]",
    "h\u00e9llo he\u0301llo h\u00c9LLO", "a\u0345\u302eb\u0301\u0323\u0344c", "\u0301abc \u0344\u0345", "\u1e9b\u0323 \u212b\u03a9",
    "\u4e2d\u6587abc\u65e5\u672c", "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab", "\u0130stanbul \u03a3\u03a3 \u1fba", "\u226e a\u0338b = \u2260",
    "a\u200bb\u200dc\ufeffd", "a\u00a0b\u3000c\u2028d\u0085e", "tab\tline\nfeed\r\n end\x0bvt\x0cff\x00nul\x7f", "\ufffdx\ufffd",
    "\U0001d165\U0001d16e\u0334 \U0001f600\U0001f1e9 \U00011938", "\ue000\U000f0000\U0010fffd private", "\u0378\u0379 \U000e0fff unassigned",
    "x" * 100, "x" * 101, "h" * 15 + " " + "h" * 16 + "," + "hello" * 40, "$#@!?...,--''", "1.5% of 10\u20ac", "don't won't I'm we've",
    "<ent> a<ent>s <word> a<word> <word>\u0301 <word>.", "hello  <left>  <right>  <both> x  <one> a", " <right> <left> ",
    "\u00c9CLAIR e\u0301clair \u00e9clairs <NORM> a<Rnorm> <rnorm>  .", "\u4e2d", "do not Do Not do  not",
    "\u0f73\u0f71\u0f72 \u05e9\u05c1\u05bc \u0928\u093f\u094d \u1b44\u1b34", "\u0149 \ufb01 \u01c5 \u1e9e \u00df", "\u00ad\u061c\u180e\u2066",
    "\u0890 \u061d \u166d \u2e52 \u1b7d \u0898 \u08e2 \u1c89", "mixed \u0430\u0411\u0432 \u0437\u0434\u0440\u0430\u0432\u0441\u0442\u0432\u0443\u0439 \u0905\u0928 \u05d0\u05d1",
]


def encoded(encoding, texts):
    rows = parity.expected(encoding, texts).tolist()
    return dict(zip(("ids", "type_ids", "word_ids", "begins", "ends", "special_tokens_mask"), rows))


def write_cases(peer, path):
    with open(path, "w", encoding="utf-8") as out:
        for i, line in enumerate(LINES):
            other, words = LINES[-1 - i], line.split(" ")
            case = dict(text=line, encode=encoded(peer.encode(line), [line]), other=other, words=words)
            case["encode_words"] = encoded(peer.encode(words, is_pretokenized=True), [words])
            case["max_length"] = 5 + i % 7
            peer.enable_truncation(case["max_length"])
            case["encode_pair"] = encoded(peer.encode(line, other), [line, other])
            peer.no_truncation()
            ids = case["encode"]["ids"]
            case["decoded"] = peer.decode(ids, skip_special_tokens=False)
            case["decoded_without_special_tokens"] = peer.decode(ids, skip_special_tokens=True)
            out.write(json.dumps(case) + "\n")


def main():
    root = ROOT / "tests/golden/tokenizers"
    for name, setting in SETTINGS.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        peer = parity.bert(parity.small_vocabulary(), **setting)
        peer.save(str(folder / "tokenizer.json"), pretty=False)
        write_cases(peer, folder / "cases.jsonl")
    (root / "unicode_properties.txt").write_text(unicode_differences.property_hashes())


if __name__ == "__main__":
    main()

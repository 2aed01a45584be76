#!/usr/bin/env python3
"""Writes the files that the fuzz targets begin with: FOLDER/TARGET/NAME.

  python3 tests/fuzz/make_corpus.py FOLDER
"""

import struct
import sys
from pathlib import Path


# SentencePiece models.

def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def number(field, value):
    return varint(field << 3) + varint(value)


def string(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def piece(text, score, kind):
    return string(1, string(1, text) + varint(2 << 3 | 5) + struct.pack("<f", score) + number(3, kind))


def charsmap(rules):
    """A double array whose inner nodes have 256 units each for their children."""
    units, replacements, values = [0] * 256, b"", {}
    for key, replacement in sorted(rules.items()):
        values[key.encode()] = len(replacements)
        replacements += replacement.encode() + b"\0"

    def add(prefix, unit):
        children = len(units)
        units.extend([0] * 256)
        units[unit] |= (unit ^ children) << 10
        if prefix in values:
            units[unit] |= 1 << 8
            units[children] = values[prefix] | 1 << 31
        for label in range(1, 256):
            longer = prefix + bytes([label])
            if any(key.startswith(longer) for key in values):
                units[children + label] = label
                add(longer, children + label)

    add(b"", 0)
    return struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + replacements


def sentencepiece_models():
    first = piece("<unk>", 0, 2) + piece("<s>", 0, 3) + piece("</s>", 0, 3)
    words = ["\u2581hello", "\u2581world", "\u2581", "he", "ll", "o", "h", "e", "l", "w", "r", "d", "é"]
    small = first + b"".join(piece(word, -1 - i / 2, 1) for i, word in enumerate(words))
    every_byte = b"".join(piece(f"<0x{i:02X}>", 0, 6) for i in range(256))
    for name, kind in (("unigram", 1), ("bpe", 2), ("word", 3), ("char", 4)):
        yield name, small + string(2, number(3, kind))
    yield "bytes", small + every_byte + string(2, number(3, 2) + number(35, 1))
    yield "nul", small + piece("\0", -9, 1) + every_byte + string(2, number(3, 1) + number(35, 1))
    yield "symbols", small + piece("<sep>", 0, 4) + piece("wo", 0, 5) + string(2, number(3, 2))
    yield "suffix", small + string(2, number(24, 1)) + string(3, number(4, 0) + number(3, 1))
    yield "charsmap", small + string(3, string(2, charsmap({"H": "h", "He": "e", "\u3000": " "})) + number(3, 0))
    yield "denormalizer", small + string(5, string(2, charsmap({"e": "E"}))) + string(2, string(44, "?"))
    yield "spaces", small + string(3, number(5, 0) + number(4, 0))


def main():
    for target, files in (("sentencepiece_model_fuzz", sentencepiece_models()),):
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files:
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()

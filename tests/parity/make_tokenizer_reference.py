#!/usr/bin/env python3
"""Writes what Python's `tokenizers` make of a text, for `graft verify tokenizer` (docs/formats.md).

  python3 tests/parity/make_tokenizer_reference.py --model DIR --text lines.txt --out lines.jsonl
  graft verify tokenizer --model DIR --text lines.txt --reference lines.jsonl

The tokenizer is that of transformers' AutoTokenizer; with --library tokenizers, or where transformers is not
installed, tokenizers.Tokenizer of the folder's tokenizer.json. Lines are read as graft reads them: LF or CR LF ends
one, a byte-order mark in front is skipped, gzip is told by its first bytes.
"""

import argparse
import gzip
import json
import os
import platform
from pathlib import Path

import tokenizers

FORMAT, VERSION = "graft tokenizer reference", 1
FIELDS = ["ids", "tokens", "offsets", "word_ids", "type_ids", "special_tokens_mask"]


def load(folder, library):
    """The tokenizer, and the versions of what loaded it."""
    versions = {"python": platform.python_version(), "tokenizers": tokenizers.__version__}
    if library != "tokenizers":
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        try:
            import transformers
        except ImportError:
            if library == "transformers":
                raise
        else:
            loaded = transformers.AutoTokenizer.from_pretrained(folder)
            return loaded.backend_tokenizer, {**versions, "transformers": transformers.__version__}
    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")), versions


def read_lines(path, errors):
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not lines[-1]:
        lines.pop()
    return [line.removesuffix(b"\r").decode("utf-8", errors) for line in lines]


def parts(line, form):
    """The arguments of Tokenizer.encode for a line."""
    if form == "words":
        return ([word for word in line.replace("\t", " ").split(" ") if word],)
    if form == "text":
        return (line,)
    texts = line.split("\t")
    if len(texts) != 2:
        raise SystemExit(f"expected two texts with a tab between them, found {line!r}")
    return tuple(texts)


def unit_positions(text, unit):
    """Where every code point, and the end, stands in units."""
    positions, place = [], 0
    for character in text:
        positions.append(place)
        place += len(character.encode("utf-8")) if unit == "bytes" else 1 + (ord(character) > 0xFFFF)
    return positions + [place]


def converted_offsets(encoding, texts, form, unit):
    if unit == "code_points":
        return [list(span) for span in encoding.offsets]
    sources = texts[0] if form == "words" else texts
    tables = [unit_positions(text, unit) for text in sources]
    spans = []
    for span, sequence, word in zip(encoding.offsets, encoding.sequence_ids, encoding.word_ids):
        source = word if form == "words" else sequence
        spans.append([0, 0] if source is None else [tables[source][place] for place in span])
    return spans


def record(peer, encoding, texts, options):
    # Not encoding.tokens: there an unknown piece of a Unigram model is the text that it stands for.
    values = {"ids": encoding.ids, "tokens": [peer.id_to_token(i) for i in encoding.ids],
              "offsets": converted_offsets(encoding, texts, options.form, options.offsets),
              "word_ids": encoding.word_ids, "type_ids": encoding.type_ids,
              "special_tokens_mask": encoding.special_tokens_mask}
    return {field: values[field] for field in options.fields}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", required=True, type=Path)
    arguments.add_argument("--text", required=True, type=Path)
    arguments.add_argument("--out", required=True, type=Path)
    arguments.add_argument("--library", choices=["auto", "transformers", "tokenizers"], default="auto")
    arguments.add_argument("--form", choices=["text", "pair", "words"], default="text")
    arguments.add_argument("--offsets", choices=["code_points", "bytes", "utf16"], default="code_points")
    arguments.add_argument("--fields", nargs="+", choices=FIELDS, default=FIELDS)
    arguments.add_argument("--no-special-tokens", action="store_true")
    arguments.add_argument("--max-length", type=int)
    arguments.add_argument("--truncation", choices=["longest_first", "only_first", "only_second"],
                           default="longest_first")
    arguments.add_argument("--truncation-side", choices=["right", "left"], default="right")
    arguments.add_argument("--stride", type=int, help="also the windows, which have so many tokens in common")
    arguments.add_argument("--invalid-utf8", choices=["refuse", "replace"], default="refuse")
    options = arguments.parse_args()
    if options.stride is not None and options.max_length is None:
        arguments.error("--stride needs --max-length")
    if options.stride is not None and options.form == "pair" and options.offsets != "code_points":
        # With some post-processors tokenizers forgets in later windows which text a token is of.
        arguments.error("--offsets: the windows of a pair have code_points alone")

    peer, versions = load(options.model, options.library)
    peer.no_padding()
    peer.no_truncation()
    if options.max_length is not None:
        peer.enable_truncation(options.max_length, stride=options.stride or 0, strategy=options.truncation,
                               direction=options.truncation_side)
    settings = {"form": options.form, "add_special_tokens": not options.no_special_tokens,
                "max_length": options.max_length, "truncation": options.truncation,
                "truncation_side": options.truncation_side, "stride": options.stride}
    header = {"format": FORMAT, "version": VERSION, "made_with": versions, "fields": options.fields,
              "offsets": options.offsets, "options": settings}
    errors = "replace" if options.invalid_utf8 == "replace" else "strict"
    with open(options.out, "w", encoding="utf-8", newline="\n") as out:
        out.write(json.dumps(header) + "\n")
        for line in read_lines(options.text, errors):
            texts = parts(line, options.form)
            encoding = peer.encode(*texts, is_pretokenized=options.form == "words",
                                   add_special_tokens=settings["add_special_tokens"])
            row = record(peer, encoding, texts, options)
            if options.stride is not None:
                row["windows"] = [record(peer, window, texts, options) for window in encoding.overflowing]
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()

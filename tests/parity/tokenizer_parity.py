#!/usr/bin/env python3
"""Compares graft's tokenizer with Python's `tokenizers` (0.23.3), text by text.

  python3 tests/parity/tokenizer_parity.py --tool build/tests/parity/tokenize_lines [--data ../shared/data] [--lines 100000]

Compared: ids, offsets, word ids, type ids and special tokens of single texts; the ids of the batch way with one
and two threads; pairs with and without truncation; pre-split words; decoding; added tokens of every kind. Texts:
the SQuAD questions of --data, hostile lines made here from --seed, and real lines of --data in several scripts. Vocabularies: the
four of --data and, for added tokens, small ones made here. Prints counts; exit status 1 at any difference.
"""

import argparse
import functools
import json
import random
import struct
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def record(text):
    data = text.encode()
    return struct.pack("<I", len(data)) + data


class Graft:
    """The C++ side: tokenize_lines over a folder."""

    def __init__(self, tool, folder):
        self.tool, self.folder = tool, folder

    def run(self, mode, data, max_length=0, threads=1, stride=0, side="right", strategy="longest_first"):
        command = [self.tool, str(self.folder), mode, str(max_length), str(threads), str(stride), side, strategy]
        return np.frombuffer(subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout, np.int8)

    def encodings(self, mode, data, **options):
        words = self.run(mode, data, **options).view(np.int32)
        at = 0
        while at < len(words):
            n = words[at]
            yield words[at + 1:at + 1 + 6 * n].reshape(6, n)
            at += 1 + 6 * n

    def windows(self, mode, data, **options):
        """A list of windows for each input."""
        words = self.run(mode, data, **options).view(np.int32)
        at = 0
        while at < len(words):
            count, at, windows = words[at], at + 1, []
            for _ in range(count):
                n = words[at]
                windows.append(words[at + 1:at + 1 + 6 * n].reshape(6, n))
                at += 1 + 6 * n
            yield windows

    def batch(self, data, **options):
        words = self.run("batch", data, **options).view(np.int32)
        at = 0
        while at < len(words):
            yield words[at + 1:at + 1 + words[at]]
            at += 1 + words[at]


def byte_positions(text):
    """Byte offset of each character, and of the end."""
    codes = np.frombuffer(text.encode("utf-32-le"), "<u4")
    lengths = 1 + (codes >= 0x80) + (codes >= 0x800) + (codes >= 0x10000)
    return np.concatenate([[0], np.cumsum(lengths)])


def expected(encoding, texts):
    """The peer's encoding in graft's terms. `texts` are what offsets count in: per sequence a text, or the list
    of its words."""
    mask = np.array(encoding.special_tokens_mask, bool)
    word_ids = np.array([-1 if w is None else w for w in encoding.word_ids], np.int64)
    sequences = np.array([-1 if s is None else s for s in encoding.sequence_ids])
    spans = np.array(encoding.offsets, np.int64).reshape(len(mask), 2)
    spans[mask] = 0
    for i, text in enumerate(texts):
        if isinstance(text, str):
            rows = (sequences == i) & ~mask
            spans[rows] = byte_positions(text)[spans[rows]]
            continue
        for word in set(word_ids[~mask].tolist()):
            rows = (word_ids == word) & ~mask
            spans[rows] = byte_positions(text[word])[spans[rows]]
    return np.array([encoding.ids, encoding.type_ids, word_ids, spans[:, 0], spans[:, 1], mask], np.int32)


class Comparison:
    def __init__(self):
        self.total, self.different, self.shown = 0, 0, 0

    def check(self, what, text, want, got):
        self.total += 1
        if want.shape == got.shape and (want == got).all():
            return
        self.different += 1
        self.shown += 1
        if self.shown <= 10:
            print(f"DIFFERENT {what}: {text!r}\n  peer  {want.tolist()}\n  graft {got.tolist()}")


def compare_single(result, what, peer, graft, texts):
    data = b"".join(map(record, texts))
    peers = [expected(e, [t]) for start in range(0, len(texts), 4096)
             for t, e in zip(texts[start:start + 4096], peer.encode_batch(texts[start:start + 4096]))]
    for text, want, got in zip(texts, peers, graft.encodings("encode", data), strict=True):
        result.check(f"{what} encode", text, want, got)
    for threads in (1, 2):
        for text, want, got in zip(texts, peers, graft.batch(data, threads=threads), strict=True):
            result.check(f"{what} batch, {threads} threads", text, want[0], got)


def compare_truncated(result, what, peer, graft, texts):
    for most in (3, 5, 12, 17):
        if most < peer.num_special_tokens_to_add(True):  # the peer cuts nothing then
            continue
        peer.enable_truncation(most)
        data = b"".join(map(record, texts))
        for text, got, flat in zip(texts, graft.encodings("encode", data, max_length=most),
                                   graft.batch(data, max_length=most), strict=True):
            want = expected(peer.encode(text), [text])
            result.check(f"{what} cut to {most}", text, want, got)
            result.check(f"{what} batch cut to {most}", text, want[0], flat)
        for (first, second), got in zip(zip(texts[::2], texts[1::2]),
                                        graft.encodings("pair", data, max_length=most), strict=True):
            want = expected(peer.encode(first, second), [first, second])
            result.check(f"{what} pair cut to {most}", (first, second), want, got)
    peer.no_truncation()
    data = b"".join(map(record, texts))
    for (first, second), got in zip(zip(texts[::2], texts[1::2]), graft.encodings("pair", data), strict=True):
        result.check(f"{what} pair", (first, second), expected(peer.encode(first, second), [first, second]), got)


def compare_words(result, what, peer, graft, texts):
    split = [text.split(" ") for text in texts]
    data = b"".join(struct.pack("<I", len(words)) + b"".join(map(record, words)) for words in split)
    for words, got in zip(split, graft.encodings("words", data), strict=True):
        result.check(f"{what} words", words, expected(peer.encode(words, is_pretokenized=True), [words]), got)


def compare_decode(result, what, peer, graft, texts, rng):
    rows = [e.ids for e in peer.encode_batch(texts)]
    size = peer.get_vocab_size()
    rows += [[rng.randrange(size) for _ in range(rng.randrange(12))] for _ in range(2000)]
    data = b"".join(struct.pack(f"<{len(ids) + 1}I", len(ids), *ids) for ids in rows)
    out, at = graft.run("decode", data).tobytes(), 0
    for ids in rows:
        for skip in (False, True):
            size, = struct.unpack_from("<I", out, at)
            got, at = out[at + 4:at + 4 + size].decode(), at + 4 + size
            want = peer.decode(ids, skip_special_tokens=skip)
            result.check(f"{what} decode", ids, np.array([want], object), np.array([got], object))


# Texts.

@functools.cache
def interesting_characters():
    """Characters by what the normalizer could do with them."""
    groups = {}
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000:
            continue
        c = chr(code)
        category = unicodedata.category(c)
        groups.setdefault(category, []).append(c)
        if unicodedata.combining(c):
            groups.setdefault("combining", []).append(c)
            if category != "Mn":
                groups.setdefault("spacing combining", []).append(c)
        if unicodedata.decomposition(c) and not unicodedata.decomposition(c).startswith("<"):
            groups.setdefault("decomposes", []).append(c)
        if c.lower() != c:
            groups.setdefault("upper", []).append(c)
        groups.setdefault(f"plane {code >> 16}", []).append(c)
    groups["cjk"] = [chr(c) for a, b in ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x32000))
                     for c in range(a, b, 7)]
    groups["hangul"] = [chr(c) for c in (*range(0xAC00, 0xD7A4, 11), *range(0x1100, 0x1200))]
    groups["zero width"] = list("\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u034f\u061c\u2066\u2069")
    groups["white"] = list(" \t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u1680\u2000\u2003\u2028\u2029\u202f\u205f\u3000\0")
    groups["reorder"] = list("\u0345\u0344\u0301\u0315\u0334\u302e\u302f\u093c\u094d\u1b44\U0001d165\U0001d16e"
                             "\u05b0\u05bc\u0f71\u0f72\u0f73\u0f74\u0f75\u3099\u0308\u031b\u1dce")
    groups["ascii"] = [chr(c) for c in range(128)]
    groups["letters"] = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") * 2
    groups["words"] = ["hello", "World", "unaffable", "straße", "İstanbul", "naïve", "ΣΊΣΥΦΟΣ", "don't", "##ing",
                       "[MASK]", "[SEP]", "[mask]", "[CLS]x", "中文", "日本語", "한국어", "हिन्दी", "עִבְרִית", "ﬁne",
                       "x" * 101, "é" * 101, "supercalifragilistic", "e\u0301\u0323", "a\u0345\u302e"]
    return groups


def every_character():
    """Lines in which every code point stands."""
    codes = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    lines = ["".join(f"{a}{c}b{c} " for a, c in zip("aé中Aß.0ά", codes[i:i + 8])) for i in range(0, 0x30000, 8)]
    return lines + ["".join(codes[i:i + 64]) for i in range(0, len(codes), 64)]


def random_lines(count, seed):
    rng = random.Random(seed)
    groups = interesting_characters()
    names = sorted(groups)
    lines = []
    for _ in range(count):
        chosen = [groups[rng.choice(names)] for _ in range(rng.randint(1, 4))] + [groups["letters"], [" "]]
        lines.append("".join(rng.choice(rng.choice(chosen)) for _ in range(rng.randint(0, 40))))
    return lines


def hostile_lines(count, seed):
    lines = every_character()
    return lines + random_lines(max(0, count - len(lines)), seed)


def real_lines(data):
    """A few thousand lines of text in several scripts."""
    lines = []
    for name in ("sentiment/sst2/test.tsv", "sentiment/uci/imdb_labelled.txt", "sentiment/uci/yelp_labelled.txt"):
        path = data / name
        if path.exists():
            lines += path.read_text(encoding="utf-8", errors="replace").split("\n")
    for folder in ("ner/weibo-zh", "ner/wnut17"):
        for path in sorted((data / folder).glob("*")) if (data / folder).exists() else ():
            if path.is_file():
                sentences = path.read_text(encoding="utf-8", errors="replace").split("\n\n")
                lines += [" ".join(row.split("\t")[0] for row in s.split("\n") if row) for s in sentences[:1000]]
    return lines


# Tokenizers.

def bert(vocab, lowercase, strip_accents=None, cjk=True, clean=True, added=(), processor="template"):
    peer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    peer.normalizer = normalizers.BertNormalizer(clean_text=clean, handle_chinese_chars=cjk,
                                                 strip_accents=strip_accents, lowercase=lowercase)
    peer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    peer.decoder = decoders.WordPiece(prefix="##")
    peer.add_special_tokens([t for t in SPECIAL if t in vocab])
    peer.add_tokens(list(added))
    if processor == "template":
        peer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[(t, vocab[t]) for t in ("[CLS]", "[SEP]")])
    elif processor == "bert":
        peer.post_processor = processors.BertProcessing(("[SEP]", vocab["[SEP]"]), ("[CLS]", vocab["[CLS]"]))
    return peer


def small_vocabulary():
    pieces = list("abcdefghijklmnopqrstuvwxyz0123456789.,!?'-[]#$é中文한") + ["ing", "hello", "world", "un", "aff", "able", "日", "\u1112"]
    tokens = [*SPECIAL, *pieces, *(f"##{p}" for p in pieces)]
    return {t: i for i, t in enumerate(dict.fromkeys(tokens))}


ADDED = [
    AddedToken("<ent>", normalized=False), AddedToken("<ent>s", normalized=False),
    AddedToken("<word>", single_word=True, normalized=False), AddedToken("<left>", lstrip=True, normalized=False),
    AddedToken("<right>", rstrip=True, normalized=False), AddedToken("<both> x", lstrip=True, rstrip=True, normalized=False),
    AddedToken("<one>", single_word=True, lstrip=True, rstrip=True, normalized=False, special=True),
]
NORMALIZED = [AddedToken("Éclair", normalized=True), AddedToken("<Norm>", lstrip=True, normalized=True),
              AddedToken("<Rnorm>", rstrip=True, single_word=True, normalized=True), AddedToken("中", normalized=True),
              AddedToken("Do Not", special=True, normalized=True)]


def added_lines(count, seed):
    rng = random.Random(seed)
    parts = [t.content for t in ADDED + NORMALIZED] + [t.content.lower() for t in NORMALIZED] + SPECIAL + [
        "a", "hello", " ", "  ", "\t", "\u3000", "\u2028", ".", "é", "E\u0301clair", "中", "\u0301", "_", "\u200d", "<", "[", "[M",
        "\u0301\u0323", "\x00", "A", "文", "\u00a0"]
    return ["".join(rng.choice(parts) for _ in range(rng.randint(0, 9))) for _ in range(count)]


class Folder:
    """A temporary model folder holding one tokenizer."""

    def __init__(self, peer=None, vocabulary=None, config=None):
        self.path = tempfile.TemporaryDirectory()
        root = Path(self.path.name)
        if peer is not None:
            peer.save(str(root / "tokenizer.json"))
        if vocabulary is not None:
            (root / "vocab.txt").write_bytes(vocabulary)
        if config is not None:
            (root / "tokenizer_config.json").write_text(json.dumps(config))

    def __enter__(self):
        return self.path.name

    def __exit__(self, *error):
        self.path.cleanup()


def compare_vocabularies(options, result):
    hostile = hostile_lines(options.lines, options.seed)
    squad, reference = squad_questions(options.data)
    real = real_lines(options.data)
    print(f"{len(squad)} SQuAD questions, {len(hostile)} hostile lines, {len(real)} real lines")
    for folder in sorted((options.data / "tokenizers").glob("bert-base-*")):
        text = (folder / "vocab.txt").read_bytes()
        vocab = {t: i for i, t in enumerate(text.decode().removesuffix("\n").split("\n"))}
        for lowercase in (True, False):
            before = result.total, result.different
            peer = bert(vocab, lowercase)
            config = dict(do_lower_case=lowercase, tokenizer_class="BertTokenizer")
            with Folder(vocabulary=text, config=config) as path:
                graft = Graft(options.tool, path)
                name = f"{folder.name} {'lower case' if lowercase else 'cased'}"
                if folder.name == "bert-base-uncased" and lowercase:
                    rows = graft.batch(b"".join(map(record, squad)))
                    for question, want, got in zip(squad, reference, rows, strict=True):
                        result.check("published ids", question, np.array(want), got[1:-1])
                compare_single(result, name, peer, graft, squad + real + hostile)
                compare_decode(result, name, peer, graft, squad[:2000] + hostile[::200], random.Random(options.seed))
                compare_words(result, name, peer, graft, squad[:1000] + hostile[::50])
                compare_truncated(result, name, peer, graft, squad[:500] + hostile[::400])
            print(f"{name}: {result.total - before[0]} compared, {result.different - before[1]} different")


def compare_settings(options, result):
    """Every setting of the normalizer, processors and added tokens, over a small vocabulary."""
    vocab = small_vocabulary()
    texts = hostile_lines(0, options.seed)[::16] + added_lines(options.lines // 20, options.seed)
    texts += random_lines(options.lines // 20, options.seed)
    for lowercase in (True, False):
        for strip in (None, True, False):
            for cjk, clean, added, processor in ((True, True, ADDED, "template"), (False, True, (), None),
                                                 (True, False, ADDED + NORMALIZED, "bert"),
                                                 (True, True, NORMALIZED, "bert")):
                before = result.total, result.different
                peer = bert(vocab, lowercase, strip, cjk, clean, added, processor)
                with Folder(peer) as path:
                    graft = Graft(options.tool, path)
                    name = f"small, lowercase={lowercase} strip={strip} cjk={cjk} clean={clean} {len(added)} added {processor}"
                    compare_single(result, name, peer, graft, texts)
                    compare_words(result, name, peer, graft, texts[::20])
                    compare_truncated(result, name, peer, graft, texts[::50] + texts[-1:] * (len(texts[::50]) % 2))
                    compare_decode(result, name, peer, graft, texts[::50], random.Random(options.seed))
                print(f"{name}: {result.total - before[0]} compared, {result.different - before[1]} different")


def squad_questions(data):
    """The questions and the published ids of bert-base-uncased."""
    folder = data / "reference/squad-wordpiece"
    if not folder.exists():
        return [], []
    questions = json.loads((folder / "question_tokens.json").read_text())
    return [q["original"] for q in questions], json.loads((folder / "tokenized_questions.json").read_text())


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tool", required=True)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--lines", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", choices=["vocabularies", "settings"])
    options = arguments.parse_args()
    print(f"tokenizers {tokenizers.__version__}")
    result = Comparison()
    if options.only != "vocabularies":
        compare_settings(options, result)
    if options.only != "settings":
        compare_vocabularies(options, result)
    print(f"{result.total} compared, {result.different} different")
    sys.exit(1 if result.different else 0)


if __name__ == "__main__":
    main()

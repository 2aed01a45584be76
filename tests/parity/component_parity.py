#!/usr/bin/env python3
"""Compares each component of tokenizer.json with Python's `tokenizers` (0.23.3), alone and in the rows of families.

  python3 tests/parity/component_parity.py --tool build/tests/parity/tokenize_lines [--data ../shared/data] [--lines 20000]

Every normalizer, pre-tokenizer, post-processor and decoder stands in a tokenizer whose model knows single characters,
so that offsets show where each character comes from. Compared as in tokenizer_parity.py: ids, offsets, word ids, type
ids, special tokens, batches, pairs, windows, pre-split words, decoding. Texts: hostile lines from --seed and real
lines of --data in several scripts.
"""

import argparse
import random
import struct
import sys
from pathlib import Path

import numpy as np
import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

import tokenizer_parity as base

N, P, R, D = normalizers, pre_tokenizers, processors, decoders
SPECIAL = base.SPECIAL
# Patterns of published models.
PATTERNS = {
    "gpt2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "cl100k": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
              r"|\s+(?!\S)|\s+",
    "qwen2": r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
             r"|\s+(?!\S)|\s+",
    "o200k": r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
             r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
             r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "deepseek": r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
                r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "deepseek-cjk": r"[一-龥぀-ゟ゠-ヿ]+",
    "digits": r"\p{N}{1,3}",
    "bloom": r" ?[^(\s|[.,!?…。，、।۔،])]+",
    "words": r"\w+|[^\w\s]+",
    "lines": r"^.*$|\h+",
}


def vocabulary(texts):
    """Every character of the texts as a piece at the front and behind it, with the byte alphabet."""
    chars = {c for text in texts for c in text} | set(pre_tokenizers.ByteLevel.alphabet()) | set("▁ ")
    chars |= {c for char in list(chars) for c in normalizers.NFKD().normalize_str(char.lower())}
    tokens = SPECIAL + sorted(chars) + [f"##{c}" for c in sorted(chars)] + ["<0xE4>", "<0xBD>", "<0xA0>", "</w>", "a</w>"]
    return {t: i for i, t in enumerate(dict.fromkeys(tokens))}


def make(vocab, normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None, added=()):
    peer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=1000))
    for name, part in (("normalizer", normalizer), ("pre_tokenizer", pre_tokenizer), ("post_processor", post_processor),
                       ("decoder", decoder)):
        if part is not None:
            setattr(peer, name, part)
    peer.add_special_tokens(SPECIAL)
    peer.add_tokens(list(added))
    return peer


def charsmap(rules):
    """The bytes of a precompiled charsmap: a double array by hand, one block of 256 units for each node."""
    trie, texts = {}, b"\0"
    for key, value in rules.items():
        node = trie
        for byte in key.encode():
            node = node.setdefault(byte, {})
        node[0] = len(texts)
        texts += value.encode() + b"\0"
    units, nodes = [], [(0, trie)]
    units += [0] * 256
    while nodes:
        place, node = nodes.pop()
        block = len(units)
        units += [0] * 256
        # Blocks are aligned, so that place ^ offset is in the new block: its low byte stays that of the place.
        offset = place ^ (block | place & 0xFF)
        wide = offset >= 1 << 21
        assert not wide and not offset & 0xFF
        units[place] |= (offset << 10) | ((1 << 8) if 0 in node else 0)
        begin = place ^ offset
        for byte, child in node.items():
            if byte == 0:
                units[begin] = child | 1 << 31
            else:
                units[begin ^ byte] = byte
                nodes.append((begin ^ byte, child))
    data = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(data)) + data + texts


def small_charsmap():
    return charsmap({"\u00a0": " ", "\u3000": " ", "ﬁ": "fi", "①": "1", "e\u0301": "é", "\u0001": "", "\t": " ", "½": "1/2",
                     "Å": "Å", "\u200b": "", "ｶ\uff9e": "ガ", "ｶ": "カ", "\r\n": "\n", "c": "see", "中": "", "ab": "x"})


def model_charsmaps(data):
    """Charsmaps of the SentencePiece models: field 2 of the normalizer's fields, which are field 3 of the file."""

    def fields(blob):
        at = 0

        def varint():
            nonlocal at
            value = shift = 0
            while True:
                byte = blob[at]
                at += 1
                value |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    return value
        while at < len(blob):
            key = varint()
            if key & 7 == 2:
                size = varint()
                yield key >> 3, blob[at:at + size]
                at += size
            elif key & 7 == 0:
                yield key >> 3, varint()
            else:
                at += 8 if key & 7 == 1 else 4

    for path in sorted((data / "tokenizers").glob("*/*.model")):
        spec = dict(fields(path.read_bytes())).get(3, b"")
        blob = dict(fields(spec)).get(2, b"")
        if blob:
            yield f"{path.parent.name}/{path.stem}", blob


def cases(vocab, data):
    """(name, parts of the tokenizer)"""
    cls, sep = ("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        yield f"normalizer {form}", dict(normalizer=getattr(N, form)())
    yield "normalizer Lowercase", dict(normalizer=N.Lowercase())
    yield "normalizer StripAccents", dict(normalizer=N.Sequence([N.NFD(), N.StripAccents()]))
    yield "normalizer Nmt", dict(normalizer=N.Nmt())
    yield "normalizer Strip", dict(normalizer=N.Strip())
    yield "normalizer Strip left", dict(normalizer=N.Strip(right=False), pre_tokenizer=P.Metaspace(prepend_scheme="first"))
    yield "normalizer Prepend", dict(normalizer=N.Prepend("▁▁"))
    yield "normalizer Replace", dict(normalizer=N.Sequence([N.Replace(" ", "▁"), N.Replace("e\u0301", "xyz"),
                                                            N.Replace("aa", "")]))
    yield "normalizer Replace pattern", dict(normalizer=N.Replace(Regex(r"\s+|[a-c]{2}|x*$"), " "))
    yield "normalizer ByteLevel", dict(normalizer=N.ByteLevel())
    yield "normalizer Bert", dict(normalizer=N.BertNormalizer())
    yield "normalizer Sequence", dict(normalizer=N.Sequence([N.NFKC(), N.Lowercase(), N.Replace(Regex(" {2,}"), " "),
                                                             N.Strip()]))
    yield "normalizer Precompiled, small", dict(normalizer=N.Precompiled(small_charsmap()))
    for name, blob in model_charsmaps(data):
        yield f"normalizer Precompiled, {name}", dict(normalizer=N.Precompiled(blob))
    yield "pre-tokenizer Bert", dict(pre_tokenizer=P.BertPreTokenizer())
    for prefix in (True, False):
        for regex in (True, False):
            for trim in (True, False):
                yield (f"ByteLevel prefix={prefix} regex={regex} trim={trim}",
                       dict(pre_tokenizer=P.ByteLevel(add_prefix_space=prefix, use_regex=regex, trim_offsets=trim),
                            post_processor=R.ByteLevel(add_prefix_space=prefix, trim_offsets=trim), decoder=D.ByteLevel()))
    yield "pre-tokenizer Whitespace", dict(pre_tokenizer=P.Whitespace())
    yield "pre-tokenizer WhitespaceSplit", dict(pre_tokenizer=P.WhitespaceSplit())
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            yield (f"Metaspace {scheme} split={split}",
                   dict(pre_tokenizer=P.Metaspace(prepend_scheme=scheme, split=split), decoder=D.Metaspace(prepend_scheme=scheme),
                        normalizer=N.NFKC() if split else None))
    yield "Metaspace of another character", dict(pre_tokenizer=P.Metaspace(replacement="_"), decoder=D.Metaspace(replacement="_"))
    behaviors = ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")
    for behavior in behaviors:
        yield f"Punctuation {behavior}", dict(pre_tokenizer=P.Punctuation(behavior))
        for invert in (True, False):
            yield f"Split {behavior} invert={invert}", dict(pre_tokenizer=P.Split(Regex(r"\s|a+"), behavior, invert))
            yield f"Split string {behavior} invert={invert}", dict(pre_tokenizer=P.Split(" ", behavior, invert))
    for name, pattern in PATTERNS.items():
        yield f"Split {name}", dict(pre_tokenizer=P.Split(Regex(pattern), "isolated"))
    for individual in (True, False):
        yield f"Digits {individual}", dict(pre_tokenizer=P.Digits(individual))
    yield "CharDelimiterSplit", dict(pre_tokenizer=P.CharDelimiterSplit("a"))
    yield "UnicodeScripts", dict(pre_tokenizer=P.UnicodeScripts())
    yield "FixedLength", dict(pre_tokenizer=P.FixedLength(length=3))
    yield "pre-tokenizer Sequence", dict(pre_tokenizer=P.Sequence([P.Split(Regex(PATTERNS["digits"]), "isolated"),
                                                                   P.Split(Regex(PATTERNS["deepseek-cjk"]), "isolated"),
                                                                   P.Split(Regex(PATTERNS["deepseek"]), "isolated"),
                                                                   P.ByteLevel(add_prefix_space=False, use_regex=False)]))
    yield "pre-tokenizer Sequence of T5", dict(pre_tokenizer=P.Sequence([P.WhitespaceSplit(), P.Metaspace()]))
    for trim in (True, False):
        for prefix in (True, False):
            yield (f"RobertaProcessing trim={trim} prefix={prefix}",
                   dict(pre_tokenizer=P.ByteLevel(add_prefix_space=prefix), decoder=D.ByteLevel(),
                        post_processor=R.RobertaProcessing(sep, cls, trim, prefix), added=base.ADDED))
            yield (f"RobertaProcessing trim={trim} prefix={prefix}, spaces kept",
                   dict(post_processor=R.RobertaProcessing(sep, cls, trim, prefix), added=base.ADDED))
    template = dict(single="[CLS]:3 $A:1 [SEP]", pair="$B:2 [SEP]:2 $A:1 [CLS]:3", special_tokens=[cls, sep])
    yield "TemplateProcessing", dict(post_processor=R.TemplateProcessing(**template), pre_tokenizer=P.Whitespace())
    yield "BertProcessing", dict(post_processor=R.BertProcessing(sep, cls), pre_tokenizer=P.Whitespace())
    yield ("post-processor Sequence", dict(pre_tokenizer=P.ByteLevel(), post_processor=R.Sequence(
        [R.ByteLevel(trim_offsets=True), R.TemplateProcessing(**{**template, "pair": "[CLS]:0 $A:0 $B:1 [SEP]:1"})])))
    rows = dict(normalizer=N.Sequence([N.NFKC(), N.Lowercase()]), pre_tokenizer=P.Metaspace(prepend_scheme="first"))
    yield "added tokens, Metaspace first", dict(**rows, added=base.ADDED + base.NORMALIZED)
    yield "added tokens, ByteLevel", dict(normalizer=N.NFC(), pre_tokenizer=P.ByteLevel(), decoder=D.ByteLevel(),
                                          post_processor=R.ByteLevel(), added=base.ADDED + base.NORMALIZED)
    yield "added tokens, Prepend", dict(normalizer=N.Sequence([N.Prepend("▁"), N.Replace(" ", "▁")]),
                                        added=base.ADDED + base.NORMALIZED)
    decoder_cases = {
        "WordPiece": D.WordPiece(cleanup=False), "BPEDecoder": D.BPEDecoder(), "Fuse": D.Fuse(), "Replace": D.Replace("a", "--"),
        "Replace pattern": D.Replace(Regex("[a-e]+|#"), "!"), "Strip": D.Strip("#", 2, 1), "CTC": D.CTC(pad_token="a"),
        "ByteFallback": D.ByteFallback(), "Metaspace": D.Metaspace(),
        "Sequence": D.Sequence([D.Replace("▁", " "), D.ByteFallback(), D.Fuse(), D.Strip(" ", 1, 0)])}
    for name, decoder in decoder_cases.items():
        yield f"decoder {name}", dict(decoder=decoder, pre_tokenizer=P.Whitespace())


def compare_windows(result, what, peer, graft, texts):
    """Windows with every side and strategy."""
    data = b"".join(base.record(t) for t in texts)
    for most, stride, side, strategy in ((9, 0, "right", "longest_first"), (9, 2, "left", "longest_first"), (12, 3, "right", "only_first"),
                                         (12, 0, "left", "only_second"), (7, 1, "right", "longest_first")):
        peer.enable_truncation(most, stride=stride, strategy=strategy, direction=side)
        options = dict(max_length=most, stride=stride, side=side, strategy=strategy)
        if strategy != "only_second":
            for text, got in zip(texts, graft.windows("windows", data, **options), strict=True):
                check_windows(result, f"{what} {options}", text, lambda: peer.encode(text), [text], got)
        for pair, got in zip(zip(texts[::2], texts[1::2]), graft.windows("pair-windows", data, **options), strict=True):
            check_windows(result, f"{what} pair {options}", pair, lambda: peer.encode(*pair), list(pair), got)
        peer.no_truncation()


def check_windows(result, what, text, encode, texts, got):
    try:
        encoding = encode()
    except BaseException:  # the peer refuses what graft cuts to nothing
        return
    windows = [encoding, *encoding.overflowing]
    result.check(f"{what} count", text, np.array([len(windows)]), np.array([len(got)]))
    result.check(what, text, base.expected(encoding, texts), got[0])
    for window, have in zip(windows[1:], got[1:]):
        if len(window.ids) != have.shape[1]:
            result.check(what, text, np.array(window.ids), have[0])
            continue
        # The peer forgets in later windows which text a token is of, and the template's types: each offset counts in
        # the text that fits.
        mask = np.array(window.special_tokens_mask, bool)
        words = [-1 if w is None else w for w in window.word_ids]
        want = np.array([window.ids, have[1], words, *np.array(window.offsets).reshape(-1, 2).T, mask], np.int32)
        want[3:5, mask] = 0
        for column in np.flatnonzero(~mask):
            fitting = [positions[want[3:5, column]] for positions in map(base.byte_positions, texts)
                       if want[4, column] < len(positions)]
            same = [span for span in fitting if (span == have[3:5, column]).all()]
            want[3:5, column] = (same or fitting)[0]
        result.check(what, text, want, have)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--tool", required=True)
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--lines", type=int, default=20_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", default="", help="names that hold this text")
    options = arguments.parse_args()
    print(f"tokenizers {tokenizers.__version__}")
    texts = base.hostile_lines(0, options.seed)[::8]
    texts += base.random_lines(options.lines, options.seed)
    texts += base.real_lines(options.data)[::5] + base.added_lines(options.lines // 10, options.seed)
    texts += ["", " ", "  ", "a", " a", "a ", "\n", "'s 'S 'ſ it's IT'S don'T", "x" * 3000, " " * 3000, "1234567 12 ١٢٣٤٥"]
    texts += [] if len(texts) % 2 == 0 else ["end"]
    vocab = vocabulary(base.real_lines(options.data)[::5] + base.random_lines(1000, 7))
    print(f"{len(texts)} texts, {len(vocab)} tokens")
    result = base.Comparison()
    for name, parts in cases(vocab, options.data):
        if options.only not in name:
            continue
        before = result.total, result.different
        peer = make(vocab, **parts)
        with base.Folder(peer) as path:
            graft = base.Graft(options.tool, path)
            base.compare_single(result, name, peer, graft, texts)
            base.compare_words(result, name, peer, graft, texts[::20])
            base.compare_decode(result, name, peer, graft, texts[::20], random.Random(options.seed))
            few = texts[::200] + texts[-12:]
            few += ["end"] * (len(few) % 2)
            base.compare_truncated(result, name, peer, graft, few)
            compare_windows(result, name, peer, graft, few)
        print(f"{name}: {result.total - before[0]} compared, {result.different - before[1]} different", flush=True)
        if result.different - before[1]:
            result.shown = 0
    print(f"{result.total} compared, {result.different} different")
    sys.exit(1 if result.different else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes the files that the fuzz targets begin with, FOLDER/TARGET/NAME, and FOLDER/TARGET.dict, words to try, for some.

  python3 tests/fuzz/make_corpus.py FOLDER
"""

import base64
import gzip
import io
import json
import re
import struct
import sys
import zipfile
import zlib
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


# Files tokenizer.json.

def typed(kind, **more):
    return {"type": kind, **more}


def sequence(key, *steps):
    return typed("Sequence", **{key: list(steps)})


def metaspace(scheme="always", split=True):
    return typed("Metaspace", replacement="\u2581", prepend_scheme=scheme, split=split)


def byte_level(prefix=False, regex=True):
    return typed("ByteLevel", add_prefix_space=prefix, trim_offsets=True, use_regex=regex)


def split(pattern, behavior="Isolated", invert=False):
    return typed("Split", pattern=pattern, behavior=behavior, invert=invert)


def replace(kind, pattern, content):
    return typed("Replace", pattern={kind: pattern}, content=content)


def template(first, second):
    special = lambda token: {"SpecialToken": {"id": token, "type_id": 0}}
    text = lambda name, type_id: {"Sequence": {"id": name, "type_id": type_id}}
    return typed("TemplateProcessing", single=[special(first), text("A", 0), special(second)],
                 pair=[special(first), text("A", 0), special(second), text("B", 1), special(second)],
                 special_tokens={token: {"id": token, "ids": [i], "tokens": [token]} for i, token in enumerate((first, second))})


def vocab(*tokens):
    return {token: i for i, token in enumerate(tokens)}


def tokenizer(model, normalizer=None, pre_tokenizer=None, post_processor=None, decoder=None, added=()):
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": list(added), "normalizer": normalizer,
            "pre_tokenizer": pre_tokenizer, "post_processor": post_processor, "decoder": decoder, "model": model}


def tokenizer_jsons():
    letters = ["a", "e", "h", "l", "o", "\u00e9"]
    bert = typed("WordPiece", unk_token="[UNK]", continuing_subword_prefix="##", max_input_chars_per_word=100,
                 vocab=vocab("[CLS]", "[SEP]", "[UNK]", "[MASK]", "hello", "un", "##aff", "##able", ",", *letters))
    mask = {"id": 3, "content": "[MASK]", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False, "special": True}
    yield "bert", tokenizer(bert, typed("BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True),
                            typed("BertPreTokenizer"), template("[CLS]", "[SEP]"), typed("WordPiece", prefix="##", cleanup=True), [mask])
    every_byte = [chr(b if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b else 256 + n)
                  for b, n in zip(range(256), [b if b < 33 else b - 94 if b < 161 else 67 for b in range(256)])]
    bytes_model = typed("BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None, fuse_unk=False,
                        byte_fallback=False, ignore_merges=False, vocab=vocab("<s>", "</s>", *every_byte, "he", "ll", "hell", "\u0120he"),
                        merges=["h e", "l l", "he ll", "\u0120 he"])
    yield "gpt2", tokenizer(bytes_model, None, byte_level(), byte_level(), byte_level())
    yield "roberta", tokenizer(bytes_model, None, byte_level(True), typed("RobertaProcessing", sep=["</s>", 1], cls=["<s>", 0],
                                                                          trim_offsets=True, add_prefix_space=True), byte_level())
    words = {"Regex": r"(?i:'s|'t)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"}
    yield "llama3", tokenizer(bytes_model, typed("NFC"), sequence("pretokenizers", split(words), byte_level(False, False)),
                              sequence("processors", byte_level(), template("<s>", "</s>")), byte_level())
    pieces = [["<s>", 0], ["</s>", 0], ["<unk>", 0], ["\u2581", -2.5], ["\u2581he", -3], ["llo", -3.5], *[[c, -4 - i] for i, c in enumerate(letters)]]
    unigram = typed("Unigram", unk_id=2, vocab=pieces, byte_fallback=False)
    precompiled = typed("Precompiled", precompiled_charsmap=base64.b64encode(charsmap({"\ufb01": "fi", "\u3000": " "})).decode())
    yield "t5", tokenizer(unigram, precompiled, sequence("pretokenizers", typed("WhitespaceSplit"), metaspace()),
                          template("<s>", "</s>"), metaspace())
    yield "albert", tokenizer(unigram, sequence("normalizers", replace("String", "``", '"'), typed("NFKD"), typed("StripAccents"),
                                                typed("Lowercase"), typed("Nmt")), metaspace("first"), template("<s>", "</s>"), metaspace())
    fallback = typed("BPE", unk_token="<unk>", fuse_unk=True, byte_fallback=True, vocab=vocab(
        "<s>", "</s>", "<unk>", *[f"<0x{i:02X}>" for i in range(256)], "\u2581", *letters, "he", "ll"), merges=[["h", "e"], ["l", "l"]])
    yield "llama", tokenizer(fallback, sequence("normalizers", typed("Prepend", prepend="\u2581"), replace("String", " ", "\u2581")), None,
                             template("<s>", "</s>"), sequence("decoders", replace("String", "\u2581", " "), typed("ByteFallback"),
                                                               typed("Fuse"), typed("Strip", content=" ", start=1, stop=0)))
    yield "gemma", tokenizer(fallback, replace("String", " ", "\u2581"), split({"String": " "}, "MergedWithPrevious"))
    level = typed("WordLevel", vocab=vocab("<s>", "</s>", "[UNK]", "hello", "un"), unk_token="[UNK]")
    yield "words", tokenizer(level, sequence("normalizers", typed("Strip", strip_left=True, strip_right=True), typed("NFD"), typed("NFKC"),
                                             typed("ByteLevel")), sequence(
        "pretokenizers", typed("Whitespace"), typed("Punctuation", behavior="Contiguous"), typed("Digits", individual_digits=True),
        typed("CharDelimiterSplit", delimiter="-"), typed("UnicodeScripts"), typed("FixedLength", length=5)),
        typed("BertProcessing", sep=["</s>", 1], cls=["<s>", 0]), typed("CTC", pad_token="<pad>", word_delimiter_token="|", cleanup=True))
    chars = typed("BPE", unk_token="<unk>", end_of_word_suffix="</w>", continuing_subword_prefix="", vocab=vocab(
        "<s>", "</s>", "<unk>", *letters, "he", "o</w>", "e</w>", "ll"), merges=["h e", "l l"])
    yield "chars", tokenizer(chars, typed("Lowercase"), split(words, "Removed", True), None, typed("BPEDecoder", suffix="</w>"), [
        {"id": 13, "content": "<x>", "single_word": True, "lstrip": True, "rstrip": True, "normalized": True, "special": False}])


def words_of(files):
    """Keys and short texts of JSON files."""
    return sorted({word for _, data in files for word in re.findall(rb'"[\w ]{2,32}"', data)} |
                  {b"null", b"true", b"false", b"-1", b"4294967296", b"1e999", b"[[[[", b'"\\ud800"', b"(a+)+$"})


def dictionary(words):
    escape = lambda word: "".join(f"\\x{byte:02x}" for byte in word)
    return "".join(f'"{escape(word)}"\n' for word in words)


def tokenizer_files():
    for name, data in tokenizer_jsons():
        yield name, json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


# Texts, behind a byte that chooses the tokenizer.

def texts():
    for i in range(20):
        for name, text in (("plain", "Hello, unaffable [MASK] don't  able "),
                           ("marks", "e\u0301 \u00e9 \u0e01\u0e33 \ufb01 \ufdfa \u4e2d\u6587 \ud55c \u0130 \u2581 \u200b \u3000 12 \U0001f600"),
                           ("spaces", " \t\r\n hello \u00a0 \u2028   <s></s> <l> <r><n> <w>")):
            yield f"{name}{i}", bytes([i]) + text.encode()
        yield f"bytes{i}", bytes([i]) + b"a\xff\xe4\xb8 \xed\xa0\x80 \xf4\x90\x80\x80 \0 \xc3"


# TensorFlow checkpoints, behind a byte that chooses how they are read (tensorflow_checkpoint_fuzz.cc).

def masked_crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF


def table(blocks):
    """A LevelDB table of blocks, each a list of keys and values."""
    file, index = b"", []

    def append(entries):
        nonlocal file
        block, before = b"", b""
        for key, value in entries:
            same = 0
            while same < min(len(key), len(before)) and key[same] == before[same]:
                same += 1
            block += varint(same) + varint(len(key) - same) + varint(len(value)) + key[same:] + value
            before = key
        block += struct.pack("<II", 0, 1)
        handle = varint(len(file)) + varint(len(block))
        file += block + b"\0" + struct.pack("<I", masked_crc32c(block + b"\0"))
        return handle

    for entries in blocks:
        index.append((entries[-1][0], append(entries)))
    footer = append([]) + append(index)
    return file + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def bundle_entry(dtype, shape, size, offset=0, shard=0, more=b""):
    dims = b"".join(string(2, number(1, n)) for n in shape)
    return (number(1, dtype) + string(2, dims) + number(3, shard) + number(4, offset) + number(5, size) +
            varint(6 << 3 | 5) + bytes(4) + more)


def tensorflow_checkpoints():
    header = (b"", number(1, 2) + string(3, number(1, 1)))
    layer = b"bert/encoder/layer_0/output/"
    tensors = [(b"bert/embeddings/word_embeddings", bundle_entry(14, [3, 2], 12)),
               (layer + b"LayerNorm/gamma", bundle_entry(19, [8], 16, 0, 1)), (layer + b"dense/kernel", bundle_entry(1, [4, 8], 128, 12)),
               (layer + b"dense/kernel/adam_m", bundle_entry(1, [4, 8], 128, 140)), (b"cls/predictions/output_bias", bundle_entry(1, [2], 8, 16, 1)),
               (b"global_step", bundle_entry(9, [], 8, 268)), (b"none", bundle_entry(1, [3, 0], 0, 276)),
               (b"output_bias", bundle_entry(1, [2], 8, 24, 1)), (b"text", bundle_entry(7, [], 9, 32, 1))]
    odd = {"overlap": [(b"a", bundle_entry(1, [2], 8)), (b"b", bundle_entry(1, [2], 8, 4))],
           "outside": [(b"a", bundle_entry(2, [1000], 8000))], "negative": [(b"a", bundle_entry(1, [2**64 - 1], 8))],
           "sliced": [(b"\0a\0\1", bundle_entry(1, [2], 8)), (b"a", bundle_entry(1, [4], 8, more=string(7, b"")))],
           "twice": [(b"cls/squad/output_bias", bundle_entry(1, [2], 8)), (b"output_bias", bundle_entry(1, [2], 8, 8))],
           "huge": [(b"a", bundle_entry(1, [4194305, 4194305, 211106198978564], 16))],
           "kernels": [(b"a/kernel", bundle_entry(4, [2, 3, 4], 24)), (b"b/kernel", bundle_entry(4, [0, 2**62, 2**62], 0, 24))]}
    for name, entries in {"bert": sorted(tensors), **odd}.items():
        yield name, b"\1" + table([[header, *entries]])
        yield f"{name}_bytes", b"\0" + table([[header, *entries]])
        yield f"{name}_blocks", b"\1" + table([[entry] for entry in [header, *entries]])
        yield f"{name}_entries", b"\2" + b"".join(bytes([len(part)]) + part for entry in entries for part in entry)
    yield "empty", b"\1" + table([])
    yield "big_endian", b"\1" + table([[(b"", number(1, 1) + number(2, 1))]])
    yield "later", b"\1" + table([[(b"", number(1, 1) + string(3, number(2, 2)))]])


# Files of torch.save, behind a byte that chooses what they are: 0 a file, 1 and 2 the pickle of an archive, 3 what stands
# in a legacy file from the state on.

def text(data):
    return b"X" + struct.pack("<I", len(data)) + data.encode()


def named(module, name):
    return f"c{module}\n{name}\n".encode()


def integer(value):
    return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value) if value < 65536 else b"J" + struct.pack("<i", value)


def group(*items):
    return b"(" + b"".join(items) + b"t"


def ordered(*items):
    return named("collections", "OrderedDict") + b")R" + (b"(" + b"".join(items) + b"u" if items else b"")


def tensor(storage, offset, shape, strides, function="_rebuild_tensor_v2", dtype=b""):
    more = b"" if function == "_rebuild_tensor" else b"\x89" + ordered() + dtype
    return named("torch._utils", function) + group(storage, integer(offset), group(*map(integer, shape)), group(*map(integer, strides)), more) + b"R"


def pickles(view):
    """States whose storages are 6 floats, "0", and 4 halves, "1"; `view` is what legacy files have more."""
    def storage(kind, key, count):
        return group(text("storage"), named("torch", kind + "Storage"), text(key), text("cpu"), integer(count), view) + b"Q"
    floats, halves = storage("Float", "0", 6), storage("Half", "1", 4)
    matrix = tensor(floats, 0, (2, 3), (3, 1))
    yield "state", ordered(text("w"), matrix, text("h"), tensor(halves, 1, (3,), (1,)))
    yield "metadata", ordered(text("w"), matrix) + b"}" + text("_metadata") + ordered(text(""), b"}" + text("version") + integer(1) + b"s") + b"sb"
    yield "tied", b"}(" + text("a") + matrix + b"q\1" + text("b") + b"h\1u"
    yield "views", b"}(" + text("t") + tensor(floats, 0, (3, 2), (1, 3)) + text("s") + tensor(floats, 1, (2, 2), (3, 1)) + \
        text("0") + tensor(floats, 5, (), ()) + text("e") + tensor(floats, 0, (0, 4), (4, 1)) + b"u"
    yield "old", b"}" + text("w") + tensor(floats, 0, (6,), (1,), "_rebuild_tensor") + b"s"
    raw = group(text("storage"), named("torch.storage", "UntypedStorage"), text("1"), text("cpu"), integer(8), view) + b"Q"
    yield "typed", b"}(" + b"".join(text(name) + tensor(raw, 1, (3,), (1,), "_rebuild_tensor_v3", named("torch", name))
                                    for name in ("float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "uint16")) + b"u"
    yield "parameter", b"}" + text("w") + named("torch._utils", "_rebuild_parameter") + group(matrix, b"\x88", ordered()) + b"R" + b"s"
    yield "others", b"}(" + text("n") + integer(70000) + text("f") + b"G" + bytes(8) + text("l") + b"](N\x88\x89e" + text("a") + b"]Na" + \
        text("big") + b"\x8a\x0a" + bytes(range(10)) + text("p") + b"NN\x86" + text("q") + b"N\x85" + text("r") + b"NNN\x87" + b"U\3key" + b"Nu"
    yield "python2", named("collections", "OrderedDict") + group(b"](" + b"](U\1w" + matrix + b"ee") + b"R"
    yield "memo", b"}r" + struct.pack("<I", 2) + text("self") + b"j" + struct.pack("<I", 2) + b"s"
    yield "checkpoint", b"}" + text("model") + b"}" + text("w") + matrix + b"ss"
    yield "system", named("posix", "system") + group(text("id")) + b"R"
    yield "deep", b"}" + text("w") + b")" + b"\x85" * 500 + b"s"


def archive(state):
    """What torch.save writes around a state: sums and sizes behind each entry, zip64 end record."""
    out, directory, count = b"", b"", 0
    for name, data in (("data.pkl", state), ("byteorder", b"little"), ("data/0", bytes(24)), ("data/1", bytes(8)), ("version", b"3\n")):
        name, begin, sums = b"archive/" + name.encode(), len(out), struct.pack("<III", zlib.crc32(data), len(data), len(data))
        padding = -(begin + 30 + len(name) + 4) % 64
        out += b"PK\3\4" + struct.pack("<HHHIIIIHH", 0, 0x808, 0, 0, 0, 0, 0, len(name), 4 + padding) + name + b"FB" + \
            struct.pack("<H", padding) + b"Z" * padding + data + b"PK\7\x08" + sums
        directory += b"PK\1\2" + struct.pack("<IHHI", 0, 0x808, 0, 0) + sums + struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, begin) + name
        count += 1
    end = len(out) + len(directory)
    return out + directory + b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 0x31E, 45, 0, 0, count, count, len(directory), len(out)) + \
        b"PK\6\7" + struct.pack("<IQI", 0, end, 1) + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(out), 0)


def torch_files():
    for name, value in pickles(b""):
        state = b"\x80\2" + value + b"."
        yield f"zip_{name}", b"\0" + archive(state)
        yield f"pickle_{name}", b"\1" + state
    yield "pickle64", b"\2" + state
    front = b"\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\2M\xe9\3.\x80\2}" + text("little_endian") + b"\x88s."
    for name, value in pickles(b"N"):
        keys = [key for key in (b"0", b"1") if text(key.decode()) + text("cpu") in value]
        data = b"".join(struct.pack("<q", 6) + bytes(24) if key == b"0" else struct.pack("<q", 8 if name == "typed" else 4) + bytes(8) for key in keys)
        rest = b"\x80\2" + value + b"." + b"\x80\2](" + b"".join(text(key.decode()) for key in keys) + b"e." + data
        yield f"legacy_{name}", b"\0" + front + rest
        yield f"rest_{name}", b"\3" + rest


def torch_words():
    yield from (b"torch._utils\n_rebuild_tensor_v2\n", b"torch._utils\n_rebuild_tensor_v3\n", b"torch.storage\nUntypedStorage\n",
                b"torch._utils\n_rebuild_tensor\n", b"torch._utils\n_rebuild_parameter\n",
                b"collections\nOrderedDict\n", text("storage"), text("cpu"), text("0"), text("1"), b"PK\1\2", b"PK\3\4", b"PK\5\6", b"PK\6\6",
                b"PK\6\7", b"PK\7\x08", b"archive/data/0", struct.pack("<I", 2**31), struct.pack("<Q", 2**63 - 1), b"\x8a\x08" + bytes([255] * 7 + [127]))
    for kind in ("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"):
        yield named("torch", kind + "Storage")
    for kind in ("float8_e4m3fn", "float8_e5m2", "float8_e8m0fnu", "uint16", "uint32", "uint64"):
        yield named("torch", kind)


# Safetensors files and indices, behind a byte that chooses: 0 a file, 1 its header, 2 an index.

def safetensors_files():
    def header(**tensors):
        return json.dumps({name.replace("_", "."): {"dtype": dtype, "shape": shape, "data_offsets": offsets}
                           for name, (dtype, shape, offsets) in tensors.items()}).encode()
    headers = {"two": header(a_weight=("F32", [2, 2], [0, 16]), a_bias=("F16", [3], [16, 22])), "none": b"{}", "spaces": b' {} ',
               "empty": header(a=("F32", [0, 3], [0, 0]), b=("BOOL", [], [0, 1])), "wrap": header(a=("F32", [2**62, 4, 0], [0, 0])),
               "float8": header(a=("F8_E4M3", [2], [0, 2]), b=("F8_E5M2", [1], [2, 3]), c=("F8_E8M0", [1], [3, 4])),
               "holes": header(a=("U8", [1], [1, 2])), "overlap": header(a=("U8", [2], [0, 2]), b=("I8", [2], [1, 3])),
               "graft": b'{"__metadata__": {"format": "pt", "graft": "1"}, ' + header(a=("F64", [2], [0, 16]))[1:]}
    for name, text in headers.items():
        yield name, b"\0" + struct.pack("<Q", len(text)) + text + bytes(range(32))[:24]
        yield f"{name}_header", b"\1" + text
    for i, files in enumerate(({"a": "shard"}, {"a": "shard", "b": "other"}, {"a": "../shard"}, {"a": "/shard"}, {})):
        yield f"index{i}", b"\2" + json.dumps({"metadata": {"total_size": 16}, "weight_map": files}).encode()


# Word vectors, behind a byte that chooses (vector_files_fuzz.cc).

def vector_files():
    def row(word, *numbers):
        return word + b" " + struct.pack(f"<{len(numbers)}f", *numbers)
    rows = b"one 1 -2.5e-3\ntwo 3 4\nat x@y.z .5 1e5\na\xc2\xa0b 5 6 \r\nb\xff 0 -0\n"
    yield "glove", b"\0" + rows
    yield "repair", b"\x10" + b"9 2\n" + rows + b"bad 1\none 1 2\nworse 1 nan\n"
    yield "text", b"\0" + b"5 2\n" + rows
    yield "count", b"\x20" + b"9 2\n" + rows
    for i, end in enumerate((b"", b"\n")):
        binary = b"2 3\n" + row(b"one", 1, 2, 3) + end + row(b"two", 4, 5, 6) + end
        yield f"binary{i}", b"\0" + binary
        yield f"binary_cut{i}", b"\x13" + binary[:-3]
    yield "gzip", b"\0" + gzip.compress(rows)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vectors.txt", rows)
    yield "zip", b"\0" + packed.getvalue()
    yield "floret", b"\0" + b"3 2 2 3 2 7 < >\n0 1 2\n1 3 4\n2 5 6\n"
    for model, buckets in ((2, 5), (3, 0)):
        labels = int(model == 3)
        fasttext = struct.pack("<14id", 793712314, 12, 2, 5, 5, 1, 5, 1, 2 + labels, model, buckets, 2, 3 * (buckets > 0), 100, 1e-4)
        fasttext += struct.pack("<3i2q", 2 + labels, 2, labels, 14, -1)
        for word, kind in [(b"ab", 0), (b"c\xff", 0)] + labels * [(b"__label__x", 1)]:
            fasttext += word + b"\0" + struct.pack("<qb", 7, kind)
        fasttext += b"\0" + struct.pack(f"<2q{2 * (2 + buckets)}f", 2 + buckets, 2, *range(2 * (2 + buckets)))
        outputs = labels or 2
        yield f"fasttext{model}", b"\0" + fasttext + b"\0" + struct.pack(f"<2q{2 * outputs}f", outputs, 2, *range(2 * outputs))
    quantized = struct.pack("<14id", 793712314, 12, 2, 5, 5, 1, 5, 1, 3, 3, 5, 2, 3, 100, 1e-4) + struct.pack("<3i2q", 3, 2, 1, 14, 2)
    quantized += b"ab\0" + struct.pack("<qb", 7, 0) + b"c\0" + struct.pack("<qb", 7, 0) + b"__label__x\0" + struct.pack("<qb", 7, 1)
    quantized += struct.pack("<4i", 0, 0, 3, 1) + b"\1\0" + struct.pack("<2qi", 4, 2, 4) + bytes(4)
    quantized += struct.pack("<4i512f", 2, 1, 2, 2, *range(512)) + b"\0" + struct.pack("<2q2f", 1, 2, 1, 2)
    yield "quantized", b"\0" + quantized
    for order in (False, True):
        header = f"{{'descr': '<f4', 'fortran_order': {order}, 'shape': (3, 2), }}\n".encode()
        yield f"numpy{order}", b"\0" + b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + struct.pack("<6f", *range(6))
    words = struct.pack("<Q", 2) + struct.pack("<I", 1) + b"a" + struct.pack("<I", 3) + b"bcd"
    chunks = [(1, words), (2, struct.pack("<QII", 2, 2, 10) + bytes(1) + struct.pack("<4f", 1, 2, 3, 4))]
    fifu = b"FiFu" + struct.pack("<4I", 0, 2, 1, 2) + b"".join(struct.pack("<IQ", i, len(data)) + data for i, data in chunks)
    yield "finalfusion", b"\0" + fifu


# config.json of encoders.

def encoder_configs():
    config = {"architectures": ["BertModel"], "model_type": "bert", "vocab_size": 12, "hidden_size": 8, "num_hidden_layers": 2,
              "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 8, "type_vocab_size": 2,
              "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0, "classifier_dropout": None,
              "initializer_range": 0.02, "hidden_act": "gelu", "position_embedding_type": "absolute", "is_decoder": False,
              "add_cross_attention": False, "pruned_heads": {}}
    changes = {"whole": {}, "heads": {"num_attention_heads": 3}, "half": {"hidden_size": 768.5}, "negative": {"hidden_size": -1},
               "layers": {"num_hidden_layers": 10**9}, "vocabulary": {"vocab_size": 2**40}, "huge": {"vocab_size": 10**30},
               "programs": {"auto_map": {"AutoModel": "x.Y"}}, "pruned": {"pruned_heads": {"0": [1]}}, "relu": {"hidden_act": "relu"},
               "gpt2": {"model_type": "gpt2"}, "none": {"model_type": None}, "text": {"hidden_size": "8"}}
    for name, change in changes.items():
        yield name, json.dumps({**config, **change}).encode()
    yield from (("deep", b"[" * 65 + b"]" * 65), ("mark", b"\xef\xbb\xbf{}"), ("comma", b'{"a": 1,}'), ("twice", b'{"a": 1, "a": 2}'),
                ("nan", b'{"hidden_size": NaN}'), ("bytes", b'{"a": "\xff"}'), ("escapes", rb'{"a\u0000b": "\ud83d\ude00 \ud800"}'), ("empty", b""))


def main():
    for target, files in (("vector_files_fuzz", vector_files()), ("sentencepiece_model_fuzz", sentencepiece_models()),
                          ("tokenizer_json_fuzz", tokenizer_files()),
                          ("encode_fuzz", texts()), ("tensorflow_checkpoint_fuzz", tensorflow_checkpoints()),
                          ("pytorch_file_fuzz", torch_files()), ("safetensors_fuzz", safetensors_files()), ("encoder_config_fuzz", encoder_configs())):
        folder = Path(sys.argv[1]) / target
        folder.mkdir(parents=True, exist_ok=True)
        files = list(files)
        for name, data in files:
            (folder / name).write_bytes(data)
        if target in ("tokenizer_json_fuzz", "encoder_config_fuzz"):
            folder.with_suffix(".dict").write_text(dictionary(words_of(files)))
        if target == "pytorch_file_fuzz":
            folder.with_suffix(".dict").write_text(dictionary(torch_words()))


if __name__ == "__main__":
    main()

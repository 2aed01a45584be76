#!/usr/bin/env python3
"""Compares graft's bare models (words to tokens) with Python's `tokenizers` (0.23.3) and `sentencepiece` (0.2.3).

  python3 tests/parity/model_parity.py --tool build/tests/parity/tokenize_words [--data ../shared/data]

Compared: ids and byte spans of words. Models: the byte-level BPE of gpt2 and roberta-base, the Unigram pieces of
albert, xlnet, t5 and of sentencepiece's test models, its BPE test model as merges, and small models made here that
have every option and many equal scores. Words: those of real texts in several scripts, and hostile ones: pieces in
any order, long repetitions, characters that no piece has. With sentencepiece whole normalized texts are compared,
in one go and word by word. Prints counts; exit status 1 at any difference.
"""

import argparse
import json
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, models, pre_tokenizers

MARK = "\u2581"
SENTENCEPIECE_TYPES = {1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5}  # of the protobuf, in graft's order


def run(tool, arguments, words):
    """(ids, begins, ends) of each word."""
    data = b"".join(struct.pack("<I", len(word)) + word for word in words)
    done = subprocess.run([tool, *map(str, arguments)], input=data, stdout=subprocess.PIPE, check=True)
    numbers, at, out = np.frombuffer(done.stdout, np.int32), 0, []
    for _ in words:
        n = numbers[at]
        out.append(numbers[at + 1:at + 1 + 3 * n].reshape(3, n).tolist())
        at += 1 + 3 * n
    assert at == len(numbers)
    return out


class Comparison:
    def __init__(self):
        self.total, self.different = 0, 0

    def check(self, what, word, want, got):
        self.total += 1
        if want != got:
            self.different += 1
            if self.different <= 10:
                print(f"DIFFERENT {what}: {word[:300]!r}\n  peer  {str(want)[:600]}\n  graft {str(got)[:600]}")


def byte_level(text):
    """As the pre-tokenizer ByteLevel writes bytes."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    table = {b: chr(b) if b in printable else None for b in range(256)}
    for b in range(256):
        table[b] = table[b] or chr(next(others))
    return "".join(table[b] for b in text.encode())


def real_texts(data, lines):
    texts = []
    for path in sorted((data / "sentiment").rglob("*.t*")) + sorted((data / "ner").rglob("*.conll")):
        texts += path.read_text(encoding="utf-8", errors="replace").split("\n")[:lines]
    return [text.replace("\t", " ") for text in texts if text]


def hostile_words(rng, pieces, count):
    """Words that the pieces say much about, and little."""
    characters = sorted({c for piece in pieces for c in piece})
    odd = [chr(c) for c in (0, 1, 0x7F, 0x80, 0x301, 0x2581, 0x3000, 0xFFFD, 0x10FFFF, 0x1F600, 0xE000, 0x4E00)]
    words = []
    for i in range(count):
        kind = i % 6
        if kind == 0:
            word = "".join(rng.choices(pieces, k=rng.randint(1, 6)))
        elif kind == 1:
            word = "".join(rng.choices(characters, k=rng.randint(1, 30)))
        elif kind == 2:
            word = "".join(rng.choices(characters + odd, k=rng.randint(1, 12)))
        elif kind == 3:
            word = rng.choice(pieces)[:8] * rng.randint(2, 60)
        elif kind == 4:
            word = "".join(rng.choices(odd, k=rng.randint(1, 5)))
        else:
            word = "".join(rng.choices(characters[:12], k=rng.randint(60, 200)))
        words.append(word)
    return words + ["", rng.choice(characters) * 5000]


def compare_with_tokenizers(result, tool, what, tokenizer, words):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokenizer.json"
        tokenizer.save(str(path))
        got = run(tool, [path, "tokenizers"], [word.encode() for word in words])
    before = result.different
    for word, tokens in zip(words, got, strict=True):
        peer = [(t.id, *t.offsets) for t in tokenizer.model.tokenize(word)]
        end = len(word.encode())
        want = [list(row) for row in zip(*((i, min(b, end), min(e, end)) for i, b, e in peer))] or [[], [], []]
        result.check(what, word, want, tokens)
    print(f"{what}: {len(words)} words, {result.different - before} different", flush=True)


def compare_files(result, tool, what, vocab, merges, words):
    """vocab.json and merges.txt give what the tokenizer.json of the same gives."""
    model = models.BPE.from_file(str(vocab), str(merges))
    got = run(tool, [vocab, merges], [word.encode() for word in words])
    for word, tokens in zip(words, got, strict=True):
        result.check(f"{what} files", word, [t.id for t in model.tokenize(word)], tokens[0])


def pieces_of(processor):
    return [processor.id_to_piece(i) for i in range(processor.get_piece_size())]


def compare_with_sentencepiece(result, tool, what, path, texts):
    """Ids of whole texts; the normalized text is the peer's."""
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto.FromString(path.read_bytes())
    processor = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    model = {"type": "Unigram", "unk_id": processor.unk_id(),
             "vocab": [[p.piece, p.score] for p in proto.pieces],
             "types": [SENTENCEPIECE_TYPES[p.type] for p in proto.pieces],
             "byte_fallback": proto.trainer_spec.byte_fallback}
    escaped = [processor.normalize(text).replace(" ", MARK).encode() for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tokenizer.json"
        file.write_text(json.dumps({"model": model}), encoding="utf-8")
        whole, parts = (run(tool, [file, peer], escaped) for peer in ("sentencepiece", "parts"))
    before = result.different
    for text, want, at_once, by_word in zip(texts, processor.encode(texts), whole, parts, strict=True):
        result.check(f"{what} sentencepiece", text, want, at_once[0])
        result.check(f"{what} sentencepiece by word", text, want, by_word[0])
    print(f"{what} sentencepiece: {len(texts)} texts, {result.different - before} different", flush=True)


def merges_of(pieces):
    """Every way to put a piece together from two others, the earlier piece first."""
    known, merges = set(pieces), []
    for piece in pieces:
        merges += [(piece[:i], piece[i:]) for i in range(1, len(piece)) if {piece[:i], piece[i:]} <= known]
    return merges


def random_bpe(rng, prefix, suffix):
    """A vocabulary in which merges compete."""
    letters = list("abcd\u00e9\u4e00")
    vocab = ["<unk>", *(f"<0x{b:02X}>" for b in range(256))]
    if prefix or suffix:
        vocab += letters + [prefix + c for c in letters if prefix] + [c + suffix for c in letters if suffix]
        vocab += [prefix + c + suffix for c in letters if prefix and suffix]
    else:
        vocab += letters
    merges = []
    for _ in range(60):
        left = rng.choice(vocab[257:])
        right = rng.choice([v for v in vocab[257:] if v.startswith(prefix)])
        merged = left + right[len(prefix):]
        if (left, right) in merges or len(merged) > 12:
            continue
        merges.append((left, right))
        if merged not in vocab:
            vocab.append(merged)
    return {token: i for i, token in enumerate(vocab)}, merges


def random_models(result, tool, rng, count, words):
    for i in range(count):
        prefix, suffix = rng.choice(["", "", "##"]), rng.choice(["", "", "</w>"])
        vocab, merges = random_bpe(rng, prefix, suffix)
        if rng.random() < 0.3:  # some bytes and characters have no token
            keep = [t for t in vocab if not t.startswith("<0x") or rng.random() < 0.9]
            vocab = {token: n for n, token in enumerate(keep)}
        options = {"unk_token": rng.choice([None, "<unk>"]), "fuse_unk": rng.random() < 0.5,
                   "byte_fallback": rng.random() < 0.4, "ignore_merges": rng.random() < 0.3}
        if prefix:
            options["continuing_subword_prefix"] = prefix
        if suffix:
            options["end_of_word_suffix"] = suffix
        model = models.BPE(vocab=vocab, merges=merges, **options)
        some = hostile_words(rng, list("abcd\u00e9\u4e00z"), words) + hostile_words(rng, list(vocab)[257:], words)
        compare_with_tokenizers(result, tool, f"random BPE {i} {options}", Tokenizer(model), some)
    for i in range(count):
        pieces = {"<unk>": 0.0}
        pieces.update({c: rng.choice([-1.0, -2.0, -3.5, 1.5]) for c in "abc\u4e00"})
        for _ in range(40):
            pieces.setdefault("".join(rng.choices("abc\u4e00" + MARK, k=rng.randint(2, 5))),
                              rng.choice([-1.0, -2.0, -2.5, -4.0, 2.0, 0.1, 0.2]))
        if rng.random() < 0.5:
            pieces.update({f"<0x{b:02X}>": -20.0 for b in range(256)})
        model = models.Unigram(list(pieces.items()), 0, rng.random() < 0.5)
        some = hostile_words(rng, [*"abc\u4e00z", "<unk>"], words)
        compare_with_tokenizers(result, tool, f"random Unigram {i}", Tokenizer(model), some)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True)
    root = Path(__file__).resolve().parents[2]
    parser.add_argument("--data", type=Path, default=root.parent / "shared" / "data")
    parser.add_argument("--lines", type=int, default=4000, help="of each file")
    parser.add_argument("--words", type=int, default=20000, help="hostile words for each model")
    parser.add_argument("--random-models", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, result = random.Random(options.seed), Comparison()
    folder = options.data / "tokenizers"
    texts = real_texts(options.data, options.lines)
    gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False)
    level_words = sorted({word for text in texts for word, _ in gpt2.pre_tokenize_str(text)})
    for name in ("gpt2", "roberta-base"):
        files = folder / name / "vocab.json", folder / name / "merges.txt"
        pieces = [piece for piece in json.loads(files[0].read_text()) if not piece.startswith("<")]
        words = level_words + hostile_words(rng, pieces, options.words)
        words += [byte_level(word) for word in hostile_words(rng, ["ab ", "\u00e9", "\u4e2d\u6587"], 1000)]
        compare_with_tokenizers(result, options.tool, name, Tokenizer(models.BPE.from_file(*map(str, files))), words)
        compare_files(result, options.tool, name, *files, words[::7])
    marked = sorted({MARK + word for text in texts for word in text.split()})
    spaced = [text for text in texts if text.strip()]
    spaced += [" ".join(spaced[i:i + 60]) for i in range(0, len(spaced), 300)]
    spaced += [" ".join(spaced[i:i + 3000]) for i in range(0, len(spaced), 20000)]
    import sentencepiece
    for path in sorted(folder.rglob("*.model")):
        name = f"{path.parent.name}/{path.name}"
        processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        pieces = pieces_of(processor)
        words = marked + hostile_words(rng, pieces, options.words)
        if "bpe" in path.name:
            vocab = {piece: i for i, piece in enumerate(pieces)}
            model = models.BPE(vocab=vocab, merges=merges_of(pieces), unk_token="<unk>", fuse_unk=True)
        else:
            scores = [processor.get_score(i) for i in range(len(pieces))]
            model = models.Unigram(list(zip(pieces, scores)), processor.unk_id(), False)
            hostile = [word for word in words[::9] if word.strip() and "\0" not in word]
            compare_with_sentencepiece(result, options.tool, name, path, spaced + hostile)
        compare_with_tokenizers(result, options.tool, name, Tokenizer(model), words)
    level = models.WordLevel({word: i for i, word in enumerate(["[UNK]", *marked[::3]])}, unk_token="[UNK]")
    compare_with_tokenizers(result, options.tool, "WordLevel", Tokenizer(level), marked + ["", "[UNK]"])
    random_models(result, options.tool, rng, options.random_models, 500)
    print(f"{result.total} compared, {result.different} different")
    return 1 if result.different else 0


if __name__ == "__main__":
    sys.exit(main())

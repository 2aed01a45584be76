"""Word vectors as graft reads them beside gensim, fasttext, floret and finalfusion.

    python vectors_parity.py BUILD [--numpy FILE.npy --words FILE]

Trains tiny models with these packages, reads every file that they write with both sides and compares words and
numbers: bit for bit where the file holds the numbers, within 1e-6 of the largest where they are means of n-grams.
"""

import argparse
import importlib.metadata
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np

CHECKS = {}


def check(name, good, detail=""):
    CHECKS[name] = bool(good)
    print(f"{'ok  ' if good else 'FAIL'} {name} {detail}")


class Reader:
    def __init__(self, build):
        self.program = pathlib.Path(build) / "tests/parity/vectors_worker"

    def read(self, path, asked=(), *options):
        done = subprocess.run([self.program, str(path), *options], input="".join(w + "\n" for w in asked).encode(),
                              capture_output=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode())
        data, at = done.stdout, 16
        rows, width = np.frombuffer(data, "<i8", 2)
        words, matrix = [], np.empty((rows, width), np.float32)
        for i in range(rows):
            size = int.from_bytes(data[at:at + 4], "little")
            words.append(data[at + 4:at + 4 + size])
            at += 4 + size
            matrix[i] = np.frombuffer(data, "<f4", width, at)
            at += 4 * width
        answers = []
        for _ in asked:
            found = int.from_bytes(data[at:at + 4], "little")
            answers.append(np.frombuffer(data, "<f4", width, at + 4) if found else None)
            at += 4 + 4 * width
        return words, matrix, answers, done.stderr.decode().strip()


def near(a, b):
    return np.max(np.abs(a - b)) <= 1e-6 * max(1.0, np.max(np.abs(b)))


def corpus(path, labels=False):
    rng = random.Random(1)
    letters = "abcdefghij" + "éüñ" + "語"
    words = ["".join(rng.choice(letters) for _ in range(rng.randint(1, 9))) for _ in range(400)]
    with open(path, "w", encoding="utf-8") as file:
        for i in range(3000):
            line = " ".join(rng.choices(words, k=rng.randint(5, 15)))
            file.write((f"__label__{i % 3} " if labels else "") + line + "\n")


def check_gensim(reader, work):
    from gensim.models import FastText, KeyedVectors, Word2Vec
    from gensim.models.fasttext import load_facebook_vectors, save_facebook_model
    sentences = [line.split() for line in open(work / "text.txt", encoding="utf-8")]
    model = Word2Vec(sentences, vector_size=37, min_count=1, epochs=1, seed=1, workers=1)
    for binary in (False, True):
        path = work / f"gensim.{'bin' if binary else 'txt'}"
        model.wv.save_word2vec_format(path, binary=binary)
        theirs = KeyedVectors.load_word2vec_format(path, binary=binary)
        for threads in ("1", "2"):
            words, matrix, _, told = reader.read(path, (), "--threads", threads)
            check(f"gensim {path.name} on {threads}", [w.decode() for w in words] == theirs.index_to_key and
                  np.array_equal(matrix, theirs.vectors), told)
    path = work / "glove.txt"
    path.write_bytes(b"".join((work / "gensim.txt").read_bytes().splitlines(keepends=True)[1:]))
    theirs = KeyedVectors.load_word2vec_format(path, binary=False, no_header=True)
    words, matrix, _, told = reader.read(path)
    check("gensim without header", np.array_equal(matrix, theirs.vectors), told)
    model = FastText(sentences, vector_size=20, min_count=1, epochs=1, seed=1, workers=1, bucket=3000, min_n=2, max_n=5)
    path = work / "gensim-fasttext.bin"
    save_facebook_model(model, str(path))
    theirs = load_facebook_vectors(str(path))
    asked = UNKNOWN
    words, matrix, answers, told = reader.read(path, asked)
    check("gensim's fastText model", [w.decode() for w in words] == theirs.index_to_key and near(matrix, theirs.vectors),
          told)
    check("gensim's unknown words", all(near(a, theirs[w]) for a, w in zip(answers, asked)))


UNKNOWN = ["unbekannt", "abc語", "é", "x", "aaaaaaaaaaaaaaaaaaaaaaaa", "zz zz", "<>", "ab\u00a0cd"]


TRAIN = """
import importlib, json, sys
package, function, arguments, options, path, quantize = json.loads(sys.argv[1])
model = getattr(importlib.import_module(package), function)(*arguments, **options)
if quantize is not None:
    model.quantize(*arguments[:1], **quantize)
model.save_model(path)
if package == "floret":
    model.save_floret_vectors(path + ".floret")
"""


def train(package, function, arguments, path, quantize=None, **options):
    """fasttext 0.9.3 sets a tenth of its matrix for each thread (DenseMatrix::uniform), and up to nine numbers with none of
    ten threads: it may meet one that is no number, and then tries again, in a process of its own."""
    for attempt in range(100):
        # t = 1: no word is so frequent that it is left out. With few words all others would be, and no loss be known.
        settings = {"verbose": 0, "thread": 10, "t": 1, "lr": 0.02 + attempt / 1000, **options}
        if function == "train_supervised":
            del settings["t"]
        order = json.dumps([package, function, arguments, settings, str(path), quantize])
        done = subprocess.run([sys.executable, "-c", TRAIN, order], capture_output=True)
        if done.returncode == 0:
            return
    raise RuntimeError(f"{path}: {done.stderr.decode()}")


def check_fasttext(reader, work):
    import fasttext
    text, labelled = str(work / "text.txt"), str(work / "labelled.txt")
    unsupervised, supervised = "train_unsupervised", "train_supervised"
    orders = {
        "skipgram.bin": (unsupervised, dict(model="skipgram", dim=16, minCount=1, bucket=5000)),
        "short.bin": (unsupervised, dict(model="skipgram", dim=8, minCount=1, bucket=3000, minn=2, maxn=2)),
        "no-ngrams.bin": (unsupervised, dict(dim=7, minCount=1, maxn=0)),
        "supervised.bin": (supervised, dict(dim=9, wordNgrams=2, bucket=1000, minn=2, maxn=4)),
        "pruned.ftz": (supervised, dict(dim=10, bucket=5000, minn=2, maxn=4,
                                        quantize=dict(cutoff=600, qnorm=True, retrain=False))),
        "plain.ftz": (supervised, dict(dim=11, bucket=500, minn=3, maxn=3, quantize=dict(qnorm=False, dsub=3))),
    }
    for name, (function, options) in orders.items():
        path = work / name
        train("fasttext", function, [labelled if function == supervised else text], path, epoch=1, **options)
        model = fasttext.load_model(str(path))
        words, matrix, answers, told = reader.read(path, UNKNOWN)
        check(f"fastText {name} words", [w.decode() for w in words] == model.words, told)
        theirs = np.stack([model.get_word_vector(w) for w in model.words])
        check(f"fastText {name} rows", near(matrix, theirs), f"equal bits: {np.array_equal(matrix, theirs)}")
        equal = all(near(a if a is not None else np.zeros(1), model.get_word_vector(w)) for a, w in zip(answers, UNKNOWN))
        check(f"fastText {name} unknown words", equal)
    vec = work / "skipgram.vec"
    model = fasttext.load_model(str(work / "skipgram.bin"))
    with open(vec, "w", encoding="utf-8") as file:
        file.write(f"{len(model.words)} {model.get_dimension()}\n")
        for word in model.words:
            file.write(word + " " + " ".join(f"{v:.5g}" for v in model.get_word_vector(word)) + " \n")
    words, matrix, _, told = reader.read(vec)
    theirs = np.array([[float(f"{v:.5g}") for v in model.get_word_vector(w)] for w in model.words], np.float32)
    check("fastText .vec", np.array_equal(matrix, theirs), told)


def check_floret(reader, work):
    import floret
    for hashes in (1, 2, 4):
        path = work / f"floret{hashes}"
        train("floret", "train_unsupervised", [str(work / "text.txt")], path, mode="floret", hashCount=hashes, bucket=400,
              minn=2, maxn=4, dim=12, minCount=1, epoch=1)
        model = floret.load_model(str(path))
        path = f"{path}.floret"
        # Not </s>, which the package alone has no rows for; spaCy treats it as any word.
        asked = UNKNOWN + model.words[1:50]
        _, _, answers, told = reader.read(path, asked)
        # The file has a few digits of each number.
        good = all(np.max(np.abs(a - model.get_word_vector(w))) < 1e-4 for a, w in zip(answers, asked))
        check(f"floret with {hashes} hashes", good, told)


def check_finalfusion(reader, work):
    import finalfusion
    from finalfusion import compat
    text = compat.load_word2vec(str(work / "gensim.bin"))
    text.write(str(work / "simple.fifu"))
    embeddings = finalfusion.load_finalfusion(str(work / "simple.fifu"))
    words, matrix, _, told = reader.read(work / "simple.fifu")
    check("finalfusion with a simple vocabulary", [w.decode() for w in words] == embeddings.vocab.words and
          np.array_equal(matrix, embeddings.storage), told)
    text = compat.load_fasttext(str(work / "skipgram.bin"))
    text.write(str(work / "subwords.fifu"))
    embeddings = finalfusion.load_finalfusion(str(work / "subwords.fifu"))
    # Without the word of one letter outside of ASCII, where the package is not fastText.
    asked = [word for word in UNKNOWN[:4] if word != "é"]
    words, matrix, answers, told = reader.read(work / "subwords.fifu", asked)
    check("finalfusion with fastText's n-grams", [w.decode() for w in words] == embeddings.vocab.words and
          np.array_equal(matrix, embeddings.storage[:len(words)]), told)
    theirs = [embeddings.vocab.subword_indices(w) for w in asked]
    good = all(near(a if a is not None else 0, np.mean(embeddings.storage[i], 0) if len(i) else 0)
               for a, i in zip(answers, theirs))
    check("finalfusion's unknown words", good)


def check_numpy(reader, path, words_path):
    words, matrix, _, told = reader.read(path, (), "--words", words_path)
    check("NumPy", np.array_equal(matrix, np.load(path)) and
          [w for w in open(words_path, "rb").read().split(b"\n") if w] == words, told)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--numpy")
    parser.add_argument("--words")
    options = parser.parse_args()
    reader = Reader(options.build)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        corpus(work / "text.txt")
        corpus(work / "labelled.txt", labels=True)
        check_fasttext(reader, work)
        check_floret(reader, work)
        check_gensim(reader, work)
        check_finalfusion(reader, work)
        small = np.arange(30, dtype=np.float64).reshape(5, 6) / 7
        for name, array in {"c": small, "f": np.asfortranarray(small.astype(np.float32)), "h": small.astype(np.float16)}.items():
            np.save(work / f"{name}.npy", array)
            (work / "list.txt").write_text("".join(f"w{i}\n" for i in range(5)))
            _, matrix, _, _ = reader.read(work / f"{name}.npy", (), "--words", str(work / "list.txt"))
            check(f"NumPy {array.dtype} {name}", np.array_equal(matrix, array.astype(np.float32)))
        if options.numpy:
            check_numpy(reader, options.numpy, options.words)
    print(f"{sum(CHECKS.values())} of {len(CHECKS)} checks passed")
    versions = {name: importlib.metadata.version(name) for name in ("fasttext", "finalfusion", "floret", "gensim", "numpy")}
    result = {"command": "python3 tests/parity/vectors_parity.py build", "versions": versions, "checks": CHECKS}
    (pathlib.Path(__file__).parent / "results/vectors.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    sys.exit(0 if all(CHECKS.values()) else 1)


if __name__ == "__main__":
    main()

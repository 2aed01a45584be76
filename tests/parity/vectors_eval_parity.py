"""The verbs of `graft vectors` beside gensim on the same vectors: eval, nearest, similarity, analogy.

    python vectors_eval_parity.py GRAFT VECTORS... [--out FILE.json] [--quick]

VECTORS are text in GloVe's form. The sets of words are those of gensim's own test data, read where gensim is installed.
--quick leaves out the analogies of whole files, for which gensim needs minutes. 3CosMul is compared with NumPy in double,
since gensim's has another epsilon than the paper.
"""

import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import gensim
import numpy as np
from gensim.models import KeyedVectors

DATA = pathlib.Path(gensim.__file__).parent / "test" / "test_data"
PAIRS = ["wordsim353.tsv", "simlex999.txt"]
CHECKS, FIGURES = [], {}


def check(name, good, detail=""):
    CHECKS.append(bool(good))
    print(f"{'ok  ' if good else 'FAIL'} {name} {detail}", flush=True)


class Graft:
    def __init__(self, program, vectors):
        self.program, self.vectors = program, vectors

    def run(self, verb, *arguments, lines=None):
        done = subprocess.run([self.program, "vectors", verb, "--vectors", self.vectors, "--json", *map(str, arguments)],
                              input="".join(line + "\n" for line in lines or []).encode(), capture_output=True)
        if done.returncode not in (0, 1) or (done.returncode == 1 and not done.stdout):
            raise RuntimeError(done.stderr.decode())
        return done.stdout.decode()

    def eval(self, *arguments):
        return json.loads(self.run("eval", *arguments))["results"]

    def lines(self, verb, lines, *arguments):
        return [json.loads(line) for line in self.run(verb, *arguments, lines=lines).splitlines()]


def check_pairs(graft, theirs, name):
    settings = [({}, []), ({"case_insensitive": False}, ["--match-case"]), ({"dummy4unknown": True}, ["--unknown", "zero"]),
                ({"restrict_vocab": 10_000}, ["--restrict-vocab", 10_000])]
    for options, ours in settings:
        for mine, file in zip(graft.eval(*[DATA / file for file in PAIRS], *ours), PAIRS, strict=True):
            pearson, spearman, unknown = theirs.evaluate_word_pairs(str(DATA / file), **options)
            share = 100 * mine["unknown"] / mine["pairs"]
            near = (abs(mine["pearson"] - pearson[0]) < 1e-5 and abs(mine["spearman"] - spearman[0]) < 1e-5 and
                    abs(share - unknown) < 1e-9)
            check(f"{name} {file} {options or ''}", near, f"Spearman {mine['spearman']:.4f} and {spearman[0]:.4f}, "
                  f"Pearson {mine['pearson']:.4f} and {pearson[0]:.4f}, {mine['unknown']} of {mine['pairs']} unknown")
            if not options:
                FIGURES[f"{name} {file}"] = {"spearman": mine["spearman"], "pearson": mine["pearson"],
                                             "unknown": mine["unknown"], "pairs": mine["pairs"]}


def check_analogies(graft, theirs, name, file, options=None, ours=()):
    begin = time.monotonic()
    score, sections = theirs.evaluate_word_analogies(str(file), **(options or {}))
    middle = time.monotonic()
    mine = graft.eval(file, *ours)[0]
    end = time.monotonic()
    expected = [(s["section"], len(s["correct"]), len(s["correct"]) + len(s["incorrect"])) for s in sections[:-1]]
    found = [(s["name"], s["correct"], s["used"]) for s in mine["sections"]]
    check(f"{name} analogies {options or ''}", found == expected and abs((mine["total"]["accuracy"] or 0) - score) < 1e-12,
          f"{mine['total']['correct']} of {mine['total']['used']}, gensim {score:.6f}; {middle - begin:.1f} s and, with "
          f"reading, {end - middle:.1f} s")
    if found != expected:
        print([pair for pair in zip(found, expected) if pair[0] != pair[1]])
    return mine


def same_answers(mine, theirs):
    """Equal words, but where scores are so near that float32 cannot tell which is better."""
    if len(mine) != len(theirs) or any(abs(a["score"] - b[1]) > 1e-5 for a, b in zip(mine, theirs)):
        return False
    return all(a["word"] == b[0] or any(abs(a["score"] - c[1]) < 1e-5 and a["word"] == c[0] for c in theirs) or i == len(mine) - 1
               for i, (a, b) in enumerate(zip(mine, theirs)))


def check_questions(graft, theirs, name, rng):
    words = rng.sample(theirs.index_to_key, 300)
    found = graft.lines("nearest", words)
    check(f"{name} nearest", all(same_answers(f["results"], theirs.most_similar(w)) for f, w in zip(found, words, strict=True)),
          f"{len(words)} words, 10 each")
    common = theirs.index_to_key[:5000]
    pairs = [rng.sample(common, 2) for _ in range(1000)]
    found = graft.lines("similarity", ["\t".join(pair) for pair in pairs])
    worst = max(abs(f["similarity"] - theirs.similarity(*pair)) for f, pair in zip(found, pairs, strict=True))
    check(f"{name} similarity", worst < 1e-6, f"{len(pairs)} pairs, largest difference {worst:.1e}")
    triples = [rng.sample(common, 3) for _ in range(200)]
    lines = ["\t".join(triple) for triple in triples]
    found = graft.lines("analogy", lines)
    check(f"{name} analogy, added",
          all(same_answers(f["results"], theirs.most_similar(positive=[b, c], negative=[a]))
              for f, (a, b, c) in zip(found, triples, strict=True)), f"{len(triples)} questions, 10 answers each")
    check(f"{name} analogy, multiplied", check_multiplied(graft, theirs, triples, lines), f"{len(triples)} questions")


def check_multiplied(graft, theirs, triples, lines):
    units = theirs.vectors.astype(np.float64)
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), 1e-300)
    good = True
    for found, triple in zip(graft.lines("analogy", lines, "--method", "multiply"), triples, strict=True):
        rows = [theirs.key_to_index[word] for word in triple]
        to_a, to_b, to_c = ((1 + units @ units[row]) / 2 for row in rows)
        scores = to_b * to_c / (to_a + 0.001)
        scores[rows] = -1
        best = np.argsort(-scores, kind="stable")[:10]
        good = good and [r["row"] for r in found["results"]] == best.tolist()
        good = good and np.allclose([r["score"] for r in found["results"]], scores[best], rtol=1e-12)
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("graft")
    parser.add_argument("vectors", nargs="+")
    parser.add_argument("--out")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    for path in options.vectors:
        name, rng = pathlib.Path(path).name, random.Random(3)
        theirs = KeyedVectors.load_word2vec_format(path, binary=False, no_header=True)
        graft = Graft(options.graft, path)
        check_pairs(graft, theirs, name)
        check_questions(graft, theirs, name, rng)
        whole = DATA / "questions-words.txt"
        if not options.quick:
            mine = check_analogies(graft, theirs, name, whole)
            FIGURES[f"{name} questions-words.txt"] = {k: mine[k] for k in ("semantic", "syntactic", "total")}
        with tempfile.TemporaryDirectory() as folder:
            part = pathlib.Path(folder) / "part.txt"
            lines = whole.read_text().splitlines()
            part.write_text("\n".join(line for i, line in enumerate(lines) if line.startswith(":") or i % 20 == 0) + "\n")
            check_analogies(graft, theirs, name, part, {"restrict_vocab": 20_000, "dummy4unknown": True},
                            ["--restrict-vocab", 20_000, "--unknown", "zero"])
            check_analogies(graft, theirs, name, part, {"case_insensitive": False}, ["--match-case"])
    print(f"{sum(CHECKS)} of {len(CHECKS)} comparisons are equal")
    if options.out:
        pathlib.Path(options.out).write_text(json.dumps({"gensim": gensim.__version__, "comparisons": len(CHECKS),
                                                         "equal": sum(CHECKS), "figures": FIGURES}, indent=1) + "\n")
    sys.exit(not all(CHECKS))


if __name__ == "__main__":
    main()

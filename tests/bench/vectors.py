"""Word vectors: graft beside gensim 4.4 and faiss-cpu, results compared first, then in turn (A B A B).

    python vectors.py BUILD --text FILE [--rounds 3] [--threads 1,2]

FILE is text in GloVe's form. The script writes what else it needs (word2vec binary, graft's folder) into a temporary
folder. Times are the best of the rounds; ratios are peer over graft. gensim reads text slowly: --rounds counts for it
once unless --slow-rounds says more.
"""

import argparse
import json
import os
import pathlib
import subprocess
import tempfile
import time

import numpy as np


class Graft:
    def __init__(self, build, cpu):
        program = pathlib.Path(build) / "tests/bench/vectors_worker"
        self.process = subprocess.Popen([program, *(["cpu"] if cpu else [])], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


CLOCK = time.perf_counter


def timed(function):
    begin = CLOCK()
    result = function()
    return CLOCK() - begin, result


def in_turn(rounds, contestants):
    """Best seconds of each, taken one after the other in every round."""
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(rounds):
        for name, run in contestants.items():
            best[name] = min(best[name], run())
    return best


def show(what, best, ours="graft"):
    line = f"{what:46}"
    for name, seconds in best.items():
        line += f"  {name} {seconds * 1e3:.2f} ms"
    for name, seconds in best.items():
        if name != ours:
            line += f"  {name}/{ours} {seconds / best[ours]:.2f}"
    print(line, flush=True)


def loads(options, graft, work, text):
    from gensim.models import KeyedVectors
    seconds, peer = timed(lambda: KeyedVectors.load_word2vec_format(text, binary=False, no_header=True))
    matrix = peer.vectors
    graft.ask("load", text, 1)
    graft.ask("rows", work / "rows")
    ours = np.fromfile(work / "rows", "<f4").reshape(matrix.shape)
    assert np.array_equal(ours, matrix), "rows differ"
    for threads in options.threads:
        slow = [seconds]
        slow += [timed(lambda: KeyedVectors.load_word2vec_format(text, binary=False, no_header=True))[0]
                 for _ in range(options.slow_rounds - 1)]
        best = min(graft.ask("load", text, threads)["seconds"] for _ in range(options.rounds))
        show(f"text {matrix.shape[0]} x {matrix.shape[1]}, {threads} threads", {"graft": best, "gensim": min(slow)})
    peer.save_word2vec_format(work / "vectors.bin", binary=True)
    for threads in options.threads:
        best = in_turn(options.rounds, {
            "graft": lambda: graft.ask("load", work / "vectors.bin", threads)["seconds"],
            "gensim": lambda: timed(lambda: KeyedVectors.load_word2vec_format(work / "vectors.bin", binary=True))[0]})
        show(f"word2vec binary, {threads} threads", best)
    convert = pathlib.Path(options.build) / "tests/parity/convert_vectors"
    subprocess.run([convert, text, work / "folder", "graft"], check=True)
    show("own folder, second open", {"graft": min(graft.ask("load", work / "folder", 1)["seconds"] for _ in range(5))})
    fresh = Graft(options.build, options.cpu)
    peak = fresh.ask("load", text, 1)["peak_rss"]
    fresh.close()
    print(f"peak memory of the text load: {peak / 1e6:.0f} MB for a matrix of {matrix.nbytes / 1e6:.0f} MB "
          f"({peak / matrix.nbytes:.2f}, the program's own 5 MB in it)")
    return matrix


def searches(options, graft, work, matrix):
    import faiss
    rng = np.random.default_rng(1)
    unit = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-30)
    index = faiss.IndexFlatIP(matrix.shape[1])
    index.add(unit)
    queries = matrix[rng.choice(len(matrix), 256, replace=False)] + rng.normal(0, 0.1, (256, matrix.shape[1])).astype("f4")
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    queries_unit = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    queries.tofile(work / "queries")
    some = 16
    queries[:some].tofile(work / "some")
    graft.ask("load", work / "folder", 1)
    doubles = unit_of(matrix.astype(np.float64))
    truth = np.stack([np.lexsort((np.arange(len(doubles)), -(doubles @ q)))[:10]
                      for q in unit_of(queries.astype(np.float64)[:64])])
    for threads in options.threads:
        faiss.omp_set_num_threads(threads)
        graft.ask("index", threads, 0)
        graft.ask("queries", work / "queries", 10)
        graft.ask("ids", work / "ids")
        batch = np.fromfile(work / "ids", "<i8").reshape(256, 10)
        assert np.array_equal(batch[:64], truth), "not the brute force's rows"
        theirs = index.search(queries_unit, 10)[1]
        print(f"{threads} threads: ids of the brute force in double; of faiss's {np.mean(theirs == batch):.4f} are the same")
        one = in_turn(options.rounds * 3, {
            "graft": lambda: graft.ask("query", work / "some", 10)["seconds"] / some,
            "faiss": lambda: timed(lambda: [index.search(queries_unit[i:i + 1], 10) for i in range(some)])[0] / some,
            "read": lambda: graft.ask("read", threads)["seconds"]})
        graft.ask("ids", work / "ids")
        assert np.array_equal(np.fromfile(work / "ids", "<i8").reshape(some, 10), batch[:some]), "one by one differs"
        show(f"one query, k = 10, {threads} threads", one)
        many = in_turn(options.rounds * 3, {
            "graft": lambda: graft.ask("queries", work / "queries", 10)["seconds"],
            "faiss": lambda: timed(lambda: index.search(queries_unit, 10))[0]})
        show(f"256 queries, k = 10, {threads} threads", many)
        graft.ask("index", threads, 1)
        graft.ask("query", work / "some", 10)
        graft.ask("ids", work / "ids")
        assert np.array_equal(np.fromfile(work / "ids", "<i8").reshape(some, 10), batch[:some]), "int8 differs"
        int8 = in_turn(options.rounds * 3, {"int8": lambda: graft.ask("query", work / "some", 10)["seconds"] / some})
        show(f"int8 with rerank, {threads} threads", {"int8": int8["int8"], "float": one["graft"]}, "int8")


def unit_of(matrix):
    return matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-300)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--text", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow-rounds", type=int, default=1)
    parser.add_argument("--threads", default="1,2", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--cpu", action="store_true", help="seconds of processors, for busy machines; with one thread")
    options = parser.parse_args()
    if options.cpu:
        global CLOCK
        CLOCK = time.process_time
        options.threads = [1]
    graft = Graft(options.build, options.cpu)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        matrix = loads(options, graft, work, options.text)
        searches(options, graft, work, matrix)
    graft.close()


if __name__ == "__main__":
    main()

"""Word vectors: graft beside gensim 4.4 and faiss-cpu, results compared first, then in turn (A B A B).

    python vectors.py BUILD --text FILE [--rounds 3] [--threads 1,2] [--name NAME]

FILE is text in GloVe's form. The script writes what else it needs (word2vec binary, graft's folder) into a temporary
folder. Of each work the best time of the rounds counts, by the wall clock and, where one thread works, as seconds of
processors, which busy neighbours lengthen less. Ratios are peer over graft. gensim reads text slowly: it does so
--slow-rounds times. With --name the figures go to results/NAME.json.
"""

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import tempfile
import time

import numpy as np

from report import machine


class Graft:
    def __init__(self, build):
        program = pathlib.Path(build) / "tests/bench/vectors_worker"
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def times(self, *words, parts=1):
        answer = self.ask(*words)
        return np.array([answer["seconds"], answer["cpu_seconds"]]) / parts

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def timed(function, parts=1):
    begin = time.perf_counter(), time.process_time()
    function()
    return np.array([time.perf_counter() - begin[0], time.process_time() - begin[1]]) / parts


class Report:
    def __init__(self):
        self.figures = []

    def add(self, what, threads, contestants, rounds):
        """Runs them in turn and keeps the best of each; the first is graft's."""
        best = {}
        for _ in range(rounds):
            for name, run in contestants.items():
                seconds = run()
                best[name] = np.minimum(best.get(name, seconds), seconds)
        self.keep(what, threads, best)
        return best

    def keep(self, what, threads, best):
        ours = next(iter(best))
        figure = {"work": what, "threads": threads, "seconds": {}, "cpu_seconds": {}, "ratios": {}, "cpu_ratios": {}}
        line = f"{what}, {threads} threads"
        for name, (wall, cpu) in best.items():
            figure["seconds"][name], figure["cpu_seconds"][name] = wall, cpu
            if name != ours:
                figure["ratios"][name], figure["cpu_ratios"][name] = wall / best[ours][0], cpu / best[ours][1]
        line = f"{line:52} " + "  ".join(f"{name} {best[name][0] * 1e3:.2f}" for name in best) + " ms"
        for name in figure["ratios"]:
            line += f"  {name}/{ours} {figure['ratios'][name]:.2f} (cpu {figure['cpu_ratios'][name]:.2f})"
        print(line, flush=True)
        self.figures.append(figure)


def unit_of(matrix):
    return matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-300)


def loads(options, report, graft, work):
    from gensim.models import KeyedVectors
    read = KeyedVectors.load_word2vec_format
    peer = read(options.text, binary=False, no_header=True)
    graft.ask("load", options.text, 1)
    graft.ask("rows", work / "rows")
    matrix = peer.vectors
    assert np.array_equal(np.fromfile(work / "rows", "<f4").reshape(matrix.shape), matrix), "rows differ"
    slow = np.min([timed(lambda: read(options.text, binary=False, no_header=True)) for _ in range(options.slow_rounds)], 0)
    for threads in options.threads:
        ours = np.min([graft.times("load", options.text, threads) for _ in range(options.rounds)], 0)
        report.keep("text load", threads, {"graft": ours, "gensim": slow})
    peer.save_word2vec_format(work / "vectors.bin", binary=True)
    for threads in options.threads:
        report.add("word2vec binary load", threads, {
            "graft": lambda: graft.times("load", work / "vectors.bin", threads),
            "gensim": lambda: timed(lambda: read(work / "vectors.bin", binary=True))}, options.rounds)
    graft.ask("write", work / "folder", "graft", 1)
    report.add("own folder, open again", 1, {"graft": lambda: graft.times("load", work / "folder", 1)}, 5)
    fresh = Graft(options.build)
    peak = fresh.ask("load", options.text, 1)["peak_rss"]
    fresh.close()
    report.peak = {"bytes": peak, "of_matrix": peak / matrix.nbytes}
    print(f"peak memory of the text load: {peak / 1e6:.0f} MB for a matrix of {matrix.nbytes / 1e6:.0f} MB "
          f"({peak / matrix.nbytes:.2f}, the program's own 5 MB in it)")
    return peer


def writes(options, report, graft, work, peer):
    graft.ask("load", options.text, 1)
    seconds = timed(lambda: peer.save_word2vec_format(work / "peer", binary=False))
    for threads in options.threads:
        ours = np.min([graft.times("write", work / "out", "word2vec-text", threads) for _ in range(options.rounds)], 0)
        report.keep("text written", threads, {"graft": ours, "gensim": seconds})
    for threads in options.threads:
        report.add("word2vec binary written", threads, {
            "graft": lambda: graft.times("write", work / "out", "word2vec-binary", threads),
            "gensim": lambda: timed(lambda: peer.save_word2vec_format(work / "peer", binary=True))}, options.rounds)


def searches(options, report, graft, work, matrix):
    import faiss
    rng = np.random.default_rng(1)
    index = faiss.IndexFlatIP(matrix.shape[1])
    index.add(np.ascontiguousarray(unit_of(matrix), np.float32))
    queries = matrix[rng.choice(len(matrix), 256, replace=False)] + rng.normal(0, 0.1, (256, matrix.shape[1])).astype("f4")
    queries = np.ascontiguousarray(queries, dtype=np.float32)
    queries_unit = unit_of(queries).astype(np.float32)
    some = 16
    queries.tofile(work / "queries")
    queries[:some].tofile(work / "some")
    graft.ask("load", work / "folder", 1)
    doubles = unit_of(matrix.astype(np.float64))
    truth = np.stack([np.lexsort((np.arange(len(doubles)), -(doubles @ q)))[:10]
                      for q in unit_of(queries.astype(np.float64)[:64])])

    def ids(count):
        graft.ask("ids", work / "ids")
        return np.fromfile(work / "ids", "<i8").reshape(count, 10)

    for threads in options.threads:
        faiss.omp_set_num_threads(threads)
        graft.ask("index", threads, 0)
        graft.ask("queries", work / "queries", 10)
        batch = ids(256)
        assert np.array_equal(batch[:64], truth), "not the brute force's rows"
        theirs = index.search(queries_unit, 10)[1]
        print(f"{threads} threads: the brute force's ids; of faiss's {np.mean(theirs == batch):.4f} are the same")
        one = report.add("one query, k = 10", threads, {
            "graft": lambda: graft.times("query", work / "some", 10, parts=some),
            "faiss": lambda: timed(lambda: [index.search(queries_unit[i:i + 1], 10) for i in range(some)], some),
            "read": lambda: graft.times("read", threads)}, options.rounds * 3)
        graft.ask("query", work / "some", 10)
        assert np.array_equal(ids(some), batch[:some]), "one by one differs"
        report.add("256 queries, k = 10", threads, {
            "graft": lambda: graft.times("queries", work / "queries", 10),
            "faiss": lambda: timed(lambda: index.search(queries_unit, 10))}, options.rounds * 3)
        graft.ask("index", threads, 1)
        graft.ask("query", work / "some", 10)
        assert np.array_equal(ids(some), batch[:some]), "int8 differs"
        int8 = np.min([graft.times("query", work / "some", 10, parts=some) for _ in range(options.rounds * 3)], 0)
        report.keep("one query by int8 with rerank", threads, {"int8": int8, "float": one["graft"]})


def products(options, report, graft, work, peer):
    """3CosMul, one question after the other."""
    questions = np.random.default_rng(2).integers(0, 20_000, (16, 3)).astype("<i8")
    questions.tofile(work / "questions")
    names = peer.index_to_key
    graft.ask("load", work / "folder", 1)

    def ask_peer():
        return [peer.most_similar_cosmul(positive=[names[b], names[c]], negative=[names[a]], topn=10) for a, b, c in questions]

    for threads in options.threads:
        graft.ask("index", threads, 0)
        graft.ask("products", work / "questions", 10)
        graft.ask("ids", work / "ids")
        ours = np.fromfile(work / "ids", "<i8").reshape(16, 10)
        theirs = [[peer.key_to_index[word] for word, _ in answer] for answer in ask_peer()]
        same = np.mean([len(set(a) & set(b)) for a, b in zip(ours.tolist(), theirs)]) / 10
        print(f"3CosMul: {same:.3f} of gensim's words are among graft's")
        report.add("3CosMul, k = 10", threads, {
            "graft": lambda: graft.times("products", work / "questions", 10, parts=16),
            "gensim": lambda: timed(ask_peer, 16)}, options.rounds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--text", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slow-rounds", type=int, default=1)
    parser.add_argument("--threads", default="1,2", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--only", default="loads,writes,searches,products")
    parser.add_argument("--name")
    options = parser.parse_args()
    load_average = os.getloadavg()[0]
    report, graft = Report(), Graft(options.build)
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        if "loads" in options.only:
            peer = loads(options, report, graft, work)
        else:
            from gensim.models import KeyedVectors
            peer = KeyedVectors.load_word2vec_format(options.text, binary=False, no_header=True)
            graft.ask("load", options.text, 1)
            graft.ask("write", work / "folder", "graft", 1)
        if "writes" in options.only:
            writes(options, report, graft, work, peer)
        if "searches" in options.only:
            searches(options, report, graft, work, peer.vectors)
        if "products" in options.only:
            products(options, report, graft, work, peer)
    graft.close()
    if options.name:
        import faiss
        import gensim
        result = {"name": options.name, "date": str(datetime.date.today()), "machine": machine(),
                  "versions": {"gensim": gensim.__version__, "faiss": faiss.__version__, "numpy": np.__version__},
                  "load_average_before": load_average, "rounds": options.rounds, "rows": len(peer.vectors),
                  "width": peer.vector_size, "peak_memory": getattr(report, "peak", None), "figures": report.figures}
        path = pathlib.Path(__file__).parent / "results" / f"{options.name}.json"
        path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

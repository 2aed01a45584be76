"""`graft embed` against sentence-transformers: real texts, a real model.

    python3 tests/parity/embed_parity.py --graft build/bin/graft --model MINILM_FOLDER

Embeds 1,000 sentences of SST-2 with both (the folder as it is, then with fewer dimensions, then the bare encoder with
each pooling), searches an index of them, and compares. Writes results/embeddings.json; exit status 1 above 1e-5.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import sentence_transformers
import torch
import transformers
from common import data, write_result
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

TOLERANCE = 1e-5
COUNT = 1000


def sst2(count):
    texts = data.sst2_texts()
    return texts[::len(texts) // count][:count]


def embed(graft, model, texts, path, *arguments):
    subprocess.run([graft, "embed", "--model", model, "--output", path, *arguments], input="\n".join(texts) + "\n",
                   text=True, check=True, capture_output=True)
    return numpy.load(path)


def search(graft, index, queries, top):
    run = subprocess.run([graft, "search", "--index", index, "--top", str(top), "--json"],
                         input="\n".join(queries) + "\n", text=True, check=True, capture_output=True)
    return [[result["row"] for result in json.loads(line)["results"]] for line in run.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graft", required=True)
    parser.add_argument("--model", required=True)
    arguments = parser.parse_args()
    texts = sst2(COUNT)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)

        def compare(what, found, peer):
            assert found.shape == peer.shape, (what, found.shape, peer.shape)
            difference = float(numpy.abs(found.astype(numpy.float64) - peer).max())
            rows.append({"compared": what, "texts": len(found), "numbers": found.shape[1],
                         "largest_difference": difference})
            print(f"{what}: {len(found)} x {found.shape[1]}, largest difference {difference:.2e}", flush=True)

        peer = SentenceTransformer(arguments.model, device="cpu")
        whole = peer.encode(texts)
        compare("the folder", embed(arguments.graft, arguments.model, texts, work / "a.npy"), whole)
        compare("128 dimensions, normalized",
                embed(arguments.graft, arguments.model, texts, work / "b.npy", "--dims", "128", "--normalize"),
                peer.encode(texts, truncate_dim=128, normalize_embeddings=True))
        bare = work / "bare"
        bare.mkdir()
        for path in pathlib.Path(arguments.model).resolve().iterdir():
            if path.is_file() and not path.name.startswith("sentence_") and path.name != "modules.json":
                (bare / path.name).symlink_to(path)
        for pooling, mode in ("cls", "cls"), ("mean", "mean"), ("max", "max"), ("last", "lasttoken"):
            transformer = Transformer(str(bare))
            model = SentenceTransformer(modules=[transformer, Pooling(384, pooling_mode=mode)], device="cpu")
            compare(f"the encoder, --pooling {pooling}",
                    embed(arguments.graft, bare, texts, work / "c.npy", "--pooling", pooling), model.encode(texts))
        subprocess.run([arguments.graft, "embed", "--model", arguments.model, "--out", work / "index"],
                       input="\n".join(texts) + "\n", text=True, check=True, capture_output=True)
        queries = texts[:100]
        scores = whole[:100].astype(numpy.float64) @ whole.astype(numpy.float64).T
        same = 0
        for found, row in zip(search(arguments.graft, work / "index", queries, 10), scores):
            # The order of scores that differ by less than float32 can tell is not compared.
            best = numpy.sort(row)[::-1][:10]
            same += bool(numpy.abs(row[found] - best).max() < 2e-6)
        print(f"search: {same} of {len(queries)} queries with the ten best of {COUNT}")
    worst = max(row["largest_difference"] for row in rows)
    write_result("embeddings", {
        "model": "all-MiniLM-L6-v2", "texts": f"{COUNT} sentences of SST-2", "tolerance": TOLERANCE,
        "comparisons": rows, "searches_with_the_ten_best": [same, len(queries)],
        "made_with": {"sentence-transformers": sentence_transformers.__version__,
                      "transformers": transformers.__version__, "torch": torch.__version__}})
    return 0 if worst <= TOLERANCE and same == len(queries) else 1


if __name__ == "__main__":
    sys.exit(main())

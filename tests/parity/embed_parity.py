"""`graft embed` against sentence-transformers: real texts, a real model.

    python3 tests/parity/embed_parity.py --graft build/bin/graft --model MINILM_FOLDER

Embeds 1,000 sentences of SST-2 with both: the folder as it is, then with fewer dimensions, then the bare encoder with
each pooling; then folders that sentence-transformers makes of its encoder, with prompts, several ways of pooling, Dense
modules, Normalize, a shorter longest input and weights in bfloat16, each with encode, encode_query and encode_document.
Searches an index, and compares. Writes results/embeddings.json; exit status 1 above 1e-5.
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
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer

TOLERANCE = 1e-5
COUNT = 1000


def sst2(count):
    texts = data.sst2_texts()
    return texts[::len(texts) // count][:count]


def embed(graft, model, texts, path, *arguments):
    subprocess.run([graft, "embed", "--model", model, "--output", path, *arguments], input="\n".join(texts) + "\n",
                   text=True, check=True, capture_output=True)
    return numpy.load(path)


def index_vectors(graft, model, texts, path):
    """The vectors of a folder of `graft embed --out`."""
    subprocess.run([graft, "embed", "--model", model, "--out", path], input="\n".join(texts) + "\n", text=True, check=True,
                   capture_output=True)
    return load_file(path / "embeddings.safetensors")["embeddings"]


def filled(dense, seed):
    """The module with random weights that keep values near one."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, parameter in sorted(dense.named_parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / parameter.shape[-1] ** 0.5)
    return dense


def make_folders(bare, work):
    """{name: folder} of other kinds than the model's own."""
    prompts = {"query": "find a review that says: ", "document": "review: "}
    kinds = {
        "prompts pooled too, 16 tokens": (
            dict(max_seq_length=16), [Pooling(384, pooling_mode="mean")], dict(prompts=prompts)),
        "prompts left out, cls and max, Dense with tanh, Normalize": (
            {}, [Pooling(384, pooling_mode=("cls", "max"), include_prompt=False), filled(Dense(768, 100), 1), Normalize()],
            dict(prompts=prompts, default_prompt_name="document")),
        "weighted mean and last token, two Dense modules, 64 dimensions": (
            dict(max_seq_length=40),
            [Pooling(384, pooling_mode=("weightedmean", "lasttoken")),
             filled(Dense(768, 128, activation_function=torch.nn.GELU(), use_residual=True), 2), Normalize(),
             filled(Dense(128, 96, bias=False, activation_function=torch.nn.Identity()), 3)],
            dict(truncate_dim=64, similarity_fn_name="dot")),
        "mean over the root of the length, 300 tokens": (
            dict(max_seq_length=300), [Pooling(384, pooling_mode="mean_sqrt_len_tokens")], {}),
    }
    folders = {}
    for number, (name, (transformer, modules, options)) in enumerate(kinds.items()):
        folder = work / f"kind{number}"
        SentenceTransformer(modules=[Transformer(str(bare), **transformer), *modules], device="cpu", **options).save(
            str(folder))
        folders[name] = folder
    folder = work / "bfloat16"
    half = SentenceTransformer(modules=[Transformer(str(bare)), Pooling(384, pooling_mode="mean")], device="cpu")
    half.to(torch.bfloat16).save(str(folder))
    folders["weights in bfloat16"] = folder
    return folders


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
                    embed(arguments.graft, bare, texts, work / "c.npy", "--pooling", pooling, "--overwrite"), model.encode(texts))
        subprocess.run([arguments.graft, "embed", "--model", arguments.model, "--out", work / "index"],
                       input="\n".join(texts) + "\n", text=True, check=True, capture_output=True)
        queries = texts[:100]
        for name, folder in make_folders(bare, work).items():
            model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
            for module in model:
                module.float()
            compare(name, embed(arguments.graft, folder, texts, work / "d.npy", "--overwrite"), model.encode(texts))
            if not model.prompts.get("query"):
                continue
            compare(f"{name}: encode_query",
                    embed(arguments.graft, folder, texts, work / "d.npy", "--overwrite", "--prompt", "query"),
                    model.encode_query(texts))
            compare(f"{name}: encode_document", index_vectors(arguments.graft, folder, texts, work / f"{folder.name}-index"),
                    model.encode_document(texts))
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

#!/usr/bin/env python3
"""Encoding speed on the CPU, tokenizer included: graft against sentence-transformers, transformers
in arrival order and length-sorted onnxruntime with fused operators (workers: encode_worker.cc,
peer_encode.py). Mean-pooled vectors of all contestants are compared first.

  python3 encode.py --model FOLDER --texts sst2|long|FILE \\
      --graft build/tests/bench/encode_worker

"gemm" in the report is the time of bare matrix products of the model's shapes over the same
batches, run after each of graft's runs: the matrix-product rate and its share of the whole time.
Targets: share at least 80 %, paired ratios at least 1.25 (sentence-transformers, both), 1.15
(onnxruntime) and 1.9 (transformers).
"""

import argparse
import os
import sys
import tempfile

import compare
import data

PEER = os.path.join(compare.HERE, "peer_encode.py")
PEERS = {"sentence-transformers": ("sentence-transformers", "32"),
         "sentence-transformers-best": ("sentence-transformers", "best"),
         "onnxruntime": ("onnxruntime", "32"),
         "onnxruntime-best": ("onnxruntime", "best"),
         "transformers": ("transformers", "32")}


def texts_of(name, limit, reviews):
    if name == "sst2":
        texts = data.sst2_texts()
    elif name == "long":
        texts = data.long_texts(reviews)
    else:
        texts = data.read_lines(name)
    # Evenly spread, so that a part has the mixture of the whole.
    return texts[::max(1, len(texts) // limit)][:limit] if limit else texts


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="model folder with mean pooling")
    parser.add_argument("--texts", default="sst2", help="sst2, long or a file, one text a line")
    parser.add_argument("--reviews", help="vaderSentiment's source distribution, for long")
    parser.add_argument("--limit", type=int, help="use about this many of the texts")
    parser.add_argument("--max-length", type=int, default=256, help="tokens")
    parser.add_argument("--graft", help="path of encode_worker; without it the peers run alone")
    parser.add_argument("--peers", default=",".join(PEERS), help="which of " + ", ".join(PEERS))
    parser.add_argument("--name", help="of the report (default encode_TEXTS)")
    parser.add_argument("--tolerance", type=float, default=1e-5,
                        help="largest difference of a pooled vector's component")
    compare.add_options(parser)
    options = parser.parse_args()
    commands = {"graft": [options.graft]} if options.graft else {}
    for name in filter(None, options.peers.split(",")):
        if name not in PEERS:
            parser.error(f"--peers: no peer is called '{name}'")
        peer, size = PEERS[name]
        commands[name] = [sys.executable, PEER, "--peer", peer, "--batch-size", size]
    subject, reference = next(iter(commands)), list(commands)[-1]
    kind = os.path.splitext(os.path.basename(options.texts))[0]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"{kind}.txt")
        texts = texts_of(options.texts, options.limit, options.reviews)
        data.write_lines(texts, path)
        try:
            result = compare.compare(
                options.name or f"encode_{kind}", commands,
                {"model": os.path.abspath(options.model), "texts": path,
                 "max_length": options.max_length},
                subject=subject, reference=reference, tolerance=options.tolerance,
                rounds=options.rounds, threads=options.threads, idle_limit=options.idle_limit,
                quiet=options.quiet,
                extra_runs={"graft": ["gemm"]} if options.graft else None)
        except compare.Failure as failure:
            sys.exit(f"encode.py: {failure}")
    compare.finish(result, options.report)


if __name__ == "__main__":
    main()

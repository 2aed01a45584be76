#!/usr/bin/env python3
"""Time and tensor memory of a fine-tuning step by freeze depth, graft alone: MiniLM or another BERT
encoder with CLS and pooler on SST-2, batch 32.

  python3 freeze_depth.py --model FOLDER --graft build/tests/bench/train_worker [--steps 30]

Depths: none, embeddings (k = 0), 1 .. L. The depths are run in turn, several rounds, so that drift
of the machine falls on all. Memory is that of LibTorch's allocator (models/tensor_memory.h): the
peak of a run, and the peak above what weights and data held before it.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile

import compare
import report
import train


def measure(worker_path, paths, depths, options):
    """{depth: [replies]}; one process a depth, the others rest."""
    load = dict(train.SETTINGS, steps=options.steps, threads=options.threads, **paths)
    contestants, replies = [], {depth: [] for depth in depths}
    try:
        for depth in depths:
            contestants.append(compare.Contestant(depth, [worker_path], options.threads))
            contestants[-1].ask("load " + json.dumps(dict(load, freeze=depth)))
            contestants[-1].ask("run")
        for turn in range(options.rounds):
            for contestant in contestants:
                replies[contestant.name].append(contestant.ask("run"))
            print(f"round {turn + 1}/{options.rounds}", file=sys.stderr)
    finally:
        for contestant in contestants:
            contestant.close()
    return replies


def table_row(depth, runs, slowest):
    per_step = statistics.median(run["seconds"] / run["steps"] for run in runs)
    peak = max(run["memory_peak"] for run in runs)
    above = max(run["memory_peak"] - run["memory_before"] for run in runs)
    return {"freeze": depth, "seconds_per_step": per_step,
            "share_of_none": per_step / slowest if slowest else 1.0,
            "peak_mib": peak / 2**20, "peak_above_start_mib": above / 2**20}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--graft", required=True, help="path of train_worker")
    parser.add_argument("--steps", type=int, default=30)
    compare.add_options(parser, rounds=5)
    options = parser.parse_args()
    with open(os.path.join(options.model, "config.json"), encoding="utf-8") as file:
        layers = json.load(file)["num_hidden_layers"]
    depths = ["none", "embeddings"] + [str(k) for k in range(1, layers + 1)]
    with tempfile.TemporaryDirectory() as folder:
        try:
            replies = measure(options.graft, train.prepare(options.model, folder), depths, options)
        except compare.Failure as failure:
            sys.exit(f"freeze_depth.py: {failure}")
    rows = []
    for depth in depths:
        rows.append(table_row(depth, replies[depth], rows[0]["seconds_per_step"] if rows else 0))
    result = {"name": "freeze_depth", "machine": report.machine(), "threads": options.threads,
              "steps": options.steps, "rows": rows}
    print(f"{'freeze':<12}{'ms/step':>9}{'of none':>9}{'peak MiB':>10}{'above start':>12}")
    for row in rows:
        print(f"{row['freeze']:<12}{row['seconds_per_step'] * 1e3:>9.1f}"
              f"{row['share_of_none']:>9.0%}{row['peak_mib']:>10.1f}"
              f"{row['peak_above_start_mib']:>12.1f}")
    compare.write_report(result, options.report)


if __name__ == "__main__":
    main()

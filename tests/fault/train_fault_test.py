"""Sweeps `graft train classify`: what it saves is whole or not there, whatever happens.

    train_fault_test.py GRAFT [--full]
"""

import json
import os
import sys

from fault_sweep import Scenario, run_sweeps

ENCODER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "bert-odd")
ROWS = [("The film is good.", "positive"), ("the plot is weak", "negative")] * 4


def prepare(folder):
    with open(os.path.join(folder, "rows.tsv"), "w", encoding="utf-8") as file:
        file.write("text\tlabel\n")
        file.writelines(f"{text}\t{label}\n" for text, label in ROWS)


def prepare_with_old_model(folder):
    prepare(folder)
    os.makedirs(os.path.join(folder, "classifier", "1_Pooling"))
    with open(os.path.join(folder, "classifier", "config.json"), "w", encoding="utf-8") as file:
        file.write("{}\n")
    with open(os.path.join(folder, "classifier", "modules.json"), "w", encoding="utf-8") as file:
        json.dump([{"idx": i, "name": str(i), "path": path,
                    "type": f"sentence_transformers.models.{kind}"}
                   for i, (path, kind) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling")])], file)
    # What tells that graft wrote the folder: only such a one is replaced, and nothing with it.
    with open(os.path.join(folder, "classifier", "graft.json"), "w", encoding="utf-8") as file:
        json.dump({"format": "graft model", "version": 1, "task": "text-classification",
                   "labels": ["negative", "positive"], "pooling": "mean", "pooler": False,
                   "max_length": 16, "training": {}}, file)


def scenario(program, name, prepared, no_exchange=None):
    def command(folder):
        rows = os.path.join(folder, "rows.tsv")
        return [program, "train", "classify", "--model", ENCODER, "--train", rows, "--dev", rows,
                "--out", os.path.join(folder, "classifier"), "--overwrite", "--max-steps", "1",
                "--threads", "1", "--device", "cpu"]
    return Scenario(name, command, "classifier", prepared, no_exchange=no_exchange, quick_errors=1,
                    quick_every=13)


def main():
    program = sys.argv[1]
    return run_sweeps([
        scenario(program, "train into a new folder", prepare),
        scenario(program, "train over an old model", prepare_with_old_model),
        scenario(program, "train over an old model without exchange (NFS)", prepare_with_old_model,
                 "EINVAL"),
    ])


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Speed of fine-tuning on the CPU: graft against transformers.Trainer (workers: train_worker.cc,
peer_train.py), a BERT classifier with CLS and pooler on SST-2.

  python3 train.py --model FOLDER --graft build/tests/bench/train_worker [--freeze none] \\
      [--steps 40]

Before the timing both train from the same weights in the same order without dropout, and the loss
of every step is compared: forward, gradients, clipping, AdamW and schedule are the same then.
Timed are the steps alone, with dropout. Target: paired ratio at least 2 for --freeze none.
"""

import argparse
import os
import sys
import tempfile

import compare
import data

SETTINGS = {"max_length": 128, "batch_size": 32, "learning_rate": 5e-5, "weight_decay": 0.01,
            "warmup": 0.1, "clip": 1.0, "seed": 1}


def prepare(model_folder, folder):
    """Writes what the workers load; returns the paths as part of the load request."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers
    import peer_trainer
    rows = data.sst2("train")
    labels = sorted({label for _, label in rows})
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    paths = {}
    for name, dropout in (("model", None), ("check_model", 0.0)):
        paths[name] = os.path.join(folder, name)
        peer_trainer.new_classifier(model_folder, labels, 1, dropout).save_pretrained(paths[name])
        tokenizer.save_pretrained(paths[name])
    paths["train"] = os.path.join(folder, "train.tsv")
    data.write_lines([f"{text}\t{labels.index(label)}" for text, label in rows], paths["train"])
    return paths


def compare_training(name, commands, model_folder, freeze, steps, options):
    with tempfile.TemporaryDirectory() as folder:
        load = dict(SETTINGS, steps=steps, freeze=freeze, **prepare(model_folder, folder))
        names = list(commands)
        return compare.compare(name, commands, load, subject=names[0], reference=names[-1],
                               tolerance=options.tolerance, check="check", rounds=options.rounds,
                               threads=options.threads, idle_limit=options.idle_limit,
                               quiet=options.quiet)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder of a BERT encoder")
    parser.add_argument("--graft", help="path of train_worker; without it the peer runs alone")
    parser.add_argument("--freeze", default="none")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--tolerance", type=float, default=1e-4,
                        help="largest difference of a step's loss, without dropout")
    compare.add_options(parser)
    options = parser.parse_args()
    commands = {"graft": [options.graft]} if options.graft else {}
    commands["transformers.Trainer"] = [sys.executable,
                                        os.path.join(compare.HERE, "peer_train.py")]
    name = "train_sst2" if options.freeze == "none" else f"train_sst2_freeze_{options.freeze}"
    try:
        result = compare_training(name, commands, options.model, options.freeze, options.steps,
                                  options)
    except compare.Failure as failure:
        sys.exit(f"train.py: {failure}")
    compare.finish(result, options.report)


if __name__ == "__main__":
    main()

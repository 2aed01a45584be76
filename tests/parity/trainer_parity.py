#!/usr/bin/env python3
"""Test accuracy of graft against transformers.Trainer: the same data (SST-2), weights and settings,
three freeze depths, three seeds.

  python3 trainer_parity.py peer   --model MINILM_FOLDER
  python3 trainer_parity.py graft  --model MINILM_FOLDER --graft build/bin/graft
  python3 trainer_parity.py report

Each run's outcome is kept in results/trainer_sst2.json (--results) as soon as it is there; a
command goes on where it was stopped. All runs take some hours on two cores.

Settings: CLS and pooler, 3 epochs, batch 32, at most 128 tokens, linear warm-up over 0.1 of the
steps and decay, AdamW with weight decay 0.01 on tensors of two and more dimensions, gradients
clipped to norm 1; learning rate 5e-5 for --freeze none and 3, 1e-3 for all. Both sides take the
state of the epoch with the best dev accuracy (the first of equals). What differs: the weights of
the new linear layer, the random numbers of dropout, and dropout in frozen layers (Trainer keeps
it, graft runs them without).

`report` asks for every freeze depth: mean(graft) - mean(Trainer) >= -max(0.5 points, 2 standard
errors of the difference).
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import common
import data

RATES = {"none": 5e-5, "3": 5e-5, "all": 1e-3}
SETTINGS = {"epochs": 3, "batch_size": 32, "max_length": 128, "warmup": 0.1, "weight_decay": 0.01,
            "clip": 1.0}
POINTS = 0.005


def load_results(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {"settings": dict(SETTINGS, learning_rates=RATES), "versions": {}, "commands": {},
                "runs": {}}


def save_results(path, results):
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1, sort_keys=True)
        file.write("\n")
    os.replace(path + ".new", path)


def peer_run(options, freeze, seed):
    """Trains with Trainer; accuracies by epoch."""
    import torch
    import transformers
    import peer_trainer
    torch.set_num_threads(options.threads)
    splits, labels = peer_trainer.sst2_splits()
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    rows = {name: peer_trainer.encode_rows(tokenizer, split, labels, SETTINGS["max_length"])
            for name, split in splits.items()}
    model = peer_trainer.new_classifier(options.model, labels, seed)
    peer_trainer.freeze(model, freeze)
    epochs = []

    class Measure(transformers.TrainerCallback):
        def on_epoch_end(self, *_, **__):
            epochs.append({name: peer_trainer.accuracy(model, tokenizer, rows[name])
                           for name in ("dev", "test")})

    settings = dict(SETTINGS, learning_rate=RATES[freeze], seed=seed)
    if options.max_steps:
        settings["steps"] = options.max_steps
    with tempfile.TemporaryDirectory() as output:
        trainer = peer_trainer.make_trainer(model, tokenizer, rows["train"], settings, output)
        trainer.add_callback(Measure())
        trainer.train()
    best = max(range(len(epochs)), key=lambda i: epochs[i]["dev"])
    return {"dev": epochs[best]["dev"], "test": epochs[best]["test"],
            "last_test": epochs[-1]["test"], "best_epoch": best + 1, "epochs": epochs,
            "steps": len(trainer.losses)}


def json_of(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"trainer_parity.py: {' '.join(command)}: status {done.returncode}")
    return done.stdout


def graft_run(options, freeze, seed):
    """Trains and measures with the command line."""
    sst2 = os.path.join(data.data_folder(), "sentiment", "sst2")
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "model")
        train = [options.graft, "train", "classify", "--model", options.model, "--train",
                 f"{sst2}/train.tsv", "--dev", f"{sst2}/dev.tsv", "--out", out, "--freeze", freeze,
                 "--pooling", "cls", "--epochs", str(SETTINGS["epochs"]), "--learning-rate",
                 str(RATES[freeze]), "--batch-size", str(SETTINGS["batch_size"]), "--max-length",
                 str(SETTINGS["max_length"]), "--warmup", str(SETTINGS["warmup"]),
                 "--weight-decay", str(SETTINGS["weight_decay"]), "--clip", str(SETTINGS["clip"]),
                 "--seed", str(seed), "--device", "cpu", "--threads", str(options.threads),
                 "--json"]
        if options.max_steps:
            train += ["--max-steps", str(options.max_steps)]
        events = [json.loads(line) for line in json_of(train).splitlines()]
        test = json.loads(json_of([options.graft, "eval", "--model", out, "--data",
                                   f"{sst2}/test.tsv", "--threads", str(options.threads),
                                   "--json"]))
    start, end = events[0], events[-1]
    if not start["pooler"] or start["frozen"] != freeze or start["head"] != "new":
        sys.exit(f"trainer_parity.py: expected a new head with pooler, frozen {freeze}; found "
                 f"{start}")
    evaluations = [e for e in events if e["event"] == "evaluation"]
    best = next(i for i, e in enumerate(evaluations) if e["step"] == end["best_step"])
    return {"dev": end["best_accuracy"], "test": test["accuracy"]["value"],
            "best_epoch": best + 1, "epochs": [{"dev": e["accuracy"]} for e in evaluations],
            "steps": end["steps"], "training_seconds": end["training_seconds"]}


def run_all(options, side, run, versions):
    results = load_results(options.results)
    results["versions"][side] = versions
    results["commands"][side] = f"trainer_parity.py {side} --threads {options.threads}" + (
        f" --max-steps {options.max_steps}" if options.max_steps else "")
    for seed in options.seeds.split(","):
        for freeze in options.freeze.split(","):
            key = f"{side}/{freeze}/{seed}"
            if key in results["runs"]:
                continue
            begin = time.monotonic()
            outcome = run(options, freeze, int(seed))
            outcome["seconds"] = round(time.monotonic() - begin, 1)
            # Another command may have added to the file in the meantime.
            stored = load_results(options.results)
            stored["runs"][key] = outcome
            for part in ("versions", "commands"):
                stored[part][side] = results[part][side]
            save_results(options.results, stored)
            print(f"{key}: dev {outcome['dev']:.4f}, test {outcome['test']:.4f}, "
                  f"{outcome['seconds']:.0f} s", flush=True)


def versions_of_peer():
    import torch
    import transformers
    return {"transformers": transformers.__version__, "torch": torch.__version__,
            "python": platform.python_version()}


def versions_of_graft(program):
    return {"graft": json_of([program, "--version"]).strip().replace("\n", "; ")}


def report(options):
    results = load_results(options.results)
    lines, passed = [], True
    comparisons = {}
    for freeze in RATES:
        tests = {side: [run["test"] for key, run in sorted(results["runs"].items())
                        if key.startswith(f"{side}/{freeze}/")] for side in ("graft", "peer")}
        if min(len(values) for values in tests.values()) < 2:
            sys.exit(f"trainer_parity.py: freeze {freeze}: at least two seeds of both sides are "
                     f"needed, found {len(tests['graft'])} and {len(tests['peer'])}")
        means = {side: statistics.mean(values) for side, values in tests.items()}
        error = math.sqrt(sum(statistics.variance(v) / len(v) for v in tests.values()))
        difference, bound = means["graft"] - means["peer"], -max(POINTS, 2 * error)
        passed &= difference >= bound
        comparisons[freeze] = {"graft": means["graft"], "trainer": means["peer"],
                               "difference": difference, "standard_error": error, "bound": bound,
                               "passed": difference >= bound}
        lines.append(f"freeze {freeze:<5} graft {means['graft']:.2%} "
                     f"({', '.join(f'{v:.2%}' for v in tests['graft'])})  Trainer "
                     f"{means['peer']:.2%} ({', '.join(f'{v:.2%}' for v in tests['peer'])})  "
                     f"difference {difference * 100:+.2f} points, at least {bound * 100:+.2f}: "
                     f"{'passed' if difference >= bound else 'FAILED'}")
    results["comparison"] = comparisons
    save_results(options.results, results)
    print("\n".join(lines))
    sys.exit(0 if passed else 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", choices=["peer", "graft", "report"])
    parser.add_argument("--model", help="folder of the encoder")
    parser.add_argument("--graft", help="path of the graft binary")
    parser.add_argument("--results",
                        default=os.path.join(common.HERE, "results", "trainer_sst2.json"))
    parser.add_argument("--freeze", default=",".join(RATES))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--max-steps", type=int, help="a short trial; give --results as well")
    options = parser.parse_args()
    if options.side == "report":
        report(options)
    if not options.model:
        parser.error("--model is needed")
    if options.max_steps and options.results == parser.get_default("results"):
        parser.error("--max-steps makes no results worth keeping: --results is needed")
    os.environ["HF_HUB_OFFLINE"] = "1"
    if options.side == "peer":
        run_all(options, "peer", peer_run, versions_of_peer())
    else:
        if not options.graft:
            parser.error("--graft is needed")
        run_all(options, "graft", graft_run, versions_of_graft(options.graft))


if __name__ == "__main__":
    main()

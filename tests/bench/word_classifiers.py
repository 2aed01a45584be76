#!/usr/bin/env python3
"""Classifiers over word vectors on SST-2: how good each net is by what its rows begin with, and the
averaged one beside fastText's supervised classifier.

  python3 word_classifiers.py nets --graft build/bin/graft --data SST2 --vectors 50d=glove.50d.txt \\
    --vectors 100d=glove.100d.txt
  python3 word_classifiers.py fasttext --graft build/bin/graft --data SST2

SST2 is a folder with train.tsv, dev.tsv and test.tsv (text, tab, label). `nets` trains every
combination once for each seed with the program's own settings, the best state chosen by the
development set, and writes results/word_classifiers.json after each: what is there is not trained
again. `fasttext` chooses lr and epochs of fastText, and of graft, by the development set out of the
same number of settings, then times in turn: training, from the files of texts to the saved model
(graft's also measures the development set, once at the end), and prediction, from a file of texts
to lines with label, probability and text, both without the start of the program and in memory
(graft waits for the disk when it saves); results/fasttext.json.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
NETS = ("average", "sif", "cnn", "lstm")
STARTS = {
    "random": ["--init", "random"],
    "frozen": ["--freeze", "all"],
    "tuned": [],
}
TWO_CHANNELS = {"frozen and tuned": ["--channels", "2"]}
COMMON = ["--split", "whitespace", "--case", "lower"]


def run(command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, **options).stdout


def files(data):
    return [part for name in ("train", "dev") for part in (f"--{name}", f"{data}/{name}.tsv")]


def train(options, out, *more):
    """Trains and gives the last event of --json."""
    command = [options.graft, "train", "classify", *files(options.data), *COMMON, "--out", out,
               "--overwrite", "--json", *more]
    return json.loads(run(command).splitlines()[-1])


def accuracy(options, model, part):
    report = json.loads(run([options.graft, "eval", "--model", model, "--data",
                             f"{options.data}/{part}.tsv", "--json"]))
    return report["accuracy"]["value"]


def load(path):
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def save(report, path):
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
        file.write("\n")
    os.replace(path + ".tmp", path)


def combinations(options):
    for vectors in options.vectors:
        name, path = vectors.split("=", 1)
        for net in options.nets.split(","):
            starts = dict(STARTS, **(TWO_CHANNELS if net == "cnn" else {}))
            for start, seed in itertools.product(starts, options.seeds):
                key = f"{name}, {net}, {start}, seed {seed}"
                yield key, ["--vectors", path, "--classifier", net, "--seed", str(seed),
                            *starts[start]]


def nets(options):
    report = load(options.report)
    rows = report.setdefault("runs", {})
    report["version"] = run([options.graft, "--version"]).strip()
    for key, arguments in combinations(options):
        if key in rows:
            continue
        with tempfile.TemporaryDirectory() as folder:
            end = train(options, f"{folder}/m", *arguments)
            rows[key] = {"dev": end["best_accuracy"],
                         "test": accuracy(options, f"{folder}/m", "test"),
                         "seconds": end["training_seconds"]}
        save(report, options.report)
        print(key, rows[key], flush=True)
    print(table(rows))


def table(rows):
    """Test accuracy in percent, mean over the seeds (smallest to largest)."""
    groups = {}
    for key, row in rows.items():
        vectors, net, start, _ = key.split(", ")
        groups.setdefault((vectors, net), {}).setdefault(start, []).append(100 * row["test"])
    starts = [*STARTS, *TWO_CHANNELS]
    lines = ["| vectors | net | " + " | ".join(starts) + " |", "| --- " * (2 + len(starts)) + "|"]
    for (vectors, net), found in groups.items():
        cells = [f"{statistics.mean(found[s]):.1f} ({min(found[s]):.1f} to {max(found[s]):.1f})"
                 if s in found else "" for s in starts]
        lines.append(f"| {vectors} | {net} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


# fastText.

def to_fasttext(data, part, path):
    with open(f"{data}/{part}.tsv", encoding="utf-8") as rows, \
            open(path, "w", encoding="utf-8") as file:
        for row in rows:
            text, label = row.rstrip("\n").split("\t")
            file.write(f"__label__{label} {text.lower()}\n")


def texts_and_labels(data, part):
    with open(f"{data}/{part}.tsv", encoding="utf-8") as rows:
        pairs = [row.rstrip("\n").split("\t") for row in rows]
    return [text.lower() for text, _ in pairs], [label for _, label in pairs]


def write_texts(texts, path):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(text + "\n" for text in texts)
    return path


class FastText:
    SETTINGS = [dict(lr=lr, epoch=epoch) for lr in (0.05, 0.1, 0.25, 0.5) for epoch in (5, 10, 25)]

    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.train_file, self.file = f"{folder}/train.txt", f"{folder}/model.bin"
        to_fasttext(options.data, "train", self.train_file)

    def run(self, *arguments):
        return json.loads(run([sys.executable, f"{HERE}/peer_fasttext.py", *arguments]))

    def train(self, setting):
        self.seconds = self.run("train", self.train_file, self.file,
                                json.dumps(dict(setting, thread=self.options.threads)))["seconds"]

    def accuracy(self, part):
        texts, labels = texts_and_labels(self.options.data, part)
        found = self.run("predict", self.file, write_texts(texts, f"{self.folder}/{part}.txt"))
        return sum(f == l for f, l in zip(found["labels"], labels, strict=True)) / len(labels)

    def size(self):
        return os.path.getsize(self.file)

    def predict(self, texts):
        file = write_texts(texts, f"{self.folder}/all.txt")
        return len(texts) / self.run("predict", self.file, file)["seconds"]


class Graft:
    SETTINGS = [dict(lr=lr, epoch=epoch) for lr in (0.003, 0.005, 0.01, 0.02)
                for epoch in (2, 3, 5)]

    def __init__(self, options, folder):
        self.options, self.folder = options, f"{folder}/graft"

    def train(self, setting):
        begin = time.perf_counter()
        train(self.options, self.folder, "--classifier", "average", "--init", "random",
              "--width", "100", "--threads", str(self.options.threads), "--learning-rate",
              str(setting["lr"]), "--epochs", str(setting["epoch"]), "--batch-size", "64",
              "--eval-every", "1000000")
        self.seconds = time.perf_counter() - begin - self.start()

    def start(self):
        begin = time.perf_counter()
        run([self.options.graft, "--version"])
        return time.perf_counter() - begin

    def accuracy(self, part):
        return accuracy(self.options, self.folder, part)

    def size(self):
        return sum(os.path.getsize(os.path.join(folder, name))
                   for folder, _, names in os.walk(self.folder) for name in names)

    def classify(self, texts, file):
        with open(write_texts(texts, file), encoding="utf-8") as lines:
            begin = time.perf_counter()
            subprocess.run([self.options.graft, "classify", "--model", self.folder, "--threads",
                            "1"], stdin=lines, stdout=subprocess.DEVNULL, check=True)
            return time.perf_counter() - begin

    def predict(self, texts):
        """Without the start of the program: the time of all less that of one text."""
        start = self.classify(texts[:1], self.folder + "-one.txt")
        return (len(texts) - 1) / (self.classify(texts, self.folder + "-all.txt") - start)


def best_setting(contestant):
    def dev(setting):
        contestant.train(setting)
        return contestant.accuracy("dev")
    return max(contestant.SETTINGS, key=dev)


def compare_fasttext(options):
    report = {"threads": options.threads, "rounds": options.rounds}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        contestants = {"graft": Graft(options, folder), "fasttext": FastText(options, folder)}
        texts = texts_and_labels(options.data, "train")[0] * 20
        for name, contestant in contestants.items():
            report[name] = {"setting": best_setting(contestant), "training": [],
                            "texts_per_second": []}
        for _ in range(options.rounds):
            for name, contestant in contestants.items():
                row = report[name]
                contestant.train(row["setting"])
                row["training"].append(contestant.seconds)
                row["texts_per_second"].append(contestant.predict(texts))
        for name, contestant in contestants.items():
            report[name].update({"dev": contestant.accuracy("dev"),
                                 "test": contestant.accuracy("test"), "bytes": contestant.size()})
    save(report, options.report)
    for name in contestants:
        row = report[name]
        print(f"{name}: {row['setting']}, dev {row['dev']:.4f}, test {row['test']:.4f}, "
              f"training {min(row['training']):.3f} s, "
              f"{max(row['texts_per_second']):.0f} texts/s, {row['bytes'] / 1e6:.1f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, report in (("nets", "word_classifiers"), ("fasttext", "fasttext")):
        command = commands.add_parser(name)
        command.add_argument("--graft", required=True, help="the program")
        command.add_argument("--data", required=True, metavar="SST2")
        command.add_argument("--report", default=f"{HERE}/results/{report}.json")
    nets_parser, fasttext_parser = commands.choices["nets"], commands.choices["fasttext"]
    nets_parser.add_argument("--vectors", action="append", required=True, metavar="NAME=FILE")
    nets_parser.add_argument("--nets", default=",".join(NETS))
    nets_parser.add_argument("--seeds", type=lambda s: [int(i) for i in s.split(",")],
                             default=[1, 2, 3])
    fasttext_parser.add_argument("--threads", type=int, default=2)
    fasttext_parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    (nets if options.command == "nets" else compare_fasttext)(options)


if __name__ == "__main__":
    sys.exit(main())

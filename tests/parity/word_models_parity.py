#!/usr/bin/env python3
"""Classifiers over word vectors against PyTorch: trains each kind with the program, computes the
probabilities of the test texts from the files of the saved folder with torch.nn in float64
(Embedding, Conv1d, LSTM, Linear), and compares with `graft classify`. The weights and the component
of `sif` are computed from the training texts with scikit-learn's TruncatedSVD as the authors'
program does it (github.com/PrincetonML/SIF, data of the first component alone).

  python3 word_models_parity.py --graft build/bin/graft --vectors glove.txt \\
    --train train.tsv --dev dev.tsv --test test.tsv

Needs torch, safetensors, numpy, scikit-learn. Texts are split at white space. Exit status 1 when a
probability differs by more than 1e-5 or a component by more than 1e-4.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile

import numpy
import safetensors.numpy
import sklearn.decomposition
import torch

KINDS = {
    "average, frozen": ["--classifier", "average", "--freeze", "all"],
    "average": ["--classifier", "average"],
    "average, known rows": ["--classifier", "average", "--train-rows", "known"],
    "average, random": ["--classifier", "average", "--init", "random"],
    "sif, frozen": ["--classifier", "sif", "--freeze", "all"],
    "sif": ["--classifier", "sif", "--sif-a", "0.0001"],
    "cnn": ["--classifier", "cnn", "--epochs", "2"],
    "cnn, two channels": ["--classifier", "cnn", "--epochs", "2", "--channels", "2",
                          "--windows", "2,3,7", "--filters", "33"],
    "lstm": ["--classifier", "lstm", "--epochs", "2", "--lstm-size", "45"],
}
LIMIT, COMPONENT_LIMIT = 1e-5, 1e-4


def read_rows(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def read_vectors(path):
    vectors = {}
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            word, *numbers = line.rstrip("\n").split(" ")
            vectors.setdefault(word, numpy.array(numbers, dtype=numpy.float32))
    return vectors


class Model:
    """The saved folder in torch's modules."""

    def __init__(self, folder, vectors):
        with open(f"{folder}/graft.json", encoding="utf-8") as file:
            self.json = json.load(file)
        words = f"{folder}/words.txt"
        self.vocabulary = {}
        if os.path.exists(words):
            with open(words, encoding="utf-8", newline="\n") as file:
                self.vocabulary = {word.rstrip("\n"): i for i, word in enumerate(file)}
        tensors = safetensors.numpy.load_file(f"{folder}/model.safetensors")
        self.tensors = {name: torch.tensor(value).double() for name, value in tensors.items()}
        self.vectors = vectors if self.json["words"]["sets"] else {}
        self.kind = self.json["composer"]["kind"]

    def rows(self, words):
        """[T, H]"""
        settings, zeros = self.json["words"], numpy.zeros(self.json["words"]["width"])
        fixed = torch.tensor(numpy.array(
            [self.vectors.get(word, zeros) for word in words])).double()
        tuned = fixed.clone()
        for i, word in enumerate(words):
            row = self.vocabulary.get(word, settings["table_rows"])
            if row < settings["table_rows"]:
                tuned[i] = self.tensors["embeddings.weight"][row]
        return torch.cat([fixed, tuned], 1) if settings["channels"] == 2 else tuned

    def cnn(self, rows):
        found = []
        for width in self.json["composer"]["widths"]:
            weight = self.tensors[f"convolution.{width}.weight"]
            conv = torch.nn.Conv1d(rows.shape[1], self.json["composer"]["filters"], width,
                                   padding=width - 1).double()
            conv.weight.data = weight.view(width, -1, rows.shape[1]).permute(1, 2, 0)
            conv.bias.data = self.tensors[f"convolution.{width}.bias"]
            found.append(conv(rows.t()[None]).relu().max(2).values[0])
        return torch.cat(found)

    def lstm(self, rows):
        lstm = torch.nn.LSTM(rows.shape[1], self.json["composer"]["size"], bidirectional=True)
        lstm = lstm.double()
        for end in ("", "_reverse"):
            getattr(lstm, f"weight_ih_l0{end}").data = self.tensors[f"lstm.weight_ih{end}"]
            getattr(lstm, f"weight_hh_l0{end}").data = self.tensors[f"lstm.weight_hh{end}"]
            getattr(lstm, f"bias_ih_l0{end}").data = self.tensors[f"lstm.bias{end}"]
            torch.nn.init.zeros_(getattr(lstm, f"bias_hh_l0{end}"))
        return lstm(rows)[0].max(0).values

    def sif(self, words, rows):
        weights = self.tensors["sif.weights"]
        weighted = torch.stack([
            row * (weights[self.vocabulary[word]] if word in self.vocabulary else 1)
            for word, row in zip(words, rows)])
        mean, component = weighted.mean(0), self.tensors["sif.component"][0]
        return mean - mean.dot(component) * component

    @torch.no_grad()
    def probabilities(self, text):
        words = text.lower().split()
        rows = self.rows(words)
        composed = {"average": lambda: rows.mean(0), "sif": lambda: self.sif(words, rows),
                    "cnn": lambda: self.cnn(rows), "lstm": lambda: self.lstm(rows)}[self.kind]()
        logits = self.tensors["classifier.weight"] @ composed + self.tensors["classifier.bias"]
        return logits.softmax(0)


def sif_component(model, rows, a):
    """Weights and component of the training texts, with the vectors as they are."""
    counts = collections.Counter(word for text, _ in rows for word in text.lower().split())
    total = sum(counts.values())
    worst = 0
    for word, row in model.vocabulary.items():
        expected = a / (a + counts[word] / total)
        worst = max(worst, abs(model.tensors["sif.weights"][row].item() / expected - 1))
    means = []
    for text, _ in rows:
        words = text.lower().split()
        weights = numpy.array([a / (a + counts[word] / total) for word in words])
        means.append(weights @ model.rows(words).numpy() / len(words))
    svd = sklearn.decomposition.TruncatedSVD(n_components=1, n_iter=50, random_state=0)
    found = svd.fit(numpy.array(means)).components_[0]
    own = model.tensors["sif.component"][0].numpy()
    return worst, numpy.abs(own - found * numpy.sign(own @ found)).max()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("graft", "vectors", "train", "dev", "test"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of: {'; '.join(KINDS)}")
    options = parser.parse_args()
    vectors, train, test = (read_vectors(options.vectors), read_rows(options.train),
                            read_rows(options.test))
    texts = [text for text, _ in test]
    failed = False
    for kind in options.kinds or KINDS:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([options.graft, "train", "classify", "--vectors", options.vectors,
                            "--train", options.train, "--dev", options.dev, "--out", f"{folder}/m",
                            "--split", "whitespace", "--case", "lower", *KINDS[kind]],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            answer = subprocess.run([options.graft, "classify", "--model", f"{folder}/m", "--json"],
                                    input="\n".join(texts) + "\n", text=True, check=True,
                                    stdout=subprocess.PIPE)
            model = Model(f"{folder}/m", vectors)
            worst = 0
            for text, line in zip(texts, answer.stdout.splitlines(), strict=True):
                scores = json.loads(line)["scores"]
                expected = model.probabilities(text)
                for i, label in enumerate(model.json["labels"]):
                    worst = max(worst, abs(scores[label] - expected[i].item()))
            line = f"{kind}: {len(texts)} texts, probabilities within {worst:.1e}"
            failed |= not worst <= LIMIT
            if kind == "sif, frozen":
                weights, component = sif_component(model, train, 1e-3)
                line += f"; weights within {weights:.1e}, component within {component:.1e}"
                failed |= not (weights <= 1e-6 and component <= COMPONENT_LIMIT)
            print(line, flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()

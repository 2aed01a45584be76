"""Texts of the benchmarks and parity checks, as lists of strings.

The benchmark data lie outside the project: in the folder that the environment variable GRAFT_DATA
names, else in ../shared/data beside the checkout.
"""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def data_folder():
    folder = os.environ.get("GRAFT_DATA") or os.path.join(os.path.dirname(ROOT), "shared", "data")
    if not os.path.isdir(folder):
        sys.exit(f"{folder}: no such folder; GRAFT_DATA names the benchmark data")
    return folder


def sst2(*splits):
    """(text, label) rows of SST-2; splits out of train (6,920), dev (872), test (1,821)."""
    rows = []
    for split in splits:
        path = os.path.join(data_folder(), "sentiment", "sst2", f"{split}.tsv")
        with open(path, encoding="utf-8") as file:
            for line in file.read().split("\n"):
                if line:
                    text, label = line.rsplit("\t", 1)
                    rows.append((text, label))
    return rows


def sst2_texts():
    """The 2,693 sentences of dev and test: the short texts of the benchmarks."""
    return [text for text, _ in sst2("dev", "test")]


def long_texts(archive=None):
    """Movie snippets joined to about 200 tokens: the long texts of the benchmarks. `archive` is the
    source distribution of vaderSentiment; without it the one that tools/quickstart.sh has
    downloaded."""
    script = os.path.join(ROOT, "tools", "movie_reviews.py")
    command = [sys.executable, script, "--joined"] + ([archive] if archive else [])
    joined = subprocess.run(command, text=True, stdout=subprocess.PIPE, check=False)
    if joined.returncode != 0:
        sys.exit("the long texts could not be made; --reviews names vaderSentiment's archive")
    return [line for line in joined.stdout.split("\n") if line]


def write_lines(texts, path):
    """One text a line: what encoding workers read."""
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for text in texts:
            if "\n" in text or "\r" in text:
                raise ValueError(f"a text holds a line break: {text[:60]!r}")
            file.write(text + "\n")


def read_lines(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return file.read().split("\n")[:-1]

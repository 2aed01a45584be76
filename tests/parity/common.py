"""What the parity scripts share: where the modules of the benchmarks lie, and the texts."""

import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "bench"))

import data  # noqa: E402  (after the path is set)


def uci_sentences():
    """Sentences of the UCI Sentiment Labelled Sentences, as written."""
    sentences = []
    for name in ("amazon_cells", "imdb", "yelp"):
        path = os.path.join(data.data_folder(), "sentiment", "uci", f"{name}_labelled.txt")
        with open(path, encoding="utf-8") as file:
            for line in file.read().split("\n"):
                if "\t" in line:
                    sentences.append(line.rsplit("\t", 1)[0].strip())
    return sentences


def mixed_texts(count=1000):
    """Real texts of mixed length: half SST-2, three tenths UCI, the rest 2 to 25 sentences joined;
    in an order that mixes them."""
    sst2 = data.sst2_texts()
    uci = uci_sentences()
    joined, begin = [], 0
    for i in range(count // 5):
        size = 2 + i % 24
        joined.append(" ".join(uci[(begin + j) % len(uci)] for j in range(size)))
        begin += size
    kinds = [iter(sst2[::len(sst2) // (count // 2)]), iter(uci[::len(uci) // (3 * count // 10)]),
             iter(joined)]
    pattern = (0, 0, 1, 0, 2, 0, 1, 0, 1, 2)
    return [next(kinds[pattern[i % len(pattern)]]) for i in range(count)]


def run_helper(command):
    """Runs graft's side of a check; its message ends the script when it fails."""
    done = subprocess.run([str(part) for part in command], check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]}: status {done.returncode}")


def write_result(name, result):
    """results/NAME.json beside this file."""
    path = os.path.join(HERE, "results", name + ".json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)

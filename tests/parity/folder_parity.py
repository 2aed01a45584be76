"""Saved folders open in transformers and sentence-transformers with equal logits, and the other way round.

    python3 tests/parity/folder_parity.py --graft build/bin/graft --model MINILM_FOLDER

Trains a few steps for every pooling, then compares `graft classify --json` with what the two libraries make of the
saved folder; then lets transformers save a classifier and compares again. Prints the largest difference of a
probability; exit status 1 above 1e-5.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from sentence_transformers import SentenceTransformer
from transformers import AutoModelForSequenceClassification, AutoTokenizer

TEXTS = ["A wonderful film.", "I want my two hours back.", "", "Caf\u00e9 \u4e2d\u6587 \U0001f600 n\u00e4ive",
         "word " * 300, "It drags in the middle, but the ending makes up for it."]
TOLERANCE = 1e-5


def scores_of_graft(graft, folder):
    run = subprocess.run([graft, "classify", "--model", folder, "--json", *TEXTS], capture_output=True, text=True,
                         check=True)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    return torch.tensor([list(row["scores"].values()) for row in rows], dtype=torch.float64)


def scores_of_transformers(folder):
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")
    with torch.inference_mode():
        return model(**batch).logits.double().softmax(-1)


def scores_of_sentence_transformers(folder):
    model = SentenceTransformer(str(folder), device="cpu")
    return torch.tensor(model.encode(TEXTS)).double().softmax(-1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graft", required=True)
    parser.add_argument("--model", required=True)
    arguments = parser.parse_args()
    worst = 0.0
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        data = work / "data.tsv"
        data.write_text("text\tlabel\n" + "a fine film\tgood\na dull film\tbad\nso so\tmixed\n" * 8)
        for pooling in "cls", "mean", "max", "last":
            folder = work / pooling
            subprocess.run([arguments.graft, "train", "classify", "--model", arguments.model, "--train", data, "--dev",
                            data, "--out", folder, "--pooling", pooling, "--max-steps", "5", "--batch-size", "8",
                            "--learning-rate", "1e-3", "--freeze", "4"], check=True, capture_output=True)
            peer = scores_of_transformers(folder) if pooling == "cls" else scores_of_sentence_transformers(folder)
            difference = (scores_of_graft(arguments.graft, folder) - peer).abs().max().item()
            print(f"saved by graft, {pooling} pooling: largest difference of a probability {difference:.2e}")
            worst = max(worst, difference)
        # The other way: transformers saves what graft reads.
        model = AutoModelForSequenceClassification.from_pretrained(work / "cls")
        model.save_pretrained(work / "resaved")
        AutoTokenizer.from_pretrained(work / "cls").save_pretrained(work / "resaved")
        difference = (scores_of_graft(arguments.graft, work / "resaved") -
                      scores_of_transformers(work / "resaved")).abs().max().item()
        print(f"saved by transformers: largest difference of a probability {difference:.2e}")
        worst = max(worst, difference)
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())

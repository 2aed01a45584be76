#!/usr/bin/env python3
"""Gradients of graft against transformers: BertForSequenceClassification with pretrained encoder
and a fixed random head, dropout off, one batch of mixed lengths, mean cross-entropy.

  python3 gradient_parity.py --model MINILM_FOLDER --graft build/tests/parity/dump_gradients

For every parameter: max|d| <= 1e-4 * max(max|g| of the tensor, 1e-3 * the largest |g| of all).
Expected values come from float64; the differences of transformers' own float32 gradients stand
beside graft's. The outcome is written to results/gradient_parity.json.
"""

import argparse
import os
import sys
import tempfile

import safetensors.torch
import torch
import transformers

import common
import data
import peer_trainer

RELATIVE, FLOOR = 1e-4, 1e-3


def peer_gradients(folder, rows, labels, dtype):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        folder, attn_implementation="eager").to(dtype).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    # Each text by itself: no padding takes part. The mean is over all.
    for text, label in rows:
        inputs = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        logits = model(**inputs).logits
        loss = torch.nn.functional.cross_entropy(logits, torch.tensor([labels.index(label)]))
        (loss / len(rows)).backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}


def plain_name(name):
    """Names without the prefix of the encoder; the pooler belongs to the head in graft."""
    return name.removeprefix("bert.")


def scaled_differences(expected, found):
    """Per tensor max|d| / max(max|g|, 1e-3 * largest |g|)."""
    overall = max(g.abs().max().item() for g in expected.values())
    return {name: (found[name].double() - g).abs().max().item()
                  / max(g.abs().max().item(), FLOOR * overall) for name, g in expected.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--graft", required=True, help="path of dump_gradients")
    parser.add_argument("--texts", type=int, default=32)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    labels = ["0", "1"]
    texts = common.mixed_texts(1000)[:options.texts]
    rows = [(text, labels[i * 7 % 3 % 2]) for i, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        peer_trainer.new_classifier(options.model, labels, 5, dropout=0.0).save_pretrained(folder)
        tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
        tokenizer.model_max_length = 256
        tokenizer.save_pretrained(folder)
        path, out = os.path.join(folder, "rows.tsv"), os.path.join(folder, "out.safetensors")
        data.write_lines([f"{text}\t{label}" for text, label in rows], path)
        common.run_helper([options.graft, folder, path, options.threads, out])
        found = {plain_name(k): v for k, v in safetensors.torch.load_file(out).items()}
        exact, single = ({plain_name(k): v for k, v in
                          peer_gradients(folder, rows, labels, dtype).items()}
                         for dtype in (torch.float64, torch.float32))
    if set(found) != set(exact):
        sys.exit(f"gradient_parity.py: names differ: {sorted(set(found) ^ set(exact))}")
    graft, peer = scaled_differences(exact, found), scaled_differences(exact, single)
    worst = max(graft, key=graft.get)
    passed = graft[worst] <= RELATIVE
    common.write_result("gradient_parity", {
        "texts": len(rows), "limit": RELATIVE, "passed": passed, "worst": worst,
        "largest_gradient": max(g.abs().max().item() for g in exact.values()),
        "graft_float64": graft, "transformers_float64": peer,
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__}})
    print(f"{len(graft)} tensors: graft within {graft[worst]:.2e} of float64 ({worst}), "
          f"transformers' float32 within {max(peer.values()):.2e}; limit {RELATIVE:.0e}: "
          f"{'passed' if passed else 'FAILED'}")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()

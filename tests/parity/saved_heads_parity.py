#!/usr/bin/env python3
"""Classifiers of texts and of tokens that graft saved, opened by transformers.

  python3 tests/parity/saved_heads_parity.py --tool build/tests/parity/save_head

Every golden folder of tests/golden/families with such a head is opened by graft, saved, and opened
by AutoModelForSequenceClassification or AutoModelForTokenClassification: no tensor may be missing or
left over, all must be those of the folder that transformers made, bit for bit, and so the logits, but
for LibTorch's rounding, which follows where in memory a matrix lies: 1e-6. Exit status 1 at any
difference.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
import transformers

import common

FAMILIES = Path(__file__).resolve().parents[1] / "golden" / "families"
CLASSES = {"ForSequenceClassification": transformers.AutoModelForSequenceClassification,
           "ForTokenClassification": transformers.AutoModelForTokenClassification}
# Modules that MobileBERT makes and passes by, with use_bottleneck_attention and where embeddings are
# as wide as the layers. graft neither reads nor writes them.
UNREAD = {"mobilebert-attention": ".bottleneck.attention.",
          "mobilebert-plain": ".embedding_transformation."}
# Model types that transformers opens only with programs of the folder.
FOREIGN = {"new"}


def auto_class(config):
    names = config.get("architectures") or [""]
    return next((auto for suffix, auto in CLASSES.items() if names[0].endswith(suffix)), None)


def add_tokenizer(folder, config):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [f"w{i}" for i in range(len(words), config["vocab_size"])]
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')


def check(source, config, tool, work):
    folder, out = work / source.name, work / f"{source.name}-saved"
    shutil.copytree(source, folder)
    add_tokenizer(folder, config)
    common.run_helper([tool, folder, out])
    (peer, _), (model, loading) = (
        auto_class(config).from_pretrained(opened, output_loading_info=True)
        for opened in (source, out))
    unread = UNREAD.get(source.name, "no tensor")
    problems = {key: sorted(name for name in map(str, names) if unread not in name)
                for key, names in loading.items()}
    if any(problems.values()):
        return f"loading: {problems}"
    if type(model) is not type(peer) or model.config.id2label != peer.config.id2label:
        return f"opened as {type(model).__name__} with {model.config.id2label}"
    own = model.state_dict()
    others = [name for name, tensor in peer.state_dict().items()
              if unread not in name and not torch.equal(tensor, own[name])]
    if others:
        return f"other tensors: {others}"
    ids = torch.arange(5, 25)[None] % config["vocab_size"]
    with torch.no_grad():
        difference = (model.eval()(ids).logits - peer.eval()(ids).logits).abs().max().item()
    return None if difference <= 1e-6 else f"other logits, by {difference:.2g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, type=Path)
    tool = parser.parse_args().tool.resolve()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    failures = 0
    with tempfile.TemporaryDirectory() as work:
        for source in sorted(FAMILIES.iterdir()):
            config = json.loads((source / "config.json").read_text())
            if auto_class(config) is None:
                continue
            if config["model_type"] in FOREIGN:
                print(f"{source.name}: no class of transformers opens it")
                continue
            problem = check(source, config, tool, Path(work))
            print(f"{source.name}: {problem or 'equal'}")
            failures += problem is not None
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

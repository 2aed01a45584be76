#!/usr/bin/env python3
"""Token classifiers that graft saved, opened by transformers' AutoModelForTokenClassification.

  python3 tests/parity/saved_heads_parity.py --tool build/tests/parity/save_tokens

Every golden folder of tests/golden/families with such a head is opened by graft, saved, and opened
by transformers: no tensor may be missing or left over, and the logits must be those of the folder
that transformers made, bit for bit. Exit status 1 at any difference.
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


def open_model(folder):
    return transformers.AutoModelForTokenClassification.from_pretrained(
        folder, output_loading_info=True)


def add_tokenizer(folder, config):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [f"w{i}" for i in range(len(words), config["vocab_size"])]
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in words))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer"}')


def check(source, tool, work):
    config = json.loads((source / "config.json").read_text())
    folder, out = work / source.name, work / f"{source.name}-saved"
    shutil.copytree(source, folder)
    add_tokenizer(folder, config)
    common.run_helper([tool, folder, out])
    (peer, _), (model, loading) = open_model(source), open_model(out)
    problems = {key: sorted(map(str, names)) for key, names in loading.items() if names}
    if problems:
        return f"loading: {problems}"
    if type(model) is not type(peer) or model.config.id2label != peer.config.id2label:
        return f"opened as {type(model).__name__} with {model.config.id2label}"
    ids = torch.arange(5, 25)[None] % config["vocab_size"]
    with torch.no_grad():
        equal = torch.equal(model.eval()(ids).logits, peer.eval()(ids).logits)
    return None if equal else "other logits"


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
            classes = json.loads((source / "config.json").read_text()).get("architectures") or []
            if not classes or not classes[0].endswith("ForTokenClassification"):
                continue
            problem = check(source, tool, Path(work))
            print(f"{source.name}: {problem or 'equal'}")
            failures += problem is not None
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

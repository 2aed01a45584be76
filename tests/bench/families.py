#!/usr/bin/env python3
"""Encoding speed of every encoder family on the CPU, tokenizer included: graft against transformers
with batches of 32 texts in arrival order and sorted by length (workers: encode_worker.cc,
peer_encode.py). Models are random, all of one size, with the tokenizer of --tokenizer; their
mean-pooled vectors are compared first.

  python3 families.py --tokenizer MINILM --graft build/tests/bench/encode_worker [FAMILY...]

The texts are of mixed lengths: sentences of SST-2 and, one in six, a text of about 200 tokens, in
random order. Targets: paired ratios of at least 1.5 (arrival) and 1.05 (sorted). A table of all
families goes to results/families.json (--report), which keeps what an earlier run found of others.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile

import torch
import transformers

import compare
import data

TARGETS = {"transformers": 1.5, "transformers-sorted": 1.05}
PEER = os.path.join(compare.HERE, "peer_encode.py")
REPORT = os.path.join(compare.HERE, "results", "families.json")

SIZES = dict(vocab_size=30522, hidden_size=768, num_hidden_layers=6, num_attention_heads=12,
             intermediate_size=3072, max_position_embeddings=514, pad_token_id=0)
TYPELESS = dict(SIZES, type_vocab_size=1)
DEBERTA = dict(SIZES, relative_attention=True, pos_att_type=["p2c", "c2p"], type_vocab_size=0,
               position_biased_input=False)
# Class of transformers and the members of its config: those of the published base models but for
# the number of layers.
FAMILIES = {
    "albert": ("AlbertModel", dict(SIZES, embedding_size=128)),
    "bert": ("BertModel", SIZES),
    "camembert": ("CamembertModel", dict(TYPELESS, pad_token_id=1)),
    "deberta": ("DebertaModel", DEBERTA),
    "deberta-v2": ("DebertaV2Model", dict(DEBERTA, position_buckets=256, share_att_key=True,
                                          norm_rel_ebd="layer_norm")),
    "distilbert": ("DistilBertModel", dict(vocab_size=30522, dim=768, n_layers=6, n_heads=12,
                                           hidden_dim=3072, max_position_embeddings=512)),
    "electra": ("ElectraModel", dict(SIZES, embedding_size=768)),
    "gpt2": ("GPT2Model", dict(vocab_size=30522, n_embd=768, n_layer=6, n_head=12)),
    "gte": ("GteModel", dict(SIZES, type_vocab_size=0)),
    # All of its 24 narrow layers: about as much work as the others.
    "mobilebert": ("MobileBertModel", dict(vocab_size=30522)),
    "modernbert": ("ModernBertModel", dict(SIZES, intermediate_size=1152, bos_token_id=101,
                                           cls_token_id=101, eos_token_id=102, sep_token_id=102)),
    "mpnet": ("MPNetModel", SIZES),
    "nomic_bert": ("NomicBertModel", SIZES),
    "roberta": ("RobertaModel", dict(TYPELESS, pad_token_id=1)),
    "xlm-roberta": ("XLMRobertaModel", dict(TYPELESS, pad_token_id=1)),
}
TYPES = {"bert", "electra", "mobilebert", "albert"}


def make_model(family, tokenizer, folder):
    """A sentence-transformers folder with mean pooling."""
    class_name, members = FAMILIES[family]
    torch.manual_seed(0)
    model_class = getattr(transformers, class_name)
    model_class(model_class.config_class(**members)).float().eval().save_pretrained(folder)
    shutil.copy(f"{tokenizer}/tokenizer.json", folder)
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    files = {
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]",
            "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]",
            "mask_token": "[MASK]", "model_max_length": 256,
            "model_input_names": inputs if family in TYPES else inputs[::2]},
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling",
             "type": "sentence_transformers.models.Pooling"}],
        "1_Pooling/config.json": {
            "word_embedding_dimension": model_class.config_class(**members).hidden_size,
            "pooling_mode_mean_tokens": True}}
    os.makedirs(f"{folder}/1_Pooling")
    for name, value in files.items():
        with open(f"{folder}/{name}", "w", encoding="utf-8") as file:
            json.dump(value, file)


def mixed_texts(count, reviews):
    short, long = data.sst2_texts(), data.long_texts(reviews)
    rare = count // 6
    texts = short[::len(short) // (count - rare)][:count - rare] + long[:rare]
    random.Random(0).shuffle(texts)
    return texts


def compare_family(family, texts, folder, options):
    model = os.path.join(folder, family)
    make_model(family, options.tokenizer, model)
    commands = {"graft": [options.graft]}
    for name in TARGETS:
        commands[name] = [sys.executable, PEER, "--peer", name]
    try:
        return compare.compare(f"encode_{family}", commands,
                               {"model": model, "texts": texts, "max_length": 256},
                               subject="graft", reference="transformers", tolerance=1e-5,
                               rounds=options.rounds, threads=options.threads,
                               idle_limit=options.idle_limit, quiet=options.quiet)
    finally:
        shutil.rmtree(model)


def row(result):
    figures = {peer: result["ratios"][peer]["paired_ratio"] for peer in TARGETS}
    difference = max(c["difference_from_reference"] for c in result["contestants"].values())
    return dict(figures, difference=difference)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="default: all")
    parser.add_argument("--tokenizer", required=True, help="folder with a tokenizer.json, uncased")
    parser.add_argument("--graft", required=True, help="path of encode_worker")
    parser.add_argument("--reviews", help="vaderSentiment's source distribution")
    parser.add_argument("--texts", type=int, default=240, help="how many")
    compare.add_options(parser, rounds=5)
    parser.set_defaults(report=REPORT)
    options = parser.parse_args()
    unknown = sorted(set(options.families) - set(FAMILIES))
    if unknown:
        parser.error(f"expected some of {', '.join(FAMILIES)}; found {', '.join(unknown)}")
    report = {"command": "families.py", "families": {}}
    if os.path.exists(options.report):
        with open(options.report, encoding="utf-8") as file:
            report = json.load(file)
    with tempfile.TemporaryDirectory() as folder:
        texts = os.path.join(folder, "mixed.txt")
        data.write_lines(mixed_texts(options.texts, options.reviews), texts)
        for family in options.families or FAMILIES:
            try:
                result = compare_family(family, texts, folder, options)
            except compare.Failure as failure:
                sys.exit(f"families.py: {family}: {failure}")
            report["families"][family] = result
            compare.write_report(report, options.report)
            print(f"{family}: {json.dumps(row(result))}", flush=True)


if __name__ == "__main__":
    main()

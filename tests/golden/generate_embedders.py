#!/usr/bin/env python3
"""Makes the golden sentence-transformers folders beside this file.

  python3 generate_embedders.py [--out FOLDER]

embedder-chain   BERT 2 x 32, all six Pooling modes joined in an order of their own, prompt tokens left out
                 (include_prompt false), Dense 192 to 24 with tanh, Dense 24 to 24 without bias with GELU and
                 residual, Normalize, prompts, max_seq_length 24. As sentence-transformers saves it.
embedder-flags   BERT 3 x 36, cased vocabulary with do_lower_case, the older flags for max and mean pooling,
                 Dense 72 to 20 with sigmoid and a projected residual, Normalize, Dense 20 to 12 with SiLU (its file
                 pytorch_model.bin), default prompt, truncate_dim 10, dot product.

Each folder also holds texts.json, a list of texts, and expected.safetensors: for every name of a prompt, and for
`default`, the vectors [n, D] that SentenceTransformer.encode gives for each text by itself.

Written with sentence-transformers 6.2.0, transformers 5.23.0 and torch 2.11.0.
"""

import argparse
import json
import os
import pathlib
import shutil
import tempfile

import torch
import transformers
from generate_encoder import make_tokenizer, randomise, save_model, save_tokenizer, vocabulary, write_json
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Dense, Normalize, Pooling, Transformer

TEXTS = ["The film is good.", "", "Dull, slow and never FUNNY: two long hours lost!", "Caf\u00e9 [MASK] music \u4e2d",
         "grow " * 80, "find", "A bright actor makes the story moving, so watch it for the first scene and the last."]


def encoder(folder, seed, lower, **sizes):
    vocab = vocabulary(upper=not lower)
    config = transformers.BertConfig(vocab_size=len(vocab), max_position_embeddings=40, **sizes)
    model = transformers.BertModel(config, add_pooling_layer=False)
    randomise(model, seed)
    save_model(model, folder)
    save_tokenizer(folder, vocab, make_tokenizer(vocab, lower), lower, 40, with_json=True)


def fill(dense, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for _, parameter in sorted(dense.named_parameters()):
            parameter.copy_(torch.randn(parameter.shape, generator=generator) / parameter.shape[-1] ** 0.5)
    return dense


def make_chain(folder):
    with tempfile.TemporaryDirectory() as work:
        encoder(work, 11, True, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
        modes = ("weightedmean", "cls", "lasttoken", "max", "mean_sqrt_len_tokens", "mean")
        model = SentenceTransformer(device="cpu", modules=[
            Transformer(work, max_seq_length=24),
            Pooling(32, pooling_mode=modes, include_prompt=False),
            fill(Dense(192, 24, activation_function=torch.nn.Tanh()), 12),
            fill(Dense(24, 24, bias=False, activation_function=torch.nn.GELU(), use_residual=True), 13),
            Normalize()], prompts={"query": "find the film: ", "passage": "text: ", "empty": ""})
        model.save(str(folder))


def make_flags(folder):
    encoder(folder, 21, False, hidden_size=36, num_hidden_layers=3, num_attention_heads=3, intermediate_size=60)
    # Without the lower-casing of its own, which the modules' file asks for.
    names = ["Transformer", "Pooling", "Dense", "Normalize", "Dense"]
    paths = ["", "1_Pooling", "2_Dense", "3_Normalize", "4_Dense"]
    write_json(folder / "modules.json", [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (name, path) in enumerate(zip(names, paths))])
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 32, "do_lower_case": True})
    write_json(folder / "config_sentence_transformers.json", {
        "__version__": {"sentence_transformers": "2.0.0"}, "prompts": {"query": "find ", "passage": None},
        "default_prompt_name": "query", "similarity_fn_name": "dot", "truncate_dim": 10})
    for path in paths[1:]:
        (folder / path).mkdir()
    write_json(folder / "1_Pooling" / "config.json", {
        "word_embedding_dimension": 36, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": True, "pooling_mode_mean_sqrt_len_tokens": False})
    first = fill(Dense(72, 20, use_residual=True), 22)
    second = fill(Dense(20, 12), 23)
    save_file(first.state_dict(), folder / "2_Dense" / "model.safetensors")
    torch.save(second.state_dict(), folder / "4_Dense" / "pytorch_model.bin")
    write_json(folder / "2_Dense" / "config.json", {
        "in_features": 72, "out_features": 20, "bias": True, "use_residual": True,
        "activation_function": "torch.nn.modules.activation.Sigmoid"})
    write_json(folder / "4_Dense" / "config.json", {
        "in_features": 20, "out_features": 12, "bias": True,
        "activation_function": "torch.nn.modules.activation.SiLU"})


def tidy(folder):
    """Takes out what changes from run to run and what no reader needs."""
    (folder / "README.md").unlink(missing_ok=True)
    for path in folder.rglob("*.json"):
        if path.name == "config.json" and path.parent == folder:
            config = json.loads(path.read_text(encoding="utf-8"))
            config.pop("transformers_version", None)
            write_json(path, config)
    for path in folder.rglob("*"):
        if path.is_file():
            os.chmod(path, 0o644)


def expect(folder):
    model = SentenceTransformer(str(folder), device="cpu")
    names = ["default", *model.prompts]
    vectors = {}
    for name in names:
        options = {} if name == "default" else {"prompt_name": name}
        rows = [torch.tensor(model.encode([text], **options)[0]) for text in TEXTS]
        vectors[name] = torch.stack(rows).contiguous()
    save_file(vectors, folder / "expected.safetensors")
    os.chmod(folder / "expected.safetensors", 0o644)
    write_json(folder / "texts.json", TEXTS)
    print(folder.name, {name: list(rows.shape) for name, rows in load_file(folder / "expected.safetensors").items()})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent)
    out = parser.parse_args().out
    transformers.logging.set_verbosity_error()
    for name, make in ("embedder-chain", make_chain), ("embedder-flags", make_flags):
        folder = out / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        tidy(folder)
        expect(folder)


if __name__ == "__main__":
    main()

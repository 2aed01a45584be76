#!/usr/bin/env python3
"""A BERT encoder as an ONNX file with the fused operators of onnxruntime.

  onnx_export.py MODEL_FOLDER      prints the file and how many operators of each kind were fused

The model of transformers is exported by torch.onnx, then onnxruntime.transformers.optimizer
replaces patterns by Attention, SkipLayerNormalization, EmbedLayerNormalization and BiasGelu. The
result is kept in $XDG_CACHE_HOME/graft/bench (~/.cache), by the weights' hash and the versions.
"""

import hashlib
import json
import os
import sys
import tempfile

WANTED = ("Attention", "SkipLayerNormalization", "BiasGelu")


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = os.path.join(base, "graft", "bench")
    os.makedirs(folder, exist_ok=True)
    return folder


def plain_attention(self, hidden_states, attention_mask=None, **_):
    """What BertSelfAttention.forward computes, in the form that the optimizer recognises."""
    import torch

    def heads(x):
        shape = x.size()[:-1] + (self.num_attention_heads, self.attention_head_size)
        return x.view(shape).permute(0, 2, 1, 3)

    query, key = heads(self.query(hidden_states)), heads(self.key(hidden_states))
    scores = torch.matmul(query, key.transpose(-1, -2)) / self.attention_head_size ** 0.5
    weights = torch.softmax(scores + attention_mask, dim=-1)
    context = torch.matmul(weights, heads(self.value(hidden_states)))
    context = context.permute(0, 2, 1, 3).contiguous()
    return context.view(context.size()[:-2] + (self.all_head_size,)), weights


def export(model_folder, path):
    import torch
    import transformers
    from transformers.models.bert.modeling_bert import BertSelfAttention
    BertSelfAttention.forward = plain_attention

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = transformers.AutoModel.from_pretrained(
                model_folder, attn_implementation="eager", add_pooling_layer=False).eval()

        def forward(self, input_ids, attention_mask, token_type_ids):
            # The mask is widened here, in the form that the optimizer knows: 0 or a large
            # negative number, [B, 1, 1, T].
            mask = (1.0 - attention_mask[:, None, None, :].to(torch.float32)) * -10000.0
            return self.model(input_ids=input_ids, attention_mask=mask,
                              token_type_ids=token_type_ids).last_hidden_state

    ids = torch.ones(2, 7, dtype=torch.int64)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    axes = {name: {0: "batch", 1: "tokens"} for name in names + ["last_hidden_state"]}
    with torch.no_grad():
        torch.onnx.export(Encoder(), (ids, ids, torch.zeros_like(ids)), path, input_names=names,
                          output_names=["last_hidden_state"], dynamic_axes=axes, dynamo=False,
                          opset_version=17)


def optimise(source, target, config):
    from onnxruntime.transformers import optimizer
    from onnxruntime.transformers.fusion_options import FusionOptions
    options = FusionOptions("bert")
    model = optimizer.optimize_model(source, model_type="bert",
                                     num_heads=config["num_attention_heads"],
                                     hidden_size=config["hidden_size"],
                                     optimization_options=options, opt_level=0, use_gpu=False)
    model.save_model_to_file(target)
    return {name: count for name, count in model.get_fused_operator_statistics().items() if count}


def fused_encoder(model_folder):
    """(path of the fused file, {operator: count}); fails when an operator was not fused."""
    import onnxruntime
    import torch
    import transformers
    with open(os.path.join(model_folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    key = hashlib.sha256()
    with open(os.path.join(model_folder, "model.safetensors"), "rb") as file:
        key.update(file.read())
    with open(__file__, "rb") as file:
        key.update(file.read())
    for version in (onnxruntime.__version__, torch.__version__, transformers.__version__):
        key.update(version.encode())
    base = os.path.join(cache_folder(), key.hexdigest()[:16])
    if not os.path.exists(base + ".json"):
        with tempfile.TemporaryDirectory() as folder:
            plain = os.path.join(folder, "plain.onnx")
            export(model_folder, plain)
            fused = optimise(plain, base + ".onnx", config)
        with open(base + ".json", "w", encoding="utf-8") as file:
            json.dump(fused, file)
    with open(base + ".json", encoding="utf-8") as file:
        fused = json.load(file)
    layers = config["num_hidden_layers"]
    for name in WANTED:
        if fused.get(name, 0) < layers:
            raise RuntimeError(f"{name}: fused {fused.get(name, 0)} times, expected {layers}: "
                               f"{fused}")
    return base + ".onnx", fused


if __name__ == "__main__":
    print(*fused_encoder(sys.argv[1]))

#!/usr/bin/env python3
"""Prints what tests/models/weights/weight_data_test.cc expects of shared/data/weights-fixtures, as other libraries read them.

For each model the number of tensors and the CRC-32 over the float32 bytes of all floating-point tensors in the order of their names.

Run by hand with torch 2.11 and safetensors 0.8, or where TensorFlow 2.21 is: python3 generate_weight_sums.py FIXTURES
"""
import importlib.util
import io
import pathlib
import re
import sys
import tarfile
import zlib


def show(model, tensors):
    total = 0
    for name in sorted(tensors):
        total = zlib.crc32(tensors[name], total)
    print(f"{model}: {len(tensors)} floating-point tensors, {total:08x}")


def show_torch(fixtures):
    import safetensors.torch
    import torch

    with tarfile.open(fixtures / "legacy-pickle/bert_test_fixture.tar.gz") as archive:
        legacy = archive.extractfile("pytorch_model.bin").read()
    for model, state in (
            ("tiny-bert", safetensors.torch.load_file(fixtures / "tiny-bert/model.safetensors")),
            ("ner-bert-bin", torch.load(fixtures / "ner-bert-bin/pytorch_model.bin", weights_only=True)),
            ("legacy-pickle", torch.load(io.BytesIO(legacy), weights_only=True))):
        show(model, {name: value.float().contiguous().numpy().tobytes() for name, value in state.items() if value.is_floating_point()})


def show_tensorflow(fixtures):
    import numpy
    import tensorflow

    reader = tensorflow.train.load_checkpoint(str(fixtures / "tf-checkpoint/bert_model.ckpt"))
    tensors = {}
    for name in reader.get_variable_to_shape_map():
        if "adam" in name or name == "global_step":
            continue
        value = reader.get_tensor(name)
        value = numpy.ascontiguousarray(value.T if name.endswith("kernel") else value)
        new = re.sub(r"layer_(\d+)", r"layer.\1", name).replace("/", ".").replace("output_weights", "weight")
        new = re.sub(r"(cls\.\w+)\.output_bias", r"\1.bias", new).replace("kernel", "weight").replace("gamma", "weight")
        tensors[re.sub(r"_embeddings$", "_embeddings.weight", new.replace("beta", "bias"))] = value.tobytes()
    show("tf-checkpoint", tensors)


if __name__ == "__main__":
    (show_tensorflow if importlib.util.find_spec("tensorflow") else show_torch)(pathlib.Path(sys.argv[1]))

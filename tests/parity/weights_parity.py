#!/usr/bin/env python3
"""Compares graft's safetensors files with the Python library's, in both directions.

    weights_parity.py WEIGHTS_WORKER [FILE.safetensors...]

WEIGHTS_WORKER is the program tests/parity/weights_worker of the build. Needs the packages
safetensors and numpy. Checked: what graft writes opens there with equal names, shapes, types and
bytes; what the library writes (and each FILE) reads here with equal values, F16 and BF16 widened;
both accept and refuse the same hostile files, up to the limits that graft adds.
"""

import json
import os
import struct
import subprocess
import sys
import tempfile

import numpy
import safetensors
from safetensors.numpy import save_file

# Refused by graft only: duplicate names, and limits of its own.
STRICTER_HERE = {"duplicate name", "rank 9", "long name"}


def worker(program, *arguments):
    return subprocess.run([program, *arguments], capture_output=True, check=False)


def entries(path):
    """Name, type, shape and bytes of every tensor, by the library."""
    with open(path, "rb") as file:
        return sorted((name, entry["dtype"], list(entry["shape"]), bytes(entry["data"]))
                      for name, entry in safetensors.deserialize(file.read()))


def as_float32(dtype, data):
    if dtype == "BF16":
        bits = numpy.frombuffer(data, "<u2").astype("<u4") << 16
        return bits.view("<f4")
    return numpy.frombuffer(data, {"F16": "<f2", "F32": "<f4", "F64": "<f8"}[dtype]).astype("<f4")


def check_copy(program, path, folder):
    """graft reads `path` and writes it again; the library finds the same in both."""
    copy = os.path.join(folder, "copy.safetensors")
    done = worker(program, "copy", path, copy)
    assert done.returncode == 0, done.stderr.decode()
    assert entries(path) == entries(copy), f"{path}: the copy differs"


def check_floats(program, path):
    for name, dtype, _, data in entries(path):
        if dtype not in ("F16", "BF16", "F32", "F64"):
            continue
        done = worker(program, "floats", path, name)
        assert done.returncode == 0, done.stderr.decode()
        with numpy.errstate(over="ignore"):
            wanted = as_float32(dtype, data)
        got = numpy.frombuffer(done.stdout, "<f4")
        equal = (got.view("<u4") == wanted.view("<u4")) | (numpy.isnan(got) & numpy.isnan(wanted))
        assert equal.all(), f"{path}: {name}: {(~equal).sum()} of {equal.size} values differ"


def write_samples(path):
    random = numpy.random.default_rng(1)
    halves = numpy.arange(1 << 16, dtype="<u2").view("<f2").reshape(256, 256)
    save_file({
        "halves": halves,
        "floats": random.standard_normal((37, 11)).astype("<f4"),
        "doubles": random.standard_normal(1001) * 1e30,
        "scalar": numpy.array(1.5, dtype="<f4"),
        "empty": numpy.zeros((3, 0, 2), dtype="<f4"),
        "ids": numpy.arange(7, dtype="<i8"),
        "flags": numpy.array([True, False, True]),
    }, path, metadata={"format": "np", "note": "caf\u00e9"})


def header_bytes(header, data=b""):
    text = header if isinstance(header, bytes) else header.encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(dtype, shape, begin, end, name="a"):
    return json.dumps({name: {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}})


def hostile_files():
    one = '"dtype":"F32","shape":[1],"data_offsets":[0,4]'
    return {
        "empty file": b"", "seven bytes": b"\0" * 7, "length 0": b"\0" * 8,
        "length of all bits": b"\xff" * 8 + b"{}",
        "length above file": struct.pack("<Q", 3) + b"{}",
        "empty header": header_bytes("{}"), "spaces behind": header_bytes("{}    "),
        "spaces in front": header_bytes("  {}"), "array": header_bytes("[]"),
        "not UTF-8": header_bytes(b'{"\xff":1}'), "mark": header_bytes(b"\xef\xbb\xbf{}"),
        "trailing": header_bytes("{}", b"PK"), "NUL behind": header_bytes(b"{}\0"),
        "one": header_bytes(f'{{"a":{{{one}}}}}', b"1234"),
        "more keys": header_bytes(f'{{"a":{{{one},"x":1}}}}', b"1234"),
        "duplicate name": header_bytes(f'{{"a":{{{one}}},"a":{{{one}}}}}', b"1234"),
        "hole": header_bytes(tensor("F32", [1], 4, 8), b"12345678"),
        "overlap": header_bytes(f'{{"a":{{{one}}},"b":{{{one}}}}}', b"1234"),
        "reversed": header_bytes(tensor("F32", [1], 4, 0), b"1234"),
        "beyond": header_bytes(tensor("F32", [2], 0, 8), b"1234"),
        "wraps": header_bytes(tensor("F32", [4194305, 4194305, 211106198978564], 0, 16), b"1" * 16),
        "wraps before zero": header_bytes(tensor("F32", [2**63 - 1, 2**63 - 1, 0], 0, 0)),
        "huge number": header_bytes(tensor("F32", [2**64], 0, 0)),
        "negative": header_bytes(tensor("F32", [-1], 0, 4), b"1234"),
        "float shape": header_bytes(tensor("F32", [1.0], 0, 4), b"1234"),
        "unknown type": header_bytes(tensor("F33", [1], 0, 4), b"1234"),
        "scalar": header_bytes(tensor("F32", [], 0, 4), b"1234"),
        "zero size": header_bytes(tensor("F32", [2, 0], 0, 0)),
        "zero size inside": header_bytes(
            '{"z":{"dtype":"F32","shape":[0],"data_offsets":[2,2]},' + f'"a":{{{one}}}}}', b"1234"),
        "empty name": header_bytes(tensor("F32", [1], 0, 4, ""), b"1234"),
        "metadata null": header_bytes('{"__metadata__":null}'),
        "metadata number": header_bytes('{"__metadata__":{"a":1}}'),
        "rank 9": header_bytes(tensor("U8", [1] * 9, 0, 1), b"1"),
        "long name": header_bytes(tensor("U8", [1], 0, 1, "n" * 1025), b"1"),
    }


def check_hostile(program, folder):
    path = os.path.join(folder, "hostile.safetensors")
    refused = 0
    for name, contents in hostile_files().items():
        with open(path, "wb") as file:
            file.write(contents)
        try:
            safetensors.deserialize(contents)
            there = True
        except safetensors.SafetensorError:
            there = False
        done = worker(program, "copy", path, os.path.join(folder, "copy.safetensors"))
        assert done.returncode in (0, 1), f"{name}: status {done.returncode}"
        here = done.returncode == 0
        refused += not here
        assert here == (there and name not in STRICTER_HERE), \
            f"{name}: accepted here {here}, by the library {there}: {done.stderr.decode()}"
    return refused


def main():
    program, files = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as folder:
        sample = os.path.join(folder, "sample.safetensors")
        write_samples(sample)
        for path in [sample, *files]:
            check_copy(program, path, folder)
            check_floats(program, path)
            print(f"{os.path.basename(path)}: {len(entries(path))} tensors equal both ways")
        refused = check_hostile(program, folder)
        print(f"{len(hostile_files())} hostile files, {refused} refused: as safetensors "
              f"{safetensors.__version__} does, but for {', '.join(sorted(STRICTER_HERE))}")


if __name__ == "__main__":
    main()

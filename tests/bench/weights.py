#!/usr/bin/env python3
"""Opening weight files: what graft takes to read every tensor beside a plain read of the same bytes, cold and warm.

  python3 tests/bench/weights.py --worker build/tests/parity/weights_worker --graft build/bin/graft --model MINILM [--rounds 9]

Formats: the folder's own model.safetensors, the same weights saved by torch as zip archive and as legacy file, and what
`graft convert` makes of them. Cold: the pages of the file were given up before (posix_fadvise); if the file system keeps them, the
ratio says so by being that of warm ones. Both sides read into memory that was touched before. Ratios are medians of pairs.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

BUFFER = bytearray(1 << 20)


def forget(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def plain_read(path, memory):
    begin = time.perf_counter()
    with open(path, "rb", buffering=0) as file:
        at = 0
        while got := file.readinto(memory[at:at + len(BUFFER)]):
            at += got
    return time.perf_counter() - begin


def graft_read(worker, path):
    return float(subprocess.run([worker, "time", path], check=True, capture_output=True, text=True).stdout)


def files(graft, model, folder):
    import safetensors.torch
    import torch
    source = os.path.join(model, "model.safetensors")
    state = safetensors.torch.load_file(source)
    zipped, legacy = os.path.join(folder, "zip.bin"), os.path.join(folder, "legacy.bin")
    torch.save(state, zipped)
    torch.save(state, legacy, _use_new_zipfile_serialization=False)
    converted = os.path.join(folder, "converted")
    subprocess.run([graft, "convert", "--model", model, "--out", converted], check=True, stdout=subprocess.DEVNULL)
    return {"safetensors": source, "PyTorch zip": zipped, "PyTorch legacy": legacy,
            "written by graft": os.path.join(converted, "model.safetensors")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", required=True)
    parser.add_argument("--graft", required=True)
    parser.add_argument("--model", required=True, help="a folder with model.safetensors")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".") as folder:
        for name, path in files(arguments.graft, arguments.model, folder).items():
            memory = memoryview(bytearray(os.path.getsize(path)))
            for kind in "cold", "warm":
                pairs = []
                for _ in range(arguments.rounds):
                    times = []
                    for read in (lambda: graft_read(arguments.worker, path)), (lambda: plain_read(path, memory)):
                        if kind == "cold":
                            forget(path)
                        times.append(read())
                    pairs.append(times)
                ratio = statistics.median(a / b for a, b in pairs)
                seconds = [statistics.median(column) for column in zip(*pairs)]
                print(f"{name:18} {kind}  graft {seconds[0] * 1e3:7.1f} ms  plain read {seconds[1] * 1e3:7.1f} ms  ratio {ratio:.2f}",
                      flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

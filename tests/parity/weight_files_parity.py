#!/usr/bin/env python3
"""Verdicts and tensors of damaged weight files: graft beside Python's safetensors and torch.load(weights_only=True).

  python3 tests/parity/weight_files_parity.py build/tests/parity/weights_worker [--quick]

Files: for each of a safetensors file, a zip archive and a row of pickles of torch.save (a few kilobytes with tied,
transposed, empty and scalar tensors of eleven types) the whole, every truncation, every flipped bit of the first 512 bytes
(of the zip also of its directory), every aligned integer of 1, 2, 4 and 8 bytes replaced by edge values; and pickles and
headers written by hand that attack or ask for more than graft reads. Both sides read each; where both accept, names, types, shapes and bytes must be equal. Every other difference
belongs to a reason below, or the script ends with status 1. Counts by reason are kept in results/weight_files.json. --quick
takes every 23rd of the damaged files.
"""

import argparse
import collections
import io
import json
import multiprocessing
import os
import re
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import safetensors
import safetensors.torch
import torch

EDGES = [0, 1, 2**64 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63]
TYPES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
         torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
         torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2", torch.float8_e8m0fnu: "F8_E8M0", torch.uint16: "U16",
         torch.uint32: "U32", torch.uint64: "U64"}

# What graft refuses and the peer takes: a part of graft's message, why.
STRICTER = {
    "torch": [
        (r"expected the check sum", "torch compares no CRC-32 of the records"),
        (r"(no comment|end record|both end records|found a part of several|the directory to end here|entries in the|an entry of the directory)",
         "torch looks for an end record anywhere and takes what it finds: bytes behind it or in its fields do not count"),
        (r"marked as a folder", "torch gives such tensors memory that nobody has written, or fails"),
        (r"(local header|the name, flags and method|a descriptor|between the entry|a stored entry|without encryption|before it|without overlaps|ends before byte|a zip64 field)",
         "torch reads the directory and does not compare it with the entries' own headers"),
        (r"version.*expected a number|byteorder", "torch does not read the version of the archive, and takes other texts for the byte order"),
        (r"expected every entry in", "torch asks for its records by name and ignores all others"),
        (r"found the global .*torch\..*, whose", "element types that graft does not read"),
        (r"at most 64 levels", "torch takes values in any number of containers"),
        (r"found the opcode", "opcodes that torch.save does not write"),
        (r"memo entry", "torch keeps the memo in a dictionary and takes any number"),
        (r"pickle protocol 2", "torch warns of other protocols and goes on"),
        (r"expected one value at the opcode STOP", "torch leaves what else is on the stack"),
        (r"(found more bytes|expected the end of the file|bytes of no storage)", "torch does not look behind the last thing that it needs"),
        (r"(_rebuild|persistent id|OrderedDict|a dictionary of|keys are names|names that differ|names in UTF-8|of hooks|to give attributes)",
         "torch takes any values where the state of a model has certain ones"),
        (r"byte 0: expected the magic number", "torch takes the magic number in a pickle of any protocol"),
        (r"(magic number|protocol 1001|little_endian|about the system)", "torch reads the facts about the system only in part"),
        (r"(repeats no element|no two elements share|inside the|no more bytes than storage)", "torch takes tensors whose elements share places or lie in a larger storage"),
        (r"(bytes for .* elements|elements as in the state)", "torch compares sizes only where it reads"),
        (r"(expected .* storages|to stay|each storage once|storages that the state uses)", "torch takes storages that are not used, or used as two types"),
    ],
    "safetensors": [
        (r"expected one such key, found a second", "the library lets the last of two keys win"),
        (r"expected an element type of .*, whose", "element types that graft does not read"),
        (r"expected at most 8 dimensions", "the library bounds no rank"),
        (r"expected at most (65536 tensors|131072 entries)", "the library bounds no number of entries"),
        (r"expected a name of at most 1024 bytes", "the library bounds no name"),
        (r"expected a header of at most 16000000 bytes", "the library takes headers of 100 MB"),
    ],
}
# What graft takes and the peer refuses: a part of the peer's message, why.
LENIENT = {
    "torch": [
        (r"UntypedStorage' has no attribute 'dtype'", "torch writes float8 into legacy files and cannot read them"),
        (r"invalid literal for int", "graft does not read torch's records of its own alignment and format"),
        (r"(filename|archive|central directory|miniz|PytorchStreamReader|zip)", "miniz refuses what does not matter for stored entries (dates, attributes)"),
        (r"(UnicodeDecodeError|codec)", "graft does not decode texts that it does not use"),
        (r"(device|location|deserialize|cuda|CUDA|tag)", "graft has no use for the name of the device"),
        (r"(protocol_version|type_sizes|sys_info|KeyError)", "graft reads of the facts about the system only the byte order"),
    ],
    "safetensors": [],
}


def tensors_of_seed():
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(4, 6, generator=generator)
    return collections.OrderedDict([
        ("encoder.weight", torch.nn.Parameter(weight)), ("decoder.weight", weight), ("columns", weight[:, 1:4]),
        ("transposed", torch.randn(3, 5, generator=generator).t()), ("bias", torch.randn(3, generator=generator).half()),
        ("brain", torch.randn(3, generator=generator).bfloat16()), ("positions", torch.arange(4)),
        ("flags", torch.tensor([True, False])), ("scalar", torch.tensor(2.5, dtype=torch.float64)),
        ("none", torch.empty(0, 5)), ("bytes", torch.arange(5, dtype=torch.uint8)), ("small", torch.randn(3, 2, generator=generator).to(
            torch.float8_e4m3fn).t()), ("wide", torch.randn(3, generator=generator).to(torch.float8_e5m2)),
        ("scale", torch.tensor([127, 0, 255], dtype=torch.uint8).view(torch.float8_e8m0fnu)), ("words", torch.arange(3).to(torch.uint16))])


def seeds():
    """Format: bytes."""
    state = tensors_of_seed()
    plain = {name: value.detach().clone(memory_format=torch.contiguous_format) for name, value in state.items()}
    module = collections.OrderedDict(state)
    module._metadata = collections.OrderedDict([("", {"version": 1})])
    zipped, legacy = io.BytesIO(), io.BytesIO()
    torch.save(module, zipped)
    # torch does not read what it writes here of the types without a storage of their own.
    old = collections.OrderedDict((name, value) for name, value in state.items() if name not in ("small", "wide", "scale", "words"))
    old._metadata = module._metadata
    torch.save(old, legacy, _use_new_zipfile_serialization=False)
    return {"safetensors": safetensors.torch.save(plain, {"format": "pt"}), "zip": zipped.getvalue(), "legacy": legacy.getvalue()}


def header(entries, data=b""):
    """A safetensors file of names with type, shape and offsets."""
    body = ",".join(json.dumps(name) + ":" + json.dumps({"dtype": dtype, "shape": shape, "data_offsets": offsets})
                    for name, dtype, shape, offsets in entries)
    body = ("{" + body + "}").encode()
    return struct.pack("<Q", len(body)) + body + data


def unusual_headers():
    """Name: bytes of a safetensors file."""
    files = {f"the type {dtype}": header([("t", dtype, shape, [0, size])], bytes(size))
             for dtype, shape, size in (("F4", [4], 2), ("F6_E2M3", [4], 3), ("F6_E3M2", [4], 3), ("F8_E4M3", [3], 3), ("F8_E5M2", [3], 3),
                                        ("F8_E8M0", [3], 3), ("F8_E4M3FNUZ", [3], 3), ("F8_E5M2FNUZ", [3], 3), ("C64", [2], 16), ("F33", [1], 4))}
    files.update({f"rank {rank}": header([("t", "U8", [1] * rank, [0, 1])], b"x") for rank in (8, 9)})
    files.update({f"{count} entries": header([(f"t{i}", "U8", [0], [0, 0]) for i in range(count)]) for count in (65_536, 65_537, 70_000)})
    files.update({f"a name of {size} bytes": header([("n" * size, "U8", [1], [0, 1])], b"x") for size in (1024, 1025)})
    spaces = b"{}" + b" " * 16_000_000
    return {**files, "a header of 16,000,002 bytes": struct.pack("<Q", len(spaces)) + spaces,
            "a name twice": header([("t", "U8", [1], [0, 1]), ("t", "U8", [1], [0, 1])], b"x"),
            "one place twice": header([("a", "U8", [1], [0, 1]), ("b", "U8", [1], [0, 1])], b"x"),
            "a shape that wraps": header([("t", "F32", [4194305, 4194305, 211106198978564], [0, 16])], bytes(16)),
            "behind the data": header([("t", "U8", [1], [0, 1])], b"xPK"), "empty": b""}


def saved(tensor, **options):
    out = io.BytesIO()
    torch.save({"t": tensor}, out, **options)
    return out.getvalue()


def damaged(seed, extra_bits):
    yield "whole", seed
    for size in range(len(seed)):
        yield f"cut at {size}", seed[:size]
    for byte in sorted(set(range(min(512, len(seed)))) | set(extra_bits)):
        for bit in range(8):
            changed = bytearray(seed)
            changed[byte] ^= 1 << bit
            yield f"bit {bit} of byte {byte}", bytes(changed)
    for width in 1, 2, 4, 8:
        for at in range(0, len(seed) - width + 1, width):
            for edge in EDGES:
                changed = bytearray(seed)
                changed[at:at + width] = struct.pack("<Q", edge)[:width]
                if changed != seed:
                    yield f"{width} bytes at {at} as {edge:x}", bytes(changed)


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def integer(value):
    if 0 <= value < 256:
        return b"K" + bytes([value])
    size = max(1, (value.bit_length() + 8) // 8)
    return b"\x8a" + bytes([size]) + value.to_bytes(size, "little", signed=True)


def integers(values):
    return b"(" + b"".join(map(integer, values)) + b"t"


def pickled_tensor(numel=4, offset=0, size=(4,), stride=(1,), key="0", storage="FloatStorage", function="torch._utils\n_rebuild_tensor_v2",
                   kind="storage"):
    return (b"c" + function.encode() + b"\n((" + text(kind) + b"ctorch\n" + storage.encode() + b"\n" + text(key) + text("cpu") +
            integer(numel) + b"tQ" + integer(offset) + integers(size) + integers(stride) + b"\x89ccollections\nOrderedDict\n)RtR")


def archive(pickle, data=struct.pack("<4f", 1, 2, 3, 4), method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        file.writestr("archive/data.pkl", pickle)
        file.writestr("archive/data/0", data)
        file.writestr("archive/version", "3\n")
    return out.getvalue()


def state_of(tensor, before=b"", after=b""):
    return b"\x80\x02}" + before + text("t") + tensor + b"s" + after + b"."


def attacks():
    """Name: bytes of a file."""
    system = state_of(b"cposix\nsystem\n" + text("true") + b"\x85R")
    good = state_of(pickled_tensor())
    files = {
        "good": archive(good),
        "posix.system": archive(system),
        "builtins.eval": archive(state_of(b"cbuiltins\neval\n" + text("1") + b"\x85R")),
        "STACK_GLOBAL": archive(state_of(text("posix") + text("system") + b"\x93" + text("true") + b"\x85R")),
        "global by the memo": archive(state_of(b"cposix\nsystem\nq\x05" + text("true") + b"\x85Rh\x05" + text("true") + b"\x85R")),
        "torch.load itself": archive(state_of(b"ctorch\nload\n" + text("x") + b"\x85R")),
        "_rebuild_qtensor": archive(state_of(pickled_tensor(function="torch._utils\n_rebuild_qtensor"))),
        "LONG_BINPUT 2^31": archive(b"\x80\x02}r" + struct.pack("<I", 2**31) + good[3:]),
        "text of 4 GB": archive(b"\x80\x02}X" + struct.pack("<I", 2**32 - 1) + b"ts."),
        "SETITEM on a list": archive(b"\x80\x02]" + text("t") + pickled_tensor() + b"s."),
        "SETITEM on a tuple": archive(b"\x80\x02)" + text("t") + pickled_tensor() + b"s."),
        "numel that wraps": archive(state_of(pickled_tensor(numel=0x4000000000000001))),
        "numel of 2.2 GB": archive(state_of(pickled_tensor(numel=550_000_000, size=(550_000_000,)))),
        "short record": archive(good, data=b"12345678"),
        "long record": archive(good, data=bytes(64)),
        "stride past the storage": archive(state_of(pickled_tensor(stride=(2,)))),
        "offset past the storage": archive(state_of(pickled_tensor(offset=1))),
        "negative size": archive(state_of(pickled_tensor(size=(-4,)))),
        "negative stride": archive(state_of(pickled_tensor(offset=3, stride=(-1,)))),
        "stride 0": archive(state_of(pickled_tensor(size=(1 << 20,), stride=(0,)))),
        "sizes that wrap": archive(state_of(pickled_tensor(size=(2**32, 2**32), stride=(0, 0)))),
        "tuples 10,000 deep": archive(state_of(pickled_tensor(), before=text("x") + b")" + b"\x85" * 10_000 + b"s")),
        "protocol 4": archive(b"\x80\x04\x95" + struct.pack("<Q", len(good) - 2) + good[2:]),
        "protocol 3": archive(b"\x80\x03" + good[2:]),
        "behind STOP": archive(good + b"N."),
        "no STOP": archive(good[:-1]),
        "deflated": archive(good, method=zipfile.ZIP_DEFLATED),
        "bytes behind the archive": archive(good) + b"PK more",
        "bytes before the archive": b"#!/bin/sh\n" + archive(good),
        "no dictionary": archive(b"\x80\x02" + pickled_tensor() + b"."),
        "numbers as names": archive(b"\x80\x02}K\x05" + pickled_tensor() + b"s."),
        "a name twice": archive(state_of(pickled_tensor(), before=text("t") + pickled_tensor() + b"s")),
        "unknown storage": archive(state_of(pickled_tensor(key="7"))),
        "unknown persistent id": archive(state_of(pickled_tensor(kind="module"))),
        "list in itself": archive(state_of(pickled_tensor(), before=text("x") + b"]q\x00h\x00as")),
        "empty": b"",
    }
    numbers = torch.arange(8, dtype=torch.uint8)
    for dtype in (torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e8m0fnu, torch.float8_e4m3fnuz, torch.float8_e5m2fnuz,
                  torch.float4_e2m1fn_x2, torch.uint16, torch.uint32, torch.uint64, torch.complex64):
        files[str(dtype)] = saved(numbers.view(dtype))
    files["torch.float8_e5m2, legacy"] = saved(numbers.view(torch.float8_e5m2), _use_new_zipfile_serialization=False)
    return files


class Peer:
    """A process of its own, since some of these files end the process."""

    def __init__(self):
        self.start()

    def start(self):
        self.here, there = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.serve, args=(there,), daemon=True)
        self.process.start()
        there.close()

    @staticmethod
    def serve(pipe):
        warnings.simplefilter("ignore")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        while True:
            kind, path = pipe.recv()
            try:
                pipe.send(("ok", (read_safetensors if kind == "safetensors" else read_torch)(path)))
            except BaseException as error:  # panics of Rust are none of Exception
                pipe.send(("refused", f"{type(error).__name__}: {error}"))

    def read(self, kind, path):
        self.here.send((kind, path))
        try:
            if self.here.poll(60):
                return self.here.recv()
            self.process.kill()
        except EOFError:
            pass
        self.process.join()
        code = self.process.exitcode
        self.start()
        return "refused", f"the process ended with {code}"


def read_safetensors(path):
    with open(path, "rb") as file:
        return {name: (entry["dtype"], tuple(entry["shape"]), bytes(entry["data"]))
                for name, entry in safetensors.deserialize(file.read())}


def read_torch(path):
    state = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(state, dict):
        raise TypeError(f"no dictionary but {type(state).__name__}")
    found = {}
    for name, value in state.items():
        if isinstance(value, torch.Tensor):
            data = value.detach().contiguous().reshape(-1).view(torch.uint8) if value.numel() else torch.empty(0, dtype=torch.uint8)
            found[name] = (TYPES.get(value.dtype, str(value.dtype)), tuple(value.shape), data.numpy().tobytes())
    return found


class Graft:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "check"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"weights_worker ended with {self.process.wait()}")
        return line.rstrip("\n")

    def read(self, path):
        self.process.stdin.write(path + "\n")
        self.process.stdin.flush()
        verdict, rest = self.line().split(" ", 1)
        if verdict == "refused":
            assert path in rest, f"a message without the file: {rest}"
            return verdict, rest.split(path, 1)[1]
        found = {}
        for _ in range(int(rest)):
            name, dtype, shape, data = self.line().split(" ")
            found[bytes.fromhex(name[:-1]).decode()] = (dtype, () if shape == "scalar" else tuple(map(int, shape.split("x"))),
                                                        bytes.fromhex(data[:-1]))
        return verdict, found


def reason_of(table, message):
    return next((reason for pattern, reason in table if re.search(pattern, message)), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    graft, peer = Graft(arguments.program), Peer()
    counts = collections.defaultdict(collections.Counter)
    unexplained = []
    folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    path = os.path.join(folder.name, "file")

    def compare(kind, name, data):
        Path(path).write_bytes(data)
        library = "safetensors" if kind in ("safetensors", "headers") else "torch"
        (ours, mine), (theirs, other) = graft.read(path), peer.read(library, path)
        count = counts[kind]
        count["files"] += 1
        if ours == theirs == "refused":
            count["both refuse"] += 1
        elif ours == theirs:
            count["both accept"] += 1
            if mine != other:
                unexplained.append(f"{kind}: {name}: other tensors: {sorted(set(mine) ^ set(other)) or 'values'}")
        else:
            refused = ours == "refused"
            message = mine if refused else other
            reason = reason_of((STRICTER if refused else LENIENT)[library], message)
            count[("only graft refuses: " if refused else f"only {library} refuses: ") + (reason or "UNEXPLAINED")] += 1
            if reason is None:
                unexplained.append(f"{kind}: {name}: {'graft' if refused else library} refuses: {message}")

    for kind, seed in seeds().items():
        begin = seed.rfind(b"PK\x05\x06") if kind == "zip" else len(seed)
        directory = seed.find(b"PK\x01\x02") if kind == "zip" else begin
        for i, (name, data) in enumerate(damaged(seed, range(directory, len(seed) if kind == "zip" else begin))):
            if i == 0 or not arguments.quick or i % 23 == 0:
                compare(kind, name, data)
        print(f"{kind}: {dict(counts[kind])}", flush=True)
    for name, data in attacks().items():
        compare("attacks", name, data)
    for name, data in unusual_headers().items():
        compare("headers", name, data)
    for kind in "attacks", "headers":
        print(f"{kind}: {dict(counts[kind])}")
    assert counts["zip"]["both accept"] and counts["legacy"]["both accept"] and counts["safetensors"]["both accept"]
    for line in unexplained[:40]:
        print(line)
    if not arguments.quick and not unexplained:
        result = {"command": "python3 tests/parity/weight_files_parity.py build/tests/parity/weights_worker",
                  "versions": {"torch": torch.__version__.split("+")[0], "safetensors": safetensors.__version__},
                  "verdicts": {kind: dict(sorted(count.items())) for kind, count in counts.items()}}
        (Path(__file__).parent / "results" / "weight_files.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"{sum(c['files'] for c in counts.values())} files, {len(unexplained)} differences without a reason")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())

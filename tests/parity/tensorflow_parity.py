#!/usr/bin/env python3
"""Verdicts and tensors of TensorFlow checkpoints, whole and damaged: graft beside tf.train.load_checkpoint.

  python3 tests/parity/tensorflow_parity.py build/tests/parity/weights_worker [--data ../shared/data] [--quick] [--seconds 600]

Needs the packages of requirements-tensorflow.txt, in an environment of their own. Compared:

  checkpoints  the fixture of shared/data, and what TensorFlow writes: BERT by tf.compat.v1's Saver and tf.train.Checkpoint, several
               data files, variables in parts, all types, thousands of names
  attacks      indexes written by hand
  index        of a checkpoint of TensorFlow and of one with several blocks and data files: every truncation, every flipped bit,
               every aligned integer of 1, 2, 4 and 8 bytes replaced by edge values
  entries      the same, and long varints at every byte, with the sums of the blocks made right again: nothing else gets past them
  data         the same for a data file

TensorFlow reads every tensor. Where both accept, graft's tensors must be those of TensorFlow, all of them, under the names that
transformers gives (BERT's translation is written here once more), kernels transposed: types, shapes and bytes. Every other
difference belongs to a reason below, or the script ends with status 1. Counts by reason are kept in
results/tensorflow_checkpoints.json after every piece: run it again and it goes on where it was, from the beginning when the program
or the script is another. --quick takes every 23rd of the damaged files and keeps nothing.
"""

import argparse
import collections
import hashlib
import json
import multiprocessing
import os
import re
import resource
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1", TF_ENABLE_ONEDNN_OPTS="0")

import numpy
# Only forked processes call it: some of these files end the process, and what has threads cannot be forked.
import tensorflow as tf

HERE = Path(__file__).resolve().parent
RESULT = HERE / "results" / "tensorflow_checkpoints.json"
EDGES = [0, 1, 2**64 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63]
PIECE = 2000  # cases between two looks at the clock
TYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32", "int16": "I16",
         "int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL"}
ENDED = "the process ended with"
INDEX, DATA = ".index", ".data-00000-of-00001"

# What graft refuses and TensorFlow takes: a part of graft's message, with "lost: " before it where TensorFlow gives fewer tensors than
# were written; why.
STRICTER = [
    (r"^lost: ", "TensorFlow ends its list of tensors without a word where a block or an entry is damaged"),
    (r"(CRC-32C of the block|a block inside|found compression|number of restarts|first restart|a restart where)",
     "TensorFlow does not read the block of other facts, and of restarts only what it seeks with"),
    (r"(in one piece|tensors in one piece)", "graft does not read variables in parts, which no release of BERT has, and refuses names like theirs"),
    (r"expected one tensor for", "two names of TensorFlow become one of PyTorch"),
    (r"expected the entry '' with the header", "TensorFlow takes the first entry for the header, whatever its name"),
    (r"(num_shards|dtype of '.*'|shard_id of '.*') from 0", "TensorFlow cuts these numbers to 32 bits"),
    (r"endian", "TensorFlow turns numbers of the other byte order, and takes any number for it"),
    (r"bad_consumers", "TensorFlow compares these with its own version; there are none"),
    (r"compressed by snappy", "TensorFlow reads blocks that are compressed, and writes none"),
    (r"which ends at byte", "TensorFlow takes tensors that share bytes"),
    (r"a key above", "TensorFlow does not compare the order of the names"),
    (r"(a key of at most|dimensions, found more)", "bounds of graft: 1,024 bytes of a name, 8 dimensions"),
    (r"unknown_rank of '.*' from", "TensorFlow reads the shape of a tensor whose rank it is told to be unknown"),
    (r"wire type", "TensorFlow passes over groups and over fields of another wire type"),
    (r"inside the \d+ bytes of", "TensorFlow does not look where a tensor without elements is"),
]
# What graft takes and TensorFlow refuses: a part of TensorFlow's message, why. "set aside: " stands before it where only tensors fail
# that graft sets aside.
LENIENT = [
    (r"^set aside: ", "graft does not read what only training used, nor types that no model has"),
    (r"does not correspond to a valid tensorflow::DataType", "graft lists tensors of unknown types and reads the others"),
]
# Where the tensors that were written are counted: the name up to the file.
WRITTEN = {"TensorFlow's": 7, "by hand": 5, "the first block is damaged": 40, "the second block is damaged": 40, "snappy": 40,
           "a key that shares more than there is": 1}
# Parts of the names of what only training used.
TRAINING = ["global_step", "adam_m", "adam_v", "AdamWeightDecayOptimizer", "AdamWeightDecayOptimizer_1", "lamb_m", "lamb_v", "LAMBOptimizer",
            "LAMBOptimizer_1", "Adam", "Adam_1", "beta1_power", "beta2_power", "Momentum", "loss_scale", "current_loss_scale", "good_steps"]


# --- names, as load_tf_weights_in_bert of transformers 4 finds the modules -------------------------------------------------------

def translate(name):
    """The name in PyTorch; None for what only training used."""
    parts = name.split("/")
    if set(parts) & set(TRAINING):
        return None
    found = ["classifier"] if name in ("output_weights", "output_bias") else []  # the head of run_classifier.py has no scope
    for i, part in enumerate(parts):
        if parts[i:i + 2] == ["cls", "squad"]:
            continue
        module, *number = re.split(r"_(\d+)", part, flags=re.ASCII)[:2] if re.fullmatch(r"[A-Za-z]+_\d+", part, re.ASCII) else [part]
        module = {"kernel": "weight", "gamma": "weight", "output_weights": "weight", "beta": "bias", "output_bias": "bias",
                  "squad": "classifier"}.get(module, module)
        found += [module, *number]
    return ".".join(found + ["weight"] * parts[-1].endswith("_embeddings"))


def as_graft_reads(tensors):
    """TensorFlow's tensors under graft's names; None instead when two get one name."""
    expected = {}
    for name, value in tensors.items():
        new = translate(name)
        if new is None or value is None:  # None: of a type that graft sets aside
            continue
        if new in expected:
            return None
        if name.split("/")[-1] == "kernel":
            value = value.T
        expected[new] = (TYPES[value.dtype.name], value.shape, numpy.ascontiguousarray(value).tobytes())
    return expected


# --- both sides ------------------------------------------------------------------------------------------------------------------

def read_tensorflow(prefix):
    """Every tensor; None for those of types that graft sets aside."""
    reader = tf.train.load_checkpoint(prefix)
    dtypes = reader.get_variable_to_dtype_map()
    found, failed = {}, {}
    for name, shape in reader.get_variable_to_shape_map().items():
        known = dtypes[name].name in TYPES
        try:
            value = numpy.asarray(reader.get_tensor(name))
        except Exception as error:
            failed[name] = known and translate(name) is not None, error
            continue
        assert list(value.shape) == shape
        found[name] = value if known else None
    if failed:
        needed, error = max(failed.values(), key=lambda item: item[0])
        raise ValueError(f"{'needed' if needed else 'set aside'}: {error}")
    return found


class Peer:
    """A process of its own, since some of these files end the process."""

    def __init__(self, work):
        self.work = work
        self.start()

    def start(self):
        self.here, there = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=self.serve, args=(there,), daemon=True)
        self.process.start()
        there.close()

    def serve(self, pipe):
        self.here.close()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        while True:
            argument = pipe.recv()
            try:
                pipe.send(("ok", self.work(argument)))
            except Exception as error:
                pipe.send(("refused", str(error)))

    def ask(self, argument):
        self.here.send(argument)
        try:
            if self.here.poll(300):
                return self.here.recv()
            self.process.kill()
        except (EOFError, ConnectionResetError):
            pass
        self.process.join()
        code = self.process.exitcode
        self.start()
        return "refused", f"{ENDED} {code}"


class Graft:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "check"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"weights_worker ended with {self.process.wait()}")
        return line.rstrip("\n")

    def read(self, prefix):
        self.process.stdin.write(prefix + INDEX + "\n")
        self.process.stdin.flush()
        verdict, rest = self.line().split(" ", 1)
        if verdict == "refused":
            code, message = rest.split(" ", 1)
            assert message.startswith(prefix), f"a message without the file: {message}"
            message = message.removeprefix(prefix)
            assert code == "DATA_LOSS" and ": byte " in message or code == "INVALID_ARGUMENT" and "expected one tensor for" in message or \
                code == "NOT_FOUND" and DATA[:6] in message, rest
            return verdict, message
        found = {}
        for _ in range(int(rest)):
            name, dtype, shape, data = self.line().split(" ")
            found[bytes.fromhex(name[:-1]).decode()] = (dtype, () if shape == "scalar" else tuple(map(int, shape.split("x"))),
                                                        bytes.fromhex(data[:-1]))
        return verdict, found


# --- files written by hand -------------------------------------------------------------------------------------------------------

def crc_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82F63B78 if i & 1 else 0)
        table.append(i)
    return table


CRC_TABLE = crc_table()


def masked_sum(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(value):
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value & 2**64 - 1)


def message(field, content):
    return varint(field << 3 | 2) + varint(len(content)) + content


def block(entries, interval=16):
    out, restarts, before = b"", [], b""
    for i, (key, value) in enumerate(entries):
        shared = 0
        if i % interval == 0:
            restarts.append(len(out))
        else:
            shared = len(os.path.commonprefix([before, key]))
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    restarts = restarts or [0]
    return out + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def table_of_blocks(blocks, compress=lambda block: (block, 0), others=block([])):
    """`blocks`: the last key and the bytes of each."""
    out = b""

    def append(content, kind=0):
        nonlocal out
        handle = varint(len(out)) + varint(len(content))
        content += bytes([kind])
        out += content + masked_sum(content)
        return handle

    index = [(key, append(*compress(content))) for key, content in blocks]
    footer = append(others) + append(block(index, 1))
    return out + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def table(entries, of_block=10**9, interval=16, sort=True, **rest):
    entries = sorted(entries) if sort else entries
    parts = [entries[i:i + of_block] for i in range(0, len(entries), of_block)]
    return table_of_blocks([(part[-1][0], block(part, interval)) for part in parts], **rest)


def snappy(content):
    """As one literal."""
    return varint(len(content)) + b"\xf4" + struct.pack("<H", len(content) - 1) + content, 1


def entry(dtype=1, shape=(2, 3), shard=0, offset=0, size=24, data=bytes(24), more=b""):
    dims = b"".join(message(2, number(1, dim)) for dim in shape)
    return (number(1, dtype) + message(2, dims) + (number(3, shard) if shard else b"") + (number(4, offset) if offset else b"") +
            (number(5, size) if size else b"") + b"\x35" + masked_sum(data) + more)


def header(shards=1, more=message(3, number(1, 1))):
    return b"", (number(1, shards) if shards else b"") + more


def attacks():
    """Name: files by what follows upon the prefix."""
    one = (b"w", entry())

    def with_index(index, data=bytes(24)):
        return {INDEX: index, DATA: data}

    def entries(*values, **rest):
        return with_index(table([header(), *values], **rest))

    def changed(**values):
        return entries((b"w", entry(**values)))

    both = table([header(), one])
    many = [(f"layer_{i}/kernel".encode(), entry()) for i in range(40)]
    apart = [(f"layer_{i:02}/kernel".encode(), entry(offset=24 * i)) for i in range(40)]
    return {
        "good": with_index(both),
        "a hole between tensors": {INDEX: table([header(), one, (b"x", entry(offset=40))]), DATA: bytes(64)},
        "bytes behind the tensors": with_index(both, bytes(100)),
        "bytes behind the index": with_index(both + b"more"),
        "no data file": {INDEX: both},
        "a data file of another name": {INDEX: both, ".data-00000-of-00002": bytes(24)},
        "empty data file": with_index(both, b""),
        "empty index": with_index(b""),
        "only a footer": with_index(both[-48:]),
        "no entries": with_index(table([])),
        "only the header": entries(),
        "no header": with_index(table([one])),
        "header twice": with_index(table([header(), header(), one])),
        "header without shards": with_index(table([header(0), one])),
        "2 shards, 1 file": with_index(table([header(2), one])),
        "2^31 shards": with_index(table([header(2**31), one])),
        "-1 shards": with_index(table([header(-1), one])),
        "2^32 + 1 shards": with_index(table([header(2**32 + 1), one])),
        "big-endian": with_index(table([header(more=number(2, 1)), one])),
        "endianness 2": with_index(table([header(more=number(2, 2)), one])),
        "no version": with_index(table([header(more=b""), one])),
        "version 2 for readers of 1": with_index(table([header(more=message(3, number(1, 2) + number(2, 1))), one])),
        "version for readers of 2": with_index(table([header(more=message(3, number(1, 2) + number(2, 2))), one])),
        "bad consumers": with_index(table([header(more=message(3, number(1, 1) + message(3, varint(1)))), one])),
        "bad consumers that are others": with_index(table([header(more=message(3, number(1, 1) + message(3, varint(7)))), one])),
        "blocks of one entry": {INDEX: table([header(), *apart], of_block=1), DATA: bytes(24 * 40)},
        "restarts everywhere": {INDEX: table([header(), *apart], interval=1), DATA: bytes(24 * 40)},
        "snappy": {INDEX: table([header(), *apart], compress=snappy), DATA: bytes(24 * 40)},
        "zlib's number": entries(one, compress=lambda content: (content, 2)),
        "all tensors in one place": entries(*many),
        "two tensors that overlap": {INDEX: table([header(), one, (b"x", entry(offset=12))]), DATA: bytes(64)},
        "keys that descend": with_index(table([header(), (b"x", entry()), one], sort=False)),
        "a key twice": entries(one, one),
        "a damaged block of others": with_index(both[:both.rfind(block([]))] + b"\1" + both[both.rfind(block([])) + 1:]),
        "a block of others with entries": entries(one, others=block([(b"filter", b"")])),
        "the second block is damaged": {INDEX: damage_block(table([header(), *apart], of_block=20), 1), DATA: bytes(24 * 40)},
        "the first block is damaged": {INDEX: damage_block(table([header(), *apart], of_block=20), 0), DATA: bytes(24 * 40)},
        "the first block once more": {INDEX: table_of_blocks([(b"w", block([header(), one])), (b"x", block([header(), one]))]), DATA: bytes(24)},
        "an index key below the last key": with_index(table_of_blocks([(b"a", block([header(), one]))])),
        "a block with a wrong restart": with_index(table_of_blocks([(b"w", block([header(), one])[:-8] + struct.pack("<2I", 3, 1))])),
        "a block without restarts": with_index(table_of_blocks([(b"w", block([header(), one])[:-8] + struct.pack("<I", 0))])),
        "a key that shares more than there is": with_index(table_of_blocks([(b"w", b"\0\0\4\x08\1\x1a\0" + b"\5\1\0w" + struct.pack("<2I", 0, 1))])),
        "a name of 1,024 bytes": entries((b"w" * 1024, entry())),
        "a name of 1,025 bytes": entries((b"w" * 1025, entry())),
        "a name of a megabyte": entries((b"w" * 2**20, entry())),
        "a name that is no UTF-8": entries((b"w\xff", entry())),
        "a name with NUL": entries((b"w\0x", entry())),
        "a name that begins with NUL": entries((b"\0w", entry())),
        "two names that become one": {INDEX: table([header(), (b"a/beta", entry()), (b"a/bias", entry(offset=24))]), DATA: bytes(48)},
        "type 0": changed(dtype=0),
        "type 21": changed(dtype=21),
        "type 99": changed(dtype=99),
        "type 101, a reference": changed(dtype=101),
        "type -1": changed(dtype=-1),
        "type 2^32 + 1": changed(dtype=2**32 + 1),
        "string of one element": changed(dtype=7, shape=(), size=8, data=bytes(8)),
        "complex": changed(dtype=8, shape=(3,)),
        "quantized": changed(dtype=12, shape=(24,)),
        "size too small": changed(size=20),
        "size too large": changed(size=28),
        "size 0": changed(size=0),
        "size -1": changed(size=-1),
        "offset 1": changed(offset=1),
        "offset -1": changed(offset=-1),
        "offset 2^63 - 24": changed(offset=2**63 - 24),
        "offset 2^63 - 1": changed(offset=2**63 - 1),
        "shard 1": changed(shard=1),
        "shard -1": changed(shard=-1),
        "shard 2^32": changed(shard=2**32),
        "dimension -1": changed(shape=(-1,)),
        "dimensions that wrap to 24 bytes": changed(shape=(2**62 + 3, 2), size=24),
        "dimensions that wrap to 0 bytes": changed(shape=(2**32, 2**32), size=0, data=b""),
        "2^63 - 1 and 0": changed(shape=(2**63 - 1, 0), size=0, data=b""),
        "2^62, 2^62 and 0": changed(shape=(2**62, 2**62, 0), size=0, data=b""),
        "2.2 GB in 24 bytes": changed(shape=(550_000_000,), size=2_200_000_000),
        "rank 8": changed(shape=(1,) * 6 + (2, 3)),
        "rank 9": changed(shape=(1,) * 7 + (2, 3)),
        "rank 254": changed(shape=(1,) * 252 + (2, 3)),
        "rank 255": changed(shape=(1,) * 253 + (2, 3)),
        "unknown rank": entries((b"w", number(1, 1) + message(2, number(3, 1)) + number(5, 4) + b"\x35" + masked_sum(bytes(4)))),
        "unknown rank false": entries((b"w", entry(more=message(2, number(3, 0))))),
        "two shapes": entries((b"w", entry(shape=(2,), more=message(2, message(2, number(1, 3)))))),
        "no shape": entries((b"w", number(1, 1) + number(5, 4) + b"\x35" + masked_sum(bytes(4)))),
        "a wrong sum": changed(data=b"other"),
        "no sum": entries((b"w", entry()[:-5])),
        "a slice": changed(more=message(7, message(1, b""))),
        "an unknown field": changed(more=number(90, 5)),
        "a group": changed(more=b"\xdb\x05\xdc\x05"),
        "an open group": changed(more=b"\xdb\x05"),
        "wire type 7": changed(more=b"\x0f"),
        "field 0": changed(more=b"\x00\x00"),
        "the type twice": changed(dtype=3, more=number(1, 1)),
        "a type as text": changed(dtype=1, more=message(1, b"\1")),
        "a varint of 11 bytes": changed(more=varint(90 << 3) + b"\xff" * 10 + b"\1"),
        "a long varint": changed(more=varint(5 << 3) + b"\x98\x80\x80\x80\0"),
        "names of dimensions": entries((b"w", number(1, 1) + message(2, message(2, number(1, 6) + message(2, b"rows"))) + number(5, 24) +
                                        b"\x35" + masked_sum(bytes(24)))),
    }


def numbers_at(data, at):
    out = []
    while len(out) < 2:
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        out.append(value)
    return out, at


def places_of_blocks(index):
    """Begin and end, without the trailer: the data blocks, that of others, the index block."""
    others, at = numbers_at(index, len(index) - 48)
    inner, _ = numbers_at(index, at)
    at, end = inner[0], sum(inner)
    end -= 4 + 4 * struct.unpack_from("<I", index, end - 4)[0]
    places = []
    while at < end:
        shared, at = index[at], at + 1  # the keys are short, so these are bytes
        key, at = index[at], at + 1
        value, at = index[at], at + 1
        assert shared == 0 and key < 128 and value < 128
        places.append(numbers_at(index, at + key)[0])
        at += key + value
    return [(begin, begin + size) for begin, size in [*places, others, inner]]


def damage_block(index, which):
    at = places_of_blocks(index)[which][0] + 7
    return index[:at] + bytes([index[at] ^ 1]) + index[at + 1:]


def repaired(index, places):
    for begin, end in places:
        index[end + 1:end + 5] = masked_sum(index[begin:end + 1])
    return bytes(index)


# --- files written by TensorFlow -------------------------------------------------------------------------------------------------

def bert_variables(layers=2, training=True):
    """Names and values as the original code has them, small."""
    def tensor(*shape, dtype=numpy.float32):
        nonlocal count
        count += 1
        return numpy.random.default_rng(count).standard_normal(shape).astype(dtype)

    count = 0
    names = {"bert/embeddings/word_embeddings": tensor(7, 4), "bert/embeddings/position_embeddings": tensor(5, 4),
             "bert/embeddings/token_type_embeddings": tensor(2, 4), "bert/embeddings/LayerNorm/gamma": tensor(4),
             "bert/embeddings/LayerNorm/beta": tensor(4), "bert/pooler/dense/kernel": tensor(4, 4), "bert/pooler/dense/bias": tensor(4),
             "cls/predictions/transform/dense/kernel": tensor(4, 4), "cls/predictions/transform/LayerNorm/gamma": tensor(4),
             "cls/predictions/output_bias": tensor(7), "cls/seq_relationship/output_weights": tensor(2, 4),
             "cls/seq_relationship/output_bias": tensor(2)}
    for i in range(layers):
        layer = f"bert/encoder/layer_{i}/"
        for part in "query", "key", "value":
            names[f"{layer}attention/self/{part}/kernel"] = tensor(4, 4)
            names[f"{layer}attention/self/{part}/bias"] = tensor(4)
        names |= {layer + "attention/output/dense/kernel": tensor(4, 4), layer + "intermediate/dense/kernel": tensor(4, 6),
                  layer + "intermediate/dense/bias": tensor(6), layer + "output/dense/kernel": tensor(6, 4),
                  layer + "output/LayerNorm/gamma": tensor(4), layer + "output/LayerNorm/beta": tensor(4)}
    if training:
        for name in list(names):
            names[name + "/adam_m"] = names[name] * 0.1
            names[name + "/adam_v"] = names[name] * names[name]
        names["global_step"] = numpy.int64(3)
    return names


def files_of(prefix):
    folder, stem = os.path.split(prefix)
    return {name.removeprefix(stem): Path(folder, name).read_bytes() for name in sorted(os.listdir(folder)) if name.startswith(stem + ".")}


def saved(values, shards=1, partitions=1):
    """By the Saver of TensorFlow 1; with several shards the variables stand on as many devices."""
    v1 = tf.compat.v1
    with tempfile.TemporaryDirectory() as folder, tf.Graph().as_default():
        partitioner = v1.fixed_size_partitioner(partitions) if partitions > 1 else None
        with v1.variable_scope("", partitioner=partitioner, use_resource=True):
            for i, (name, value) in enumerate(values.items()):
                with tf.device(f"/cpu:{i % shards}"):
                    whole = partitions == 1 or numpy.ndim(value) == 0 or value.shape[0] < partitions
                    v1.get_variable(name, shape=numpy.shape(value), dtype=value.dtype, partitioner=None if whole else partitioner,
                                    initializer=v1.constant_initializer(value) if whole else v1.ones_initializer())
        with v1.Session(config=v1.ConfigProto(device_count={"CPU": shards})) as session:
            session.run(v1.global_variables_initializer())
            saver = v1.train.Saver(sharded=shards > 1, write_version=v1.train.SaverDef.V2)
            return files_of(saver.save(session, folder + "/m.ckpt", write_meta_graph=False, write_state=False))


def written(values, shards=1):
    """By the operation itself, under any names."""
    with tempfile.TemporaryDirectory() as folder:
        prefixes = [f"{folder}/part{i}" for i in range(shards)]
        items = sorted(values.items())
        for i, prefix in enumerate(prefixes):
            own = items[i::shards]
            tf.raw_ops.SaveV2(prefix=prefix, tensor_names=[name for name, _ in own], shape_and_slices=[""] * len(own),
                              tensors=[tf.constant(value) for _, value in own])
        tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=prefixes, destination_prefix=folder + "/m.ckpt", delete_old_dirs=False)
        return files_of(folder + "/m.ckpt")


def object_checkpoint():
    with tempfile.TemporaryDirectory() as folder:
        model = tf.train.Checkpoint(layer_0=tf.Module(), step=tf.Variable(3, dtype=tf.int64))
        model.layer_0.kernel, model.layer_0.bias = tf.Variable([[1.0, 2, 3], [4, 5, 6]]), tf.Variable([1.0, 2])
        return files_of(model.write(folder + "/m.ckpt"))


def all_types():
    values = {f"{name}/kernel": tf.cast(tf.constant([[0, 1, 2], [3, 4, 5]]), getattr(tf, name)) for name in TYPES}
    special = numpy.array([0, -0.0, numpy.inf, -numpy.inf, numpy.nan, 1e-45, 3e38])
    values |= {f"special/{name}": tf.constant(special.astype(name)) for name in ("float16", "float32", "float64")}
    values |= {"special/bfloat16": tf.cast(tf.constant(special.astype("float32")), tf.bfloat16), "text": tf.constant(["a", "", "long" * 99]),
               "complex64": tf.constant([1 + 2j], tf.complex64), "complex128": tf.constant([1 + 2j], tf.complex128),
               "scalar": tf.constant(2.5), "none": tf.zeros([3, 0]), "none/kernel": tf.zeros([0, 2]), "deep/kernel": tf.range(120.0, dtype=tf.float32)}
    values["deep/kernel"] = tf.reshape(values["deep/kernel"], [2, 3, 4, 5])
    values["ones"] = tf.ones([1] * 8)
    return {name: value.numpy() if value.dtype != tf.bfloat16 else value for name, value in values.items()}


def make(name):
    """A checkpoint that TensorFlow writes; in a process of its own, as it starts threads."""
    bert = bert_variables()
    cases = {
        "BERT": lambda: saved(bert),
        "BERT without training": lambda: saved(bert_variables(training=False)),
        "BERT of twelve layers": lambda: saved(bert_variables(layers=12)),
        "BERT in two data files": lambda: saved(bert, shards=2),
        "BERT in five data files": lambda: saved(bert, shards=5),
        "BERT with variables in parts": lambda: saved(bert, partitions=2),
        "BERT in float16": lambda: saved({name: value.astype("float16") for name, value in bert_variables(training=False).items()}),
        "BERT in bfloat16": lambda: written({name: tf.cast(value, tf.bfloat16) for name, value in bert_variables(training=False).items()}),
        "tf.train.Checkpoint": object_checkpoint,
        "all types": lambda: written(all_types()),
        "all types in three data files": lambda: written(all_types(), shards=3),
        "heads": lambda: written({name: numpy.ones([2, 4], "float32") * i for i, name in enumerate(
            ["output_weights", "bert/x/LayerNorm/gamma", "cls/predictions/output_bias", "layer_7", "layer_07x/kernel", "a_b_1/c_2/d_",
             "x_embeddings", "kernel_1", "beta1_power", "x/lamb_m", "x/Adam_1", "adam_map/bias", "a//b", "kernel/x", "gamma_3/beta_4"])}),
        "names that become one": lambda: written({name: numpy.ones(2, "float32") for name in ("cls/squad/output_bias", "output_bias")}),
        "20,000 tensors, so several blocks": lambda: written(
            {f"bert/encoder/layer_{i // 40}/of/a/long/name/of/some/part/number_{i % 40}/kernel": numpy.array([[i, i + 1]], "int32") for i in range(20_000)}),
        "one name": lambda: written({"w": numpy.arange(6, dtype="float32").reshape(2, 3)}),
        "letters, one each": lambda: written({chr(0x4E00 + i) * (i % 5 + 1): numpy.array(i, "int16") for i in range(300)}),
        # For the damaged ones: prefixes, two types, one tensor that only training used, one that is none.
        "seed": lambda: written({"bert/encoder/layer_0/output/dense/kernel": numpy.arange(6, dtype="float32").reshape(2, 3),
                                 "bert/encoder/layer_0/output/dense/bias": numpy.arange(3, dtype="float16"),
                                 "bert/encoder/layer_0/output/dense/bias/adam_m": numpy.arange(3, dtype="float32"),
                                 "bert/embeddings/word_embeddings": tf.constant([[1, 2], [3, 4]], tf.bfloat16), "global_step": numpy.int64(5),
                                 "none": numpy.empty([2, 0], "float32"), "text": numpy.array(["some", "text"])}),
    }
    return list(cases) if name is None else cases[name]()


def made_by_hand():
    """Three blocks, two data files, restarts, a hole."""
    first, second = bytes(range(24)), bytes(range(100, 130))
    entries = [header(2), (b"a/layer_1/kernel", entry(data=first)), (b"a/layer_1/bias", entry(19, (3,), 1, 0, 6, second[:6])),
               (b"a/layer_10/gamma", entry(3, (2,), 1, 8, 8, second[8:16])), (b"a/layer_1/bias/adam_v", entry(19, (3,), 1, 16, 6, second[16:22])),
               (b"empty", entry(1, (0,), 0, 24, 0, b""))]
    return {INDEX: table(entries, of_block=2, interval=2), ".data-00000-of-00002": first, ".data-00001-of-00002": second}


# --- damage ----------------------------------------------------------------------------------------------------------------------

def edges(seed):
    for width in 1, 2, 4, 8:
        for at in range(0, len(seed) - width + 1, width):
            for edge in EDGES:
                changed = bytearray(seed)
                changed[at:at + width] = struct.pack("<Q", edge)[:width]
                yield f"{width} bytes at {at} as {edge:x}", changed


def flips(seed):
    for byte in range(len(seed)):
        for bit in range(8):
            changed = bytearray(seed)
            changed[byte] ^= 1 << bit
            yield f"bit {bit} of byte {byte}", changed


def long_varints(seed):
    for at in range(len(seed) - 10):
        for size in 2, 5, 9, 10:
            for last in 0, 1, 0x7F:
                changed = bytearray(seed)
                changed[at:at + size] = b"\xff" * (size - 1) + bytes([last])
                yield f"a varint of {size} bytes to {last:x} at {at}", changed


def damaged(seed):
    yield from ((f"cut at {size}", seed[:size]) for size in range(len(seed)))
    for name, changed in [*flips(seed), *edges(seed)]:
        if changed != seed:
            yield name, bytes(changed)


def damaged_entries(seed):
    places = places_of_blocks(seed)
    for name, changed in [*flips(seed), *edges(seed), *long_varints(seed)]:
        if any(changed[begin:end + 1] != seed[begin:end + 1] for begin, end in places):
            yield name, repaired(changed, places)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float, default=1e9, help="after which no piece begins")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    maker = Peer(make)

    def made(name):
        verdict, files = maker.ask(name)
        assert verdict == "ok", f"{name}: {files}"
        return files

    def checkpoints():
        yield "the fixture", files_of(str(options.data / "weights-fixtures/tf-checkpoint/bert_model.ckpt"))
        for name in made(None):
            yield name, made(name)
        yield "by hand", made_by_hand()

    def changed(part, how):
        for which, files in ("TensorFlow's", made("seed")), ("by hand", made_by_hand()):
            for place in [name for name in files if name.startswith(part)]:
                for name, content in how(files[place]):
                    yield f"{which}{place}: {name}", {**files, place: content}

    kinds = {"checkpoints": checkpoints, "attacks": lambda: attacks().items(), "index": lambda: changed(INDEX, damaged),
             "entries": lambda: changed(INDEX, damaged_entries), "data": lambda: changed(DATA[:6], damaged)}
    head = {"command": "python3 tests/parity/tensorflow_parity.py build/tests/parity/weights_worker",
            "versions": {"tensorflow": tf.__version__, "numpy": numpy.__version__},
            "program_and_script_sha256": hashlib.sha256(Path(options.program).read_bytes() + Path(__file__).read_bytes()).hexdigest()}
    state = json.loads(RESULT.read_text()) if RESULT.exists() and not options.quick else {}
    if any(state.get(key) != value for key, value in head.items()):
        state = {**head, "whole": False, "unexplained": [], "verdicts": {kind: {"files": 0} for kind in kinds}}
    unexplained = state["unexplained"]
    graft, peer = Graft(options.program), Peer(read_tensorflow)
    folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    prefix = os.path.join(folder.name, "m.ckpt")
    before = {}

    def compare(name, files, count):
        nonlocal before
        for part in set(before) - set(files):
            os.remove(prefix + part)
        for part, content in files.items():
            if before.get(part) != content:
                Path(prefix + part).write_bytes(content)
        before = files
        (ours, mine), (theirs, other) = graft.read(prefix), peer.ask(prefix)
        expected = as_graft_reads(other) if theirs == "ok" else None
        if ours == theirs == "refused":
            result = "both refuse" + ", TensorFlow by ending the process" * other.startswith(ENDED)
        elif ours == theirs and mine == expected:
            result = "both accept"
        else:
            refused = ours == "refused"
            if ours == theirs:
                names = sorted(set(mine) ^ set(expected or ())) or [key for key in mine if mine[key] != expected[key]]
                what, table, problem = "other tensors", [], f"other tensors: {names[:5]}"
            elif refused:
                lost = len(other) < WRITTEN.get(re.split("[.:]", name)[0], 0)
                what, table, problem = "only graft refuses", STRICTER, "lost: " * lost + mine.replace("\\'", "'")
            else:
                what, table, problem = "only TensorFlow refuses", LENIENT, other
            reason = next((reason for pattern, reason in table if re.search(pattern, problem)), None)
            result = f"{what}: {reason or 'UNEXPLAINED'}"
            if reason is None:
                unexplained.append(f"{name}: {what}: {problem.replace(prefix, '')}"[:400])
        count["files"] += 1
        count[result] = count.get(result, 0) + 1

    def keep():
        if not options.quick:
            for kind, count in state["verdicts"].items():
                state["verdicts"][kind] = dict(sorted(count.items()))
            RESULT.with_suffix(".new").write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
            os.replace(RESULT.with_suffix(".new"), RESULT)

    for kind, cases in kinds.items():
        done = state["verdicts"][kind]["files"]
        for i, (name, files) in enumerate(cases()):
            if i < done or options.quick and kind not in ("checkpoints", "attacks") and i % 23:
                continue
            compare(name, files, state["verdicts"][kind])
            if (i + 1) % PIECE == 0:
                keep()
                print(f"{kind}: {i + 1} files", file=sys.stderr, flush=True)
                if time.monotonic() > end:
                    print("not whole: run it again", file=sys.stderr)
                    return 1
        print(f"{kind}: {json.dumps(state['verdicts'][kind], indent=1)}", file=sys.stderr, flush=True)
    state["whole"] = True
    keep()
    for line in unexplained[:40]:
        print(line)
    print(f"{sum(count['files'] for count in state['verdicts'].values())} files, {len(unexplained)} differences without a reason")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())

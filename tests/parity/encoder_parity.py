#!/usr/bin/env python3
"""Hidden states of graft against transformers in float32, and the published outputs of
all-MiniLM-L6-v2.

  python3 encoder_parity.py --model MINILM_FOLDER --graft build/tests/parity/encode_texts \
      [--texts 1000] [--max-length 256] [--threads 2]

Every text goes through transformers by itself (no padding), with its sdpa and its eager attention;
graft packs them. Compared: token ids (equal), and hidden states: largest absolute difference of the
last stage at most 1e-5, of the stages before it 2e-5. Their own rounding is larger than that of the
end: sdpa and eager differ by 1.0e-5 there (5.9e-6 at the end). That distance, and the one from
float64 on every tenth text, is reported beside graft's.

The .snap files of reference/minilm-l6 hold outputs of another implementation for "What is Deep
Learning?", "Deep Learning is..." and the first again: raw rows, their mean, and CLS (called
"pooled"). transformers in float32 is up to 3.1e-3 away from them, so 5e-3 is asked.

The outcome is written to results/encoder_parity.json.
"""

import argparse
import os
import sys
import tempfile

import numpy
import torch
import transformers

import common
import data

LIMIT = 1e-5
INNER_LIMIT = 2e-5
SNAP_LIMIT = 5e-3
FIRST, SECOND = "What is Deep Learning?", "Deep Learning is..."


def graft_states(program, model, texts, options, max_length):
    """(token ids of each text, per stage an [N, H] array, pooled [n, H])."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "texts.txt")
        data.write_lines(texts, path)
        common.run_helper([program, model, path, max_length, options.threads, folder])
        counts = numpy.fromfile(f"{folder}/counts.i32", "<i4")
        ids = numpy.split(numpy.fromfile(f"{folder}/ids.i32", "<i4"), numpy.cumsum(counts)[:-1])
        total, stages = counts.sum(), []
        while os.path.exists(f"{folder}/stage{len(stages)}.f32"):
            stages.append(numpy.fromfile(f"{folder}/stage{len(stages)}.f32", "<f4")
                          .reshape(total, -1))
        pooled = numpy.fromfile(f"{folder}/pooled.f32", "<f4").reshape(len(texts), -1)
    return [row.tolist() for row in ids], stages, pooled


def peer_states(model, ids, dtype=torch.float32):
    """Per stage an [N, H] array; each text by itself."""
    stages = None
    with torch.inference_mode():
        for row in ids:
            hidden = model.to(dtype)(input_ids=torch.tensor([row]),
                                     output_hidden_states=True).hidden_states
            stages = stages or [[] for _ in hidden]
            for stage, tensor in zip(stages, hidden):
                stage.append(tensor[0].numpy())
    return [numpy.concatenate(stage) for stage in stages]


def largest(first, second):
    """Largest absolute difference of each stage."""
    return [float(numpy.abs(a - b).max()) for a, b in zip(first, second)]


def read_snap(path):
    """Rows of a snapshot: a YAML list of lists."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("---\n")[2].split("\n")
    rows = []
    for line in filter(str.strip, lines):
        if line.startswith("- - "):
            rows.append([])
        rows[-1].append(float(line.split()[-1]))
    return numpy.array(rows)


def compare_texts(options):
    texts = common.mixed_texts(options.texts)
    tokenizer = transformers.AutoTokenizer.from_pretrained(options.model)
    expected_ids = tokenizer(texts, truncation=True, max_length=options.max_length)["input_ids"]
    ids, stages, _ = graft_states(options.graft, options.model, texts, options, options.max_length)
    different = sum(a != b for a, b in zip(ids, expected_ids))
    if different:
        sys.exit(f"encoder_parity.py: the token ids of {different} of {len(texts)} texts differ")
    peers = {name: peer_states(transformers.AutoModel.from_pretrained(
        options.model, attn_implementation=name).eval(), ids) for name in ("sdpa", "eager")}
    exact_texts = ids[::max(1, len(ids) // 100)]
    rows = numpy.concatenate([numpy.full(len(row), i % max(1, len(ids) // 100) == 0)
                              for i, row in enumerate(ids)])
    exact = peer_states(transformers.AutoModel.from_pretrained(
        options.model, attn_implementation="eager").eval(), exact_texts, torch.float64)
    lengths = [len(row) for row in ids]
    return {"texts": len(texts), "tokens": sum(lengths), "shortest": min(lengths),
            "longest": max(lengths),
            "graft_sdpa": largest(stages, peers["sdpa"]),
            "graft_eager": largest(stages, peers["eager"]),
            "sdpa_eager": largest(peers["sdpa"], peers["eager"]),
            "graft_float64": largest([stage[rows] for stage in stages], exact),
            "sdpa_float64": largest([stage[rows] for stage in peers["sdpa"]], exact)}


def compare_snaps(options):
    """Differences of graft's rows from each published output."""
    folder = os.path.join(data.data_folder(), "reference", "minilm-l6")
    ids, stages, pooled = graft_states(options.graft, options.model, [FIRST, SECOND, FIRST],
                                       options, 256)
    last, first = stages[-1], len(ids[0])
    starts = numpy.cumsum([0] + [len(row) for row in ids])[:-1]
    found = {"single_raw": last[:first], "batch_raw": last, "single": pooled[:1], "batch": pooled,
             "single_pooled": last[:1], "batch_pooled": last[starts]}
    differences = {}
    for name, rows in found.items():
        expected = read_snap(os.path.join(folder, f"test_bert__bert_{name}.snap"))
        if expected.shape != rows.shape:
            sys.exit(f"encoder_parity.py: {name}: expected {expected.shape}, found {rows.shape}")
        differences[name] = float(numpy.abs(expected - rows).max())
    return differences


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--graft", required=True, help="path of encode_texts")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--max-length", type=int, default=256)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    result = compare_texts(options)
    result["snap"] = compare_snaps(options)
    result["versions"] = {"torch": torch.__version__, "transformers": transformers.__version__}
    print(f"{result['texts']} texts, {result['tokens']} tokens, {result['shortest']} to "
          f"{result['longest']} a text; largest difference by stage:")
    for name in ("graft_sdpa", "graft_eager", "sdpa_eager", "graft_float64", "sdpa_float64"):
        print(f"  {name:<14}" + " ".join(f"{value:.1e}" for value in result[name]))
    print("  published outputs: " + ", ".join(f"{k} {v:.1e}" for k, v in result["snap"].items()))
    peers = (result["graft_sdpa"], result["graft_eager"])
    worst, inner = max(d[-1] for d in peers), max(max(d[:-1]) for d in peers)
    snap = max(result["snap"].values())
    passed = worst <= LIMIT and inner <= INNER_LIMIT and snap <= SNAP_LIMIT
    result.update(limit=LIMIT, inner_limit=INNER_LIMIT, snap_limit=SNAP_LIMIT, passed=passed)
    common.write_result("encoder_parity", result)
    print(f"last stage {worst:.1e} (limit {LIMIT:.0e}), others {inner:.1e} (limit "
          f"{INNER_LIMIT:.0e}), published {snap:.1e} (limit {SNAP_LIMIT:.0e}): "
          f"{'passed' if passed else 'FAILED'}")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()

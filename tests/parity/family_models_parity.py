#!/usr/bin/env python3
"""Random models of every family: graft against transformers, live.

  python3 tests/parity/family_models_parity.py --tool build/tests/parity/check_family
      [--seed 1] [--configs 12] [--only FAMILY] [--keep FOLDER]

For each family models of odd sizes are drawn whose options take every value of the lists below in
turn, without head and with each of its heads, and texts of mixed lengths with one that goes beyond
windows and buckets. transformers computes them twice: in float64 every text by itself, with
gradients; and in float32 as users run it, all texts in one batch padded on the right, with an
attention mask. graft computes them packed (check_family).

Compared: hidden states of every stage, the pooler's output where graft's head begins with it, the
heads' logits, gradients of all parameters at every freeze depth; every text's bits alone and in
company. Limits: 1e-5 to float64, on values of order one: where the root of their mean square is
above one the limit is as many times as large, and gradients are compared beside the largest of
their tensor. To float32: 1e-5 and what transformers in float32 is itself away from float64, which
is reported beside it. Where that is more than 5e-6 a model multiplies every rounding error, and other
weights are drawn for its config, each time with matrices a tenth smaller; the result has the number.
So they are where a value comes within 2e-6 of the corner of relu: rounding decides its gradient.

The padding row of MobileBERT's words is zero here: with its trigrams the last token of a padded text
sees the padding, so that transformers gives a text other numbers in a batch than alone. graft gives
those of the text alone.

Prints a table of families by checks with the largest differences beside the limits' scale, writes results/family_models.json; exit status 1 when a limit
is passed or a model is refused.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import torch
import transformers

import common

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "golden"))

import family_models  # noqa: E402  (after the path is set)

LIMIT = 1e-5
ACTIVATIONS = ["gelu", "gelu_new", "relu", "silu", "quick_gelu", "tanh", "gelu_pytorch_tanh",
               "gelu_fast", "sigmoid", "gelu_python", "gelu_accurate", "swish", "linear",
               "gelu_python_tanh"]
EPS = [1e-12, 1e-7, 1e-5, 1e-3, 0.1]
FLAG = [True, False]
HEADS = ["Model", "ForSequenceClassification", "ForTokenClassification", "ForMaskedLM"]


class Draw:
    """Options of one family's models: each takes all of its values before one comes again."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.decks = {}

    def __call__(self, name, values):
        deck = self.decks.get(name)
        if not deck:
            deck = self.decks[name] = self.random.sample(list(values), len(values))
        return deck.pop()

    def sizes(self, widths):
        """Width and number of heads: together 12 to 40."""
        width = self("head width", widths)
        count = self.random.randint(-(-12 // width), max(-(-12 // width), 40 // width))
        return width, count


def common_members(draw, positions=(24, 31, 40, 67, 130), widths=(2, 3, 4, 5, 8, 12)):
    width, heads = draw.sizes(widths)
    return dict(vocab_size=draw.random.randint(30, 90), hidden_size=width * heads,
                num_hidden_layers=draw("layers", [1, 2, 3, 4]), num_attention_heads=heads,
                intermediate_size=draw.random.randint(7, 70),
                max_position_embeddings=draw("positions", positions),
                layer_norm_eps=draw("eps", EPS), hidden_act=draw("activation", ACTIVATIONS),
                tie_word_embeddings=draw("tied", FLAG))


def padding_id(draw, vocabulary):
    return draw("padding", [0, 1, 3, 7, -1]) % vocabulary


def bert(draw):
    members = common_members(draw)
    return dict(members, type_vocab_size=draw("types", [1, 2, 3]),
                pad_token_id=padding_id(draw, members["vocab_size"]))


def electra(draw):
    members = bert(draw)
    return dict(members, embedding_size=draw("embedding", [5, 8, None, 30]) or members["hidden_size"])


def albert(draw):
    members = electra(draw)
    layers = members["num_hidden_layers"]
    return dict(members, num_hidden_groups=draw.random.randint(1, layers),
                inner_group_num=draw("inner", [1, 2, 3]))


def roberta(draw):
    members = bert(draw)
    room = members["max_position_embeddings"] + members["pad_token_id"] + 1
    return dict(members, max_position_embeddings=room)


def distilbert(draw):
    members = bert(draw)
    return dict(vocab_size=members["vocab_size"], dim=members["hidden_size"],
                n_layers=members["num_hidden_layers"], n_heads=members["num_attention_heads"],
                hidden_dim=members["intermediate_size"], activation=members["hidden_act"],
                max_position_embeddings=members["max_position_embeddings"],
                pad_token_id=members["pad_token_id"], sinusoidal_pos_embds=draw("sinus", FLAG),
                tie_word_embeddings=members["tie_word_embeddings"])


def mobilebert(draw):
    members = bert(draw)
    bottleneck = draw("bottleneck", [True, True, False])
    hidden, heads = members["hidden_size"], members["num_attention_heads"]
    attention, shared = draw("attention", FLAG), draw("shared", FLAG)
    # Without bottlenecks, and where queries and keys have none, all is as wide as outside.
    square = not bottleneck or not attention and not shared
    inner = hidden if square else heads * draw.random.randint(2, 5)
    return dict(members, use_bottleneck=bottleneck, use_bottleneck_attention=bottleneck and attention,
                key_query_shared_bottleneck=bottleneck and shared, intra_bottleneck_size=inner,
                trigram_input=draw("trigrams", FLAG),
                embedding_size=draw("embedding", [5, 8, None]) or hidden,
                num_feedforward_networks=draw("nets", [1, 2, 4]),
                normalization_type=draw("norm", ["no_norm", "layer_norm"]),
                classifier_activation=draw("pooler", FLAG))


def mpnet(draw):
    members = bert(draw)
    members.pop("type_vocab_size")
    return dict(members, max_position_embeddings=draw("room", [26, 42, 69, 162, 330]),
                relative_attention_num_buckets=draw("buckets", [32, 40, 33]))


def deberta(draw):
    members = common_members(draw, positions=(24, 67, 130, 320))
    vocabulary, hidden = members["vocab_size"], members["hidden_size"]
    legacy = draw("legacy", [True, True, False])
    return dict(members, type_vocab_size=draw("types", [0, 2, 3]),
                pad_token_id=padding_id(draw, vocabulary),
                relative_attention=draw("relative", [True] * 4 + [False]),
                pos_att_type=draw("scores", [["c2p"], ["p2c"], ["c2p", "p2c"], ["p2c", "c2p"],
                                             "p2c|c2p", []]),
                position_biased_input=draw("absolute", FLAG),
                max_relative_positions=draw("reach", [-1, 5, 12, 64]), legacy=legacy,
                embedding_size=legacy and draw("embedding", [8, None]) or hidden,
                pooler_hidden_act=draw("pooler", ACTIVATIONS))


def deberta_v2(draw):
    members = deberta(draw)
    buckets = draw("buckets", [-1, 8, 7, 16, 2, 3])
    if buckets > 0:  # The logarithm needs room above the middle.
        members["max_relative_positions"] = draw("log reach", [-1, 40, 64])
    width = members["hidden_size"] // members["num_attention_heads"]
    return dict(members, position_buckets=buckets,
                norm_rel_ebd=draw("norm", ["none", "layer_norm", "layer_norm|none"]),
                share_att_key=draw("shared", FLAG), attention_head_size=width,
                conv_kernel_size=draw("taps", [0, 3, 5, 1]),
                conv_groups=draw("groups", [1, None]) or members["num_attention_heads"],
                conv_act=draw("convolution", ACTIVATIONS))


def rope(draw, name="rope"):
    theta = draw(f"{name} theta", [20.0, 1000.0, 10000.0, 160000.0])
    if draw(f"{name} scaled", FLAG):
        return {"rope_type": "linear", "rope_theta": theta,
                "factor": draw(f"{name} factor", [1.5, 2.0, 4.0])}
    return {"rope_type": "default", "rope_theta": theta}


def rotary(draw):
    return common_members(draw, positions=(320, 400, 512), widths=(2, 4, 6, 8, 12))


def gte(draw):
    members = rotary(draw)
    # Other heads than hidden_size / num_attention_heads.
    wide = draw("head_dim", [{}, {}, {"head_dim": 6}])
    return dict(members, type_vocab_size=draw("types", [0, 1, 3]), rope_parameters=rope(draw),
                pad_token_id=padding_id(draw, members["vocab_size"]), **wide)


def gte_release(draw):
    members = dict(rotary(draw), type_vocab_size=draw("types", [0, 1, 3]),
                   pad_token_id=padding_id(draw, 30), rope_parameters=rope(draw))
    members["rope_parameters"]["rope_theta"] = 1e7  # the release's has the scaling's factor less
    return dict(members, hidden_act="gelu")  # the release's head has the layers' activation


def nomic_bert(draw):
    members = rotary(draw)
    return dict(members, type_vocab_size=draw("types", [1, 2, 3]), rope_parameters=rope(draw),
                head_dim=draw("head_dim", [2, 4, 6, 10]),
                pad_token_id=padding_id(draw, members["vocab_size"]))


def nomic_release(draw):
    members = nomic_bert(draw)
    # The release pads the table; its n_positions stands in nomic_release of family_models.py.
    return dict(members, head_dim=members["hidden_size"] // members["num_attention_heads"],
                vocab_size=members["vocab_size"] // 8 * 8 + 8,
                hidden_act=draw("gate", ["silu", "gelu", "sigmoid"]),
                rope_parameters={"rope_type": "default",
                                 "rope_theta": draw("theta", [20.0, 1000.0, 10000.0])})


def modernbert(draw):
    members = rotary(draw)
    eps, activation = members.pop("layer_norm_eps"), members.pop("hidden_act")
    layers = members["num_hidden_layers"]
    kinds = draw("kinds", ["every", "every", "types"])
    members.update({"global_attn_every_n_layers": draw("every", [1, 2, 3])} if kinds == "every" else
                   {"layer_types": [draw.random.choice(["full_attention", "sliding_attention"])
                                    for _ in range(layers)]})
    both = {f"{kind}_attention": rope(draw, kind) for kind in ("full", "sliding")}
    return dict(members, norm_eps=eps, hidden_activation=activation,
                pad_token_id=padding_id(draw, members["vocab_size"]), bos_token_id=1,
                cls_token_id=1, eos_token_id=2, sep_token_id=2,
                local_attention=draw("window", [1, 2, 7, 16, 128, 500]), rope_parameters=both,
                attention_bias=draw("attention bias", FLAG), mlp_bias=draw("mlp bias", FLAG),
                norm_bias=draw("norm bias", FLAG), decoder_bias=draw("decoder bias", FLAG),
                classifier_bias=draw("classifier bias", FLAG),
                classifier_activation=draw("classifier", ACTIVATIONS),
                classifier_pooling=draw("pooling", ["cls", "mean"]),
                sparse_prediction=draw("sparse", FLAG))


def gpt2(draw):
    members = common_members(draw)
    return dict(vocab_size=members["vocab_size"], n_embd=members["hidden_size"],
                n_layer=members["num_hidden_layers"], n_head=members["num_attention_heads"],
                n_inner=members["intermediate_size"] if draw("inner", FLAG) else None,
                n_positions=members["max_position_embeddings"],
                layer_norm_epsilon=members["layer_norm_eps"],
                activation_function=members["hidden_act"],
                scale_attn_weights=draw("scaled", [True, True, False]),
                scale_attn_by_inverse_layer_idx=draw("by layer", FLAG),
                reorder_and_upcast_attn=draw("upcast", FLAG),
                tie_word_embeddings=members["tie_word_embeddings"], bos_token_id=None,
                eos_token_id=None, pad_token_id=members["vocab_size"] - 1)


# What is drawn: the stem of the classes, the members, the form of the folder.
FAMILIES = {
    "albert": ("Albert", albert, None), "bert": ("Bert", bert, None),
    "camembert": ("Camembert", roberta, None), "deberta": ("Deberta", deberta, None),
    "deberta-v2": ("DebertaV2", deberta_v2, None), "distilbert": ("DistilBert", distilbert, None),
    "electra": ("Electra", electra, None), "gpt2": ("GPT2", gpt2, None),
    "gte": ("Gte", gte, None), "gte, native names": ("Gte", gte, "native"),
    "mobilebert": ("MobileBert", mobilebert, None), "modernbert": ("ModernBert", modernbert, None),
    "mpnet": ("MPNet", mpnet, None), "new": ("Gte", gte_release, "release"),
    "nomic_bert": ("NomicBert", nomic_bert, None),
    "nomic_bert, native names": ("NomicBert", nomic_bert, "native"),
    "nomic_bert, release": ("NomicBert", nomic_release, "release"),
    "roberta": ("Roberta", roberta, None), "xlm-roberta": ("XLMRoberta", roberta, None)}
# The release's masked language model has no biases, which no class of transformers computes.
HEADS_OF = {"nomic_bert, release": HEADS[:3]}


def class_name(family, number):
    heads = HEADS_OF.get(family, HEADS)
    stem, head = FAMILIES[family][0], heads[number % len(heads)]
    return "GPT2LMHeadModel" if (stem, head) == ("GPT2", "ForMaskedLM") else stem + head


def positions_of(family, config):
    """The longest text."""
    positions = config.to_dict().get("max_position_embeddings") or config.n_positions
    if family == "mpnet":
        return positions - 2
    behind = ("camembert", "roberta", "xlm-roberta")
    return positions - config.pad_token_id - 1 if family in behind else positions


def draw_texts(family, model, rng, seed):
    """Mixed lengths, the longest as long as the model can, or as 300 tokens."""
    longest = min(300, positions_of(family, model.config))
    lengths = [rng.randint(3, 12), 1, longest, 2, rng.randint(3, min(longest, 60)),
               rng.randint(3, min(longest, 30))]
    texts = family_models.make_texts(model, lengths, seed)
    if family != "gpt2":
        return texts
    # Its classifier looks for the last token that is no padding.
    return [(ids.clamp(max=model.config.pad_token_id - 1), types) for ids, types in texts]


def compare_float32(padded, single, expected):
    """How far transformers in float32 is from float64, and how large the values are: by kind."""
    gradients = [(single[name].double() - gradient).abs().max() / max(1.0, gradient.abs().max())
                 for name, gradient in expected.items() if name.startswith("grad.")]
    own, size = {"gradient": max(map(float, gradients))}, {"gradient": 1.0}
    for kind in ("hidden", "pooled", "logits"):
        names = [name for name in padded if f".{kind}" in name]
        own[kind] = max([(padded[name].double() - expected[name]).abs().max().item()
                         for name in names], default=0.0)
        size[kind] = max([expected[name].square().mean().sqrt().item() for name in names],
                         default=0.0)
    return own, size


def watch_corners(model):
    """A list that takes the smallest absolute value that relu meets in each pass."""
    smallest = []
    for module in model.modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_pre_hook(
                lambda _, inputs: smallest.append(inputs[0].abs().min().item()))
    return smallest


def make(family, number, options, work):
    """Writes the folder of a model; what is told of it beside graft's numbers."""
    draw, seed = options
    _, members, form = FAMILIES[family]
    name = class_name(family, number)
    labels = {} if name.endswith(("Model", "LM")) else {"num_labels": draw.random.randint(2, 6)}
    drawn = {**members(draw), **labels}
    folder = work / f"{family.replace(', ', '-').replace(' ', '-')}-{number}"
    for redrawn in range(10):
        model = family_models.make_model(name, drawn, seed + 1000 * redrawn)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(0.9 ** redrawn if parameter.dim() == 2 else 1)
            if family == "mobilebert":
                model.get_input_embeddings().weight[model.config.pad_token_id] = 0
        family_models.save_model(model, str(folder), form)
        texts = draw_texts(family, model, draw.random, seed + 1)
        padded = family_models.padded_values(model, texts)
        single = family_models.expected_values(model, texts)
        corners = watch_corners(model)
        expected = family_models.expected_values(model.double(), texts)
        own, size = compare_float32(padded, single, expected)
        steady = all(own[kind] <= LIMIT / 2 * max(1.0, size[kind]) for kind in own)
        if steady and min(corners, default=1.0) > 2e-6:
            break
    family_models.save_expected(expected, f"{folder}/expected.safetensors", model, form)
    family_models.save_expected(padded, f"{folder}/padded.safetensors", model)
    return folder, {"family": family, "class": name, "config": drawn, "redrawn": redrawn,
                    "lengths": [len(ids) for ids, _ in texts], "transformers_float32": own,
                    "size": size}


def run_graft(tool, folders):
    done = subprocess.run([tool, *folders], check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def problems(row):
    """What of a model passes a limit."""
    if "error" in row:
        return [row["error"]]
    found = []
    for kind in ("hidden", "last_hidden", "pooled", "logits"):
        own = kind.removeprefix("last_")
        limit = LIMIT * max(1.0, row["size"][own])
        for reference, room in (("values", 0.0), ("padded", row["transformers_float32"][own])):
            difference = row[reference].get(kind, 0.0)
            if not difference <= limit + room:
                found.append(f"{kind} to {reference}: {difference:.2g} of {limit + room:.2g}")
    if not row["gradient"] <= LIMIT:
        found.append(f"gradient: {row['gradient']:.2g}")
    found += [name for name in ("equal_bits", "frozen_without_gradient") if not row[name]]
    return found


# Title, where a row has it, and under which name.
COLUMNS = [("hidden", "values", "hidden"), ("last", "values", "last_hidden"),
           ("pooled", "values", "pooled"), ("logits", "values", "logits"),
           ("gradient", None, "gradient"), ("fp32 hidden", "padded", "hidden"),
           ("fp32 logits", "padded", "logits"),
           ("peer's hidden", "transformers_float32", "hidden"),
           ("peer's logits", "transformers_float32", "logits"),
           ("peer's grad.", "transformers_float32", "gradient")]


def summarise(rows):
    """By family the largest of each column, on values of order one; None where no model has it."""
    table = {}
    for row in rows:
        if "error" in row:
            continue
        line = table.setdefault(row["family"], {name: None for name, _, _ in COLUMNS})
        for name, part, key in COLUMNS:
            value = (row[part] if part else row).get(key)
            own = key.removeprefix("last_")
            if value is not None and row["size"].get(own, 1.0) > 0:
                scaled = value / max(1.0, row["size"].get(own, 1.0))
                line[name] = max(scaled, line[name] or 0.0)
    return table


def print_table(rows, table):
    print(f"{'family':26}models " + " ".join(f"{name:>13}" for name, _, _ in COLUMNS) + "  bits")
    for family, line in table.items():
        own = [row for row in rows if row["family"] == family]
        cells = " ".join(f"{'-' if line[name] is None else format(line[name], '.1e'):>13}"
                         for name, _, _ in COLUMNS)
        equal = all(row.get("equal_bits") for row in own)
        print(f"{family:26}{len(own):6} {cells}  {'equal' if equal else 'OTHER'}")
    print("other weights drawn:", sum(row["redrawn"] for row in rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--configs", type=int, default=12, help="models of each family")
    parser.add_argument("--only", help="one family; nothing is written")
    parser.add_argument("--keep", type=Path, help="where the folders stay")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        work = options.keep or Path(temporary)
        for family in [options.only] if options.only else FAMILIES:
            seed = zlib.crc32(f"{options.seed} {family}".encode())
            draw = Draw(seed)
            made = [make(family, number, (draw, seed + 2 * number), work)
                    for number in range(options.configs)]
            found = run_graft(options.tool.resolve(), [folder for folder, _ in made])
            for (_, row), own in zip(made, found, strict=True):
                rows.append({**row, **{key: own[key] for key in own if key != "folder"}})
                rows[-1]["problems"] = problems(rows[-1])
            print(f"{family}: {len(made)} models", file=sys.stderr)
    table = summarise(rows)
    print_table(rows, table)
    failed = [row for row in rows if row["problems"]]
    for row in failed:
        print(f"{row['family']} {row['class']} {row['config']}: {'; '.join(row['problems'])}")
    if not options.only:
        common.write_result("family_models", {
            "command": "family_models_parity.py --tool build/tests/parity/check_family "
                       f"--seed {options.seed} --configs {options.configs}",
            "transformers": transformers.__version__, "torch": torch.__version__,
            "limit": LIMIT, "models": len(rows), "redrawn": sum(row["redrawn"] for row in rows),
            "largest": {family: {name: value and float(f"{value:.2g}")
                                 for name, value in line.items()}
                        for family, line in table.items()}, "failed": failed})
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

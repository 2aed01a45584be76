#!/usr/bin/env python3
"""Tokenization speed: graft against tokenizers, nanotoken and sentencepiece, texts to ids. The ids of all
are compared first; they must be equal. Workers: tokenize_worker.cc, peer_tokenize.py.

  python3 tokenizer_bench.py --graft build/tests/bench/tokenize_worker [--cases bert-imdb,t5-imdb]

Vocabularies come from the benchmark data; what transformers makes of them is saved as tokenizer.json, which
all contestants but sentencepiece read. A case is a vocabulary and a text (tokenizer_texts.py). Each is
timed on one thread, warm, cold with empty caches, and "full" with offsets, words and masks; then graft
alone on --threads threads, in turn with one, and with a loop that only computes ("probe"), which tells what
threads can gain on this machine at this moment; there the texts come five times, since in a batch of some
milliseconds the system's start of a thread counts most. Loading is timed too.

Calls from Python take lists of str and give arrays or lists; graft's call is C++: what the conversion of
str costs the peers is in their time.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile

import compare
import data
import tokenizer_texts

PEER = os.path.join(compare.HERE, "peer_tokenize.py")
# Name: folder of the benchmark data, files, class, settings of tokenizer_config.json. Without a class the
# model file stands alone, which graft reads as the library sentencepiece does.
VOCABULARIES = {
    "bert": ("bert-base-uncased", ["vocab.txt"], "BertTokenizer", {}),
    "bert-chinese": ("bert-base-chinese", ["vocab.txt"], "BertTokenizer", {}),
    "bert-multilingual": ("bert-base-multilingual-cased", ["vocab.txt"], "BertTokenizer",
                          {"do_lower_case": False}),
    "gpt2": ("gpt2", ["vocab.json", "merges.txt"], "GPT2Tokenizer", {}),
    "roberta": ("roberta-base", ["vocab.json", "merges.txt"], "RobertaTokenizer", {}),
    "t5": ("t5", ["spiece.model"], "T5Tokenizer", {}),
    "albert": ("albert", ["spiece.model"], "AlbertTokenizer", {}),
    "xlnet": ("xlnet", ["spiece.model"], "XLNetTokenizer", {}),
    "t5-model": ("t5", ["spiece.model"], None, {}),
    "albert-model": ("albert", ["spiece.model"], None, {}),
    "xlnet-model": ("xlnet", ["spiece.model"], None, {}),
}
# Case: peers, what the ratios must be at least, by peer and kind of run. Cases without
# targets tell where a figure comes from.
CASES = {
    "bert-imdb": {"nanotoken": {"": 1.3}, "tokenizers": {"full": 40}},
    "bert-squad": {"nanotoken": {}, "tokenizers": {}},
    "bert-sst2": {"nanotoken": {}, "tokenizers": {}},
    "bert-long": {"nanotoken": {}, "tokenizers": {}},
    "bert-rare": {"nanotoken": {}, "tokenizers": {}},
    "bert-chinese-weibo": {"nanotoken": {"": 1}, "tokenizers": {"": 10}},
    "bert-multilingual-mixed": {"nanotoken": {"": 1}, "tokenizers": {"": 10}},
    "gpt2-imdb": {"tokenizers": {"": 20}},
    "roberta-imdb": {"tokenizers": {"": 20}},
    "gpt2-rare": {"tokenizers": {}},
    "gpt2-weibo": {"tokenizers": {"": 10}},
    "gpt2-mixed": {"tokenizers": {"": 10}},
    "t5-imdb": {"sentencepiece": {"": 2.5, "full": 5}, "tokenizers": {}},
    "albert-imdb": {"tokenizers": {}},
    "xlnet-imdb": {"tokenizers": {}},
    "t5-model-imdb": {"sentencepiece": {"": 2.5, "full": 5}},
    "albert-model-imdb": {"sentencepiece": {"": 2.5, "full": 5}},
    "xlnet-model-imdb": {"sentencepiece": {"": 2.5, "full": 5}},
    "t5-rare": {"sentencepiece": {}, "tokenizers": {}},
    "t5-mixed": {"tokenizers": {"": 10}},
}
KINDS = {"graft": ["cold", "full", "load"], "nanotoken": ["cold"], "tokenizers": ["full"], "sentencepiece": ["full"]}
LOAD_SECONDS = 0.020  # for 30,000 pieces
OF_PROBE = 0.95  # what threads gain, of what they gain for the probe


def make_folder(vocabulary, folder):
    """Fills the folder; with the tokenizer.json of transformers."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import transformers
    source, files, tokenizer_class, config = VOCABULARIES[vocabulary]
    for name in files:
        shutil.copy(os.path.join(data.data_folder(), "tokenizers", source, name), folder)
    if tokenizer_class is None:
        return
    with open(os.path.join(folder, "tokenizer_config.json"), "w", encoding="utf-8") as file:
        json.dump({"tokenizer_class": tokenizer_class, **config}, file)
    made = transformers.AutoTokenizer.from_pretrained(folder)
    made.backend_tokenizer.save(os.path.join(folder, "tokenizer.json"))


def case_parts(case):
    vocabulary, _, text = case.rpartition("-")
    return vocabulary, text


def kind_ratio(result, peer, kind):
    """Median over the rounds of the peer's time by graft's."""
    def seconds(name):
        figures = result["contestants"][name]
        return (figures[kind] if kind else figures)["seconds"]
    return statistics.median(theirs / ours for theirs, ours in zip(seconds(peer), seconds("graft")))


def judge(result, targets):
    """Prints rates and ratios; adds "targets" to the result."""
    size, rows = result["contestants"]["graft"]["settings"]["bytes"], []
    print(f"{result['name']}: {size / 1e6:.2f} MB")
    for name, figures in result["contestants"].items():
        rates = [f"warm {size / figures['median_seconds'] / 1e6:.1f}"]
        rates += [f"{kind} {size / figures[kind]['median_seconds'] / 1e6:.1f}" for kind in ("cold", "full")
                  if kind in figures]
        print(f"  {name:13s} {', '.join(rates)} MB/s")
    for peer in targets:
        for kind in ("", "cold", "full"):
            if kind and not (kind in KINDS[peer] and kind in KINDS["graft"]):
                continue
            ratio, target = kind_ratio(result, peer, kind), targets[peer].get(kind)
            rows.append({"peer": peer, "kind": kind or "warm", "ratio": ratio, "target": target})
            print(f"  {ratio:7.2f} times {peer}, {kind or 'warm'}"
                  + ("" if target is None else f" (target {target}{'' if ratio >= target else ', MISSED'})"))
    load = result["contestants"]["graft"]["load"]["median_seconds"]
    print(f"  loading {load * 1e3:.1f} ms")
    result["targets"] = rows


def scaling(options, case, request):
    """graft on one and on several threads, in turn with the probe."""
    kinds = ["alone", "probe", "probe alone"]
    result = compare.compare(
        f"tokenize_{case}_threads", {"graft": [options.graft]}, request, subject="graft", reference="graft",
        tolerance=0, rounds=options.rounds, threads=options.threads, extra_runs={"graft": kinds},
        log=lambda text: None)
    figures = result["contestants"]["graft"]

    def gain(one, several):
        return statistics.median(a / b for a, b in zip(figures[one]["seconds"], several["seconds"]))
    gains = {"graft": gain("alone", figures), "probe": gain("probe alone", figures["probe"])}
    gains["share"] = gains["graft"] / gains["probe"]
    result["gain_of_threads"] = gains
    print(f"  {options.threads} threads gain {gains['graft']:.2f}, the probe {gains['probe']:.2f}: "
          f"{gains['share']:.0%} (target {OF_PROBE:.0%})")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graft", required=True, help="path of tokenize_worker")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--no-scaling", action="store_true", help="one thread alone")
    parser.add_argument("--idle-limit", type=float, default=0.05)
    parser.add_argument("--report-folder", default=os.path.join(compare.HERE, "results"))
    options = parser.parse_args()
    for case in options.cases.split(","):
        if case not in CASES:
            parser.error(f"--cases: expected some of {', '.join(CASES)}, found '{case}'")
    for case in options.cases.split(","):
        vocabulary, text = case_parts(case)
        with tempfile.TemporaryDirectory() as folder:
            make_folder(vocabulary, folder)
            path = os.path.join(folder, "texts")
            texts = tokenizer_texts.ALL[text]()
            data.write_lines(texts, path)
            # The library sentencepiece adds none.
            request = {"tokenizer": folder, "texts": path, "special_tokens": "sentencepiece" not in CASES[case]}
            commands = {"graft": [options.graft]}
            commands.update({peer: [sys.executable, PEER, "--peer", peer] for peer in CASES[case]})
            try:
                result = compare.compare(
                    f"tokenize_{case}", commands, request, subject="graft", reference=list(CASES[case])[-1],
                    tolerance=0, rounds=options.rounds, threads=1, idle_limit=options.idle_limit,
                    extra_runs={name: KINDS[name] for name in commands}, log=lambda text: None)
                judge(result, CASES[case])
                if not options.no_scaling:
                    data.write_lines(texts * 5, path)
                    result["threads"] = scaling(options, case, request)["gain_of_threads"]
            except compare.Failure as failure:
                sys.exit(f"tokenizer_bench.py: {case}: {failure}")
            # The folder is gone when the report is read.
            result["load"] = {"vocabulary": vocabulary, "texts": text, "special_tokens": request["special_tokens"]}
            compare.write_report(result, os.path.join(options.report_folder, f"{result['name']}.json"))


if __name__ == "__main__":
    main()

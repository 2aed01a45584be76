#!/usr/bin/env python3
"""Tokenization speed: graft against Python's tokenizers and nanotoken, texts to ids, on one and on
several threads. The ids of all are compared first; they must be equal. Workers: tokenize_worker.cc,
peer_tokenize.py.

  python3 tokenizer_bench.py --tokenizer MODEL_FOLDER --graft build/tests/bench/tokenize_worker

Texts: squad (10,570 questions), sst2 (9,613 sentences), long (the SST-2 sentences joined by forties),
weibo (1,890 Chinese posts), zipf and rare (made here from the words of GloVe: drawn by Zipf's law, and
evenly with a random number behind each second one, so that few words come twice).

Each is timed warm, and cold with empty caches. Calls from Python take lists of str and give arrays
or lists; graft's call is C++: what the conversion of str costs the peers is in their time. "full"
is with offsets, words and masks, where the contestant has them, on one thread.
"""

import argparse
import os
import random
import sys
import tempfile

import compare
import data

PEER = os.path.join(compare.HERE, "peer_tokenize.py")


def squad():
    import json
    path = os.path.join(data.data_folder(), "reference", "squad-wordpiece", "question_tokens.json")
    with open(path, encoding="utf-8") as file:
        return [row["original"] for row in json.load(file)]


def sst2():
    return [text for text, _ in data.sst2("train", "dev", "test")]


def long():
    texts = sst2()
    return [" ".join(texts[i:i + 40]) for i in range(0, len(texts), 40)]


def weibo():
    posts = []
    for split in ("train", "dev", "test"):
        path = os.path.join(data.data_folder(), "ner", "weibo-zh", f"{split}.conll")
        with open(path, encoding="utf-8") as file:
            for post in file.read().split("\n\n"):
                rows = [row for row in post.split("\n") if row]
                posts.append("".join(row.split("\t")[0].rstrip("0123456789") for row in rows))
    return [post for post in posts if post]


def glove_words():
    path = os.path.join(data.data_folder(), "vectors", "glove.6B.100d.top40k.txt")
    with open(path, encoding="utf-8") as file:
        return [line.split(" ", 1)[0] for line in file]


def sentences(words, lines):
    """Lines of 5 to 40 words, with capitals and punctuation."""
    rng = random.Random(1)
    out = []
    for _ in range(lines):
        line = [next(words) for _ in range(rng.randint(5, 40))]
        line[0] = line[0].capitalize()
        out.append(" ".join(w + rng.choice(["", "", "", "", "", "", ","]) for w in line) + ".")
    return out


def zipf():
    words, rng = glove_words(), random.Random(2)
    drawn = iter(rng.choices(words, weights=[1 / (i + 3) for i in range(len(words))], k=1_000_000))
    return sentences(drawn, 30_000)


def rare():
    words, rng = glove_words(), random.Random(3)

    def draw():
        while True:
            yield rng.choice(words)
            yield rng.choice(words) + str(rng.randrange(100_000))

    return sentences(draw(), 10_000)


TEXTS = {"squad": squad, "sst2": sst2, "long": long, "weibo": weibo, "zipf": zipf, "rare": rare}


def show(result, size):
    print(f"{result['name']}: {size / 1e6:.2f} MB")
    for name, figures in result["contestants"].items():
        ratio = result["ratios"].get(name, {}).get("paired_ratio")
        line = f"  {name:11s} warm {size / figures['median_seconds'] / 1e6:8.1f} MB/s"
        for kind in ("cold", "full"):
            if kind in figures:
                line += f"  {kind} {size / figures[kind]['median_seconds'] / 1e6:8.1f} MB/s"
        print(line + (f"  graft is {ratio:.2f} times as fast" if ratio else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", required=True, help="folder with tokenizer.json")
    parser.add_argument("--graft", required=True, help="path of tokenize_worker")
    parser.add_argument("--texts", default=",".join(TEXTS))
    parser.add_argument("--peers", default="nanotoken,tokenizers")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", default=f"1,{os.cpu_count()}")
    parser.add_argument("--idle-limit", type=float, default=0.05)
    parser.add_argument("--report-folder", default=os.path.join(compare.HERE, "results"))
    options = parser.parse_args()
    peers = [peer for peer in options.peers.split(",") if peer]
    commands = {"graft": [options.graft]}
    commands.update({peer: [sys.executable, PEER, "--peer", peer] for peer in peers})
    kinds = {"graft": ["cold", "full"], "nanotoken": ["cold"], "tokenizers": ["full"]}
    for name in options.texts.split(","):
        texts = TEXTS[name]()
        size = sum(len(text.encode()) + 1 for text in texts)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, f"{name}.txt")
            data.write_lines(texts, path)
            for threads in map(int, options.threads.split(",")):
                try:
                    result = compare.compare(
                        f"tokenize_{name}_{threads}", commands,
                        {"tokenizer": os.path.abspath(options.tokenizer), "texts": path},
                        subject="graft", reference=peers[-1] if peers else "graft", tolerance=0,
                        rounds=options.rounds, threads=threads, idle_limit=options.idle_limit,
                        extra_runs={n: kinds[n] for n in commands}, log=lambda text: None)
                except compare.Failure as failure:
                    sys.exit(f"tokenizer_bench.py: {failure}")
                show(result, size)
                compare.write_report(
                    result, os.path.join(options.report_folder, f"{result['name']}.json"))


if __name__ == "__main__":
    main()

"""Texts of tokenizer_bench.py, as lists of strings. What is not on disk is made here, the same each time."""

import functools
import itertools
import json
import os
import random

import data


def squad():
    """10,570 questions."""
    path = os.path.join(data.data_folder(), "reference", "squad-wordpiece", "question_tokens.json")
    with open(path, encoding="utf-8") as file:
        return [row["original"] for row in json.load(file)]


def sst2():
    """9,613 sentences."""
    return [text for text, _ in data.sst2("train", "dev", "test")]


def long():
    """The SST-2 sentences joined by forties."""
    texts = sst2()
    return [" ".join(texts[i:i + 40]) for i in range(0, len(texts), 40)]


def weibo():
    """1,890 Chinese posts."""
    posts = []
    for split in ("train", "dev", "test"):
        path = os.path.join(data.data_folder(), "ner", "weibo-zh", f"{split}.conll")
        with open(path, encoding="utf-8") as file:
            for post in file.read().split("\n\n"):
                rows = [row for row in post.split("\n") if row]
                posts.append("".join(row.split("\t")[0].rstrip("0123456789") for row in rows))
    return [post for post in posts if post]


@functools.cache
def glove_words():
    """40,000 English words, the most frequent first."""
    path = os.path.join(data.data_folder(), "vectors", "glove.6B.100d.top40k.txt")
    with open(path, encoding="utf-8") as file:
        return [line.split(" ", 1)[0] for line in file]


@functools.cache
def zipf_weights(count):
    return list(itertools.accumulate(1 / (i + 3) for i in range(count)))


def drawn(words, rng, count):
    """Words drawn by Zipf's law."""
    return rng.choices(words, cum_weights=zipf_weights(len(words)), k=count)


def sentence(words, rng):
    return " ".join([words[0].capitalize(),
                     *(w + rng.choice(["", "", "", "", "", "", ","]) for w in words[1:])]) + "."


def imdb():
    """6,000 documents like IMDB's reviews: some 230 words each, short forms, names, line breaks as HTML."""
    rng = random.Random(5)
    words = [w for w in glove_words() if w[0].isalnum()]
    short = ["don't", "it's", "I'm", "you're", "wasn't", "film's", "they've", "I'd", "he'll", "can't"]
    texts = []
    for _ in range(6000):
        parts, left = [], max(40, int(rng.gauss(230, 90)))
        while left > 0:
            line = drawn(words, rng, rng.randint(6, 32))
            line = [rng.choice(short) if rng.random() < 0.02 else w.title() if rng.random() < 0.05 else w
                    for w in line]
            if rng.random() < 0.05:
                line[-1] = f'"{line[-1]}"'
            parts.append(sentence(line, rng))
            if rng.random() < 0.08:
                parts.append("<br /><br />")
            left -= len(line)
        texts.append(" ".join(parts))
    return texts


def zipf():
    """30,000 lines of 5 to 40 words."""
    rng = random.Random(1)
    return [sentence(drawn(glove_words(), rng, rng.randint(5, 40)), rng) for _ in range(30_000)]


def rare():
    """10,000 lines in which few words come twice: drawn evenly, a number behind each second one."""
    rng, words = random.Random(3), glove_words()
    return [sentence([w + (str(rng.randrange(100_000)) if i % 2 else "")
                      for i, w in enumerate(rng.choices(words, k=rng.randint(5, 40)))], rng)
            for _ in range(10_000)]


# First and last letter of the lower case of each script.
SCRIPTS = ["αω", "ая", "את", "ءي", "अह", "กฮ", "あん", "アン", "가힣", "აჰ", "աֆ", "бя"]


def mixed():
    """3,000 lines of English, Chinese and words of a dozen other scripts, some with emoji."""
    rng, english, posts = random.Random(4), glove_words(), weibo()
    foreign = []
    for first, last in SCRIPTS:
        letters = [chr(c) for c in range(ord(first), ord(last) + 1)]
        foreign.append(["".join(rng.choices(letters, k=rng.randint(2, 9))) for _ in range(3000)])
    texts = []
    for _ in range(3000):
        parts = [sentence(drawn(english, rng, rng.randint(3, 12)), rng), rng.choice(posts)[:40]]
        parts += [sentence(drawn(words, rng, rng.randint(3, 10)), rng) for words in rng.sample(foreign, 4)]
        parts += rng.choice([[], [], ["\U0001F600"], ["\u00e9t\u00e9 na\u00efve co\u00f6perate \u0141\u00f3d\u017a"]])
        rng.shuffle(parts)
        texts.append(" ".join(parts))
    return texts


ALL = {f.__name__: f for f in (imdb, squad, sst2, long, weibo, mixed, zipf, rare)}

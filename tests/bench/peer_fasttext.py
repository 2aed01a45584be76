"""fastText's supervised classifier, one job a process: in an old one its training often ends with
"Encountered NaN" (0.9.3).

  peer_fasttext.py train TRAIN MODEL '{"lr": 0.1, "epoch": 5, "thread": 2}'   seconds of training
  peer_fasttext.py predict MODEL TEXTS                                        labels, seconds
"""

import json
import sys
import time

import fasttext


def train(path, model, settings):
    begin = time.perf_counter()
    trained = fasttext.train_supervised(path, dim=100, verbose=0, **json.loads(settings))
    seconds = time.perf_counter() - begin
    trained.save_model(model)
    return {"seconds": seconds}


def predict(model, path):
    trained = fasttext.load_model(model)
    with open(path, encoding="utf-8") as file:
        texts = [line.rstrip("\n") for line in file]
    begin = time.perf_counter()
    labels = trained.predict(texts)[0]
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "labels": [label[0].removeprefix("__label__") for label in labels]}


print(json.dumps({"train": train, "predict": predict}[sys.argv[1]](*sys.argv[2:])))

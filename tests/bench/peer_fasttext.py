"""fastText's supervised classifier, one job a process: in an old one its training often ends with
"Encountered NaN" (0.9.3).

  peer_fasttext.py train TRAIN MODEL '{"lr": 0.1, "epoch": 5, "thread": 2}'
      seconds from the file of texts to the saved model
  peer_fasttext.py predict MODEL TEXTS
      labels, and seconds from the file of texts to a file of labels and probabilities
"""

import json
import os
import sys
import time

import fasttext


def train(path, model, settings):
    begin = time.perf_counter()
    trained = fasttext.train_supervised(path, dim=100, verbose=0, **json.loads(settings))
    trained.save_model(model)
    return {"seconds": time.perf_counter() - begin}


def predict(model, path):
    trained = fasttext.load_model(model)
    begin = time.perf_counter()
    with open(path, encoding="utf-8") as file:
        texts = [line.rstrip("\n") for line in file]
    labels, scores = trained.predict(texts)
    with open(os.devnull, "w", encoding="utf-8") as file:
        file.writelines(f"{label[0]}\t{score[0]:.6f}\t{text}\n"
                        for label, score, text in zip(labels, scores, texts, strict=True))
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "labels": [label[0].removeprefix("__label__") for label in labels]}


print(json.dumps({"train": train, "predict": predict}[sys.argv[1]](*sys.argv[2:])))

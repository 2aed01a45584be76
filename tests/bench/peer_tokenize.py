#!/usr/bin/env python3
"""Peers for tokenization, as workers of compare.py: texts to token ids, special tokens included.

  peer_tokenize.py --peer tokenizers|nanotoken

run        all texts in one batch from a list of str (tokenizers: encode_batch_fast)
run cold   the same with empty caches (nanotoken; tokenizers keeps none for WordPiece)
run full   with offsets, words and masks (tokenizers: encode_batch)

load: {"tokenizer": DIR with tokenizer.json, "texts": FILE with one text a line, "threads": n}
"""

import argparse
import os
import time

import numpy

import data
import worker


class Tokenizers:
    def __init__(self, folder, threads):
        import tokenizers
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.versions = {"tokenizers": tokenizers.__version__}

    def clear(self):
        pass

    def encode(self, texts):
        return self.tokenizer.encode_batch_fast(texts)

    def encode_full(self, texts):
        return self.tokenizer.encode_batch(texts)

    def ids(self, output):
        return numpy.concatenate([numpy.array(e.ids) for e in output])


class Nanotoken:
    def __init__(self, folder, threads):
        import nanotoken
        import importlib.metadata
        self.tokenizer = nanotoken.Tokenizer(os.path.join(folder, "tokenizer.json")).backend
        self.parallel = threads > 1
        self.versions = {"nanotoken": importlib.metadata.version("nanotoken")}

    def clear(self):
        self.tokenizer.clear_cache()

    def encode(self, texts):
        return self.tokenizer.encode_batch(texts, parallel=self.parallel)

    def ids(self, output):
        return output[0]


PEERS = {"tokenizers": Tokenizers, "nanotoken": Nanotoken}


class Worker:
    """Answers the requests of compare.py for one peer."""

    def __init__(self, peer):
        self.peer_name = peer

    def load(self, request):
        begin = time.perf_counter()
        self.peer = PEERS[self.peer_name](request["tokenizer"], request["threads"])
        seconds = time.perf_counter() - begin
        self.texts = data.read_lines(request["texts"])
        return {"versions": self.peer.versions, "settings": {"load_seconds": seconds}}

    def run(self, what):
        if what not in ("", "cold", "full"):
            raise ValueError(f"unknown run '{what}'")
        if what == "cold":
            self.peer.clear()
        encode = self.peer.encode_full if what == "full" else self.peer.encode
        begin = time.perf_counter()
        output = encode(self.texts)
        seconds = time.perf_counter() - begin
        if what != "full":
            self.output = output
        return {"seconds": seconds, "texts": len(self.texts)}

    def result(self):
        return self.peer.ids(self.output)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, choices=sorted(PEERS))
    options = parser.parse_args()
    peer = Worker(options.peer)
    worker.serve(peer.load, peer.run, peer.result)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Peers for tokenization, as workers of compare.py: texts to token ids.

  peer_tokenize.py --peer tokenizers|nanotoken|sentencepiece

run        all texts in one batch from a list of str (tokenizers: encode_batch_fast; sentencepiece: encode)
run cold   the same with empty caches (nanotoken; the others keep none, or none that can be emptied)
run full   with offsets (tokenizers: encode_batch, words and masks too; sentencepiece: protos)

load: {"tokenizer": DIR with tokenizer.json or spiece.model, "texts": FILE with one text a line,
       "special_tokens": whether the ids are to have the model's, "threads": n}
"""

import argparse
import itertools
import os
import time

import numpy

import data
import worker


class Tokenizers:
    def __init__(self, folder, threads, special_tokens):
        import tokenizers
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.special_tokens = special_tokens
        self.versions = {"tokenizers": tokenizers.__version__}

    def encode(self, texts):
        return self.tokenizer.encode_batch_fast(texts, add_special_tokens=self.special_tokens)

    def encode_full(self, texts):
        return self.tokenizer.encode_batch(texts, add_special_tokens=self.special_tokens)

    def ids(self, output):
        return numpy.concatenate([numpy.array(e.ids) for e in output])


class Nanotoken:
    def __init__(self, folder, threads, special_tokens):
        import nanotoken
        import importlib.metadata
        if not special_tokens:
            raise ValueError("nanotoken is compared with special tokens")
        self.tokenizer = nanotoken.Tokenizer(os.path.join(folder, "tokenizer.json")).backend
        self.parallel = threads > 1
        self.versions = {"nanotoken": importlib.metadata.version("nanotoken")}

    def clear(self):
        self.tokenizer.clear_cache()

    def encode(self, texts):
        return self.tokenizer.encode_batch(texts, parallel=self.parallel)

    def ids(self, output):
        return output[0]


class SentencePiece:
    def __init__(self, folder, threads, special_tokens):
        import sentencepiece
        if special_tokens:
            raise ValueError("sentencepiece is compared without special tokens")
        self.processor = sentencepiece.SentencePieceProcessor(
            model_file=os.path.join(folder, "spiece.model"), num_threads=threads)
        self.versions = {"sentencepiece": sentencepiece.__version__}

    def encode(self, texts):
        return self.processor.encode(texts)

    def encode_full(self, texts):
        return self.processor.encode(texts, return_type="proto")

    def ids(self, output):
        return numpy.fromiter(itertools.chain.from_iterable(output), numpy.int32)


PEERS = {"tokenizers": Tokenizers, "nanotoken": Nanotoken, "sentencepiece": SentencePiece}


class Worker:
    """Answers the requests of compare.py for one peer."""

    def __init__(self, peer):
        self.peer_name = peer

    def load(self, request):
        begin = time.perf_counter()
        self.peer = PEERS[self.peer_name](request["tokenizer"], request["threads"], request["special_tokens"])
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

#!/usr/bin/env python3
"""Peers for encoding, as workers of compare.py: texts to mean-pooled vectors [n, H] in the order of
the file, tokenizer included, float32 on the CPU.

  peer_encode.py --peer PEER [--batch-size 32|best]

sentence-transformers  encode(): batches sorted by length, without its closing normalisation.
transformers           texts in the order they come, each batch padded to its longest, fast
                       tokenizer, inference mode, scaled_dot_product_attention.
transformers-sorted    the same with the texts sorted by length.
onnxruntime            batches sorted by length, graph with fused Attention, SkipLayerNormalization
                       and BiasGelu (onnx_export.py).

"best" tries 16, 32, 64 and 128 on part of the texts at load and keeps the fastest.

load: {"model": DIR, "texts": FILE with one text a line, "max_length": tokens, "threads": n}
"""

import argparse
import time

import numpy
import transformers

import data
import worker

PROBE_TEXTS = 512

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


class SentenceTransformers:
    def __init__(self, model, threads, max_length):
        import sentence_transformers
        import torch
        torch.set_num_threads(threads)
        self.model = sentence_transformers.SentenceTransformer(model, device="cpu")
        while type(self.model[-1]).__name__ == "Normalize":
            del self.model[len(self.model) - 1]
        self.model.max_seq_length = max_length
        self.versions = {"sentence-transformers": sentence_transformers.__version__,
                         "transformers": transformers.__version__, "torch": torch.__version__}
        self.notes = {}

    def encode(self, texts, batch_size):
        return self.model.encode(texts, batch_size=batch_size, show_progress_bar=False)

    def count_tokens(self, texts):
        return sum(len(ids) for ids in self.model.tokenizer(
            texts, truncation=True, max_length=self.model.max_seq_length)["input_ids"])


class Transformers:
    def __init__(self, model, threads, max_length):
        import torch
        torch.set_num_threads(threads)
        self.torch = torch
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(model)
        self.model = transformers.AutoModel.from_pretrained(model).eval()
        if getattr(self.model, "pooler", None) is not None:
            self.model.pooler = None  # what it makes is not asked for
        self.max_length = max_length
        self.versions = {"transformers": transformers.__version__, "torch": torch.__version__}
        self.notes = {"attention": self.model.config._attn_implementation}

    def encode(self, texts, batch_size):
        pooled = []
        with self.torch.inference_mode():
            for begin in range(0, len(texts), batch_size):
                batch = self.tokenizer(texts[begin:begin + batch_size], padding=True,
                                       truncation=True, max_length=self.max_length,
                                       return_tensors="pt")
                hidden = self.model(**batch).last_hidden_state
                mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
                pooled.append((hidden * mask).sum(1) / mask.sum(1))
            return self.torch.cat(pooled).numpy()

    def count_tokens(self, texts):
        return sum(len(ids) for ids in self.tokenizer(
            texts, truncation=True, max_length=self.max_length)["input_ids"])


class SortedTransformers(Transformers):
    def encode(self, texts, batch_size):
        lengths = [len(ids) for ids in self.tokenizer(texts)["input_ids"]]
        order = numpy.argsort(lengths, kind="stable")[::-1]
        pooled = super().encode([texts[i] for i in order], batch_size)
        vectors = numpy.empty_like(pooled)
        vectors[order] = pooled
        return vectors


class OnnxRuntime:
    def __init__(self, model, threads, max_length):
        import onnxruntime
        import tokenizers
        import onnx_export
        path, fused = onnx_export.fused_encoder(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        # Spins within a run, as by default, but not after it: the others run then.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.session = onnxruntime.InferenceSession(path, options,
                                                    providers=["CPUExecutionProvider"])
        self.tokenizer = tokenizers.Tokenizer.from_file(f"{model}/tokenizer.json")
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(max_length)
        self.versions = {"onnxruntime": onnxruntime.__version__,
                         "tokenizers": tokenizers.__version__}
        self.notes = {"fused": fused}

    def encode(self, texts, batch_size):
        ids = [e.ids for e in self.tokenizer.encode_batch_fast(texts)]
        order = sorted(range(len(ids)), key=lambda i: -len(ids[i]))
        pooled = None
        for begin in range(0, len(order), batch_size):
            rows = order[begin:begin + batch_size]
            shape = (len(rows), len(ids[rows[0]]))
            batch, mask = numpy.zeros(shape, numpy.int64), numpy.zeros(shape, numpy.int64)
            for row, index in enumerate(rows):
                batch[row, :len(ids[index])] = ids[index]
                mask[row, :len(ids[index])] = 1
            hidden, = self.session.run(None, {
                "input_ids": batch, "attention_mask": mask,
                "token_type_ids": numpy.zeros(shape, numpy.int64)})
            weight = mask[:, :, None].astype(numpy.float32)
            if pooled is None:
                pooled = numpy.empty((len(ids), hidden.shape[-1]), numpy.float32)
            pooled[rows] = (hidden * weight).sum(1) / weight.sum(1)
        return pooled

    def count_tokens(self, texts):
        return sum(len(e.ids) for e in self.tokenizer.encode_batch_fast(texts))


PEERS = {"sentence-transformers": SentenceTransformers, "transformers": Transformers,
         "transformers-sorted": SortedTransformers, "onnxruntime": OnnxRuntime}


class Worker:
    """Answers the requests of compare.py for one peer."""

    def __init__(self, peer, batch_size):
        self.peer_name, self.batch_size = peer, batch_size

    def load(self, request):
        self.peer = PEERS[self.peer_name](request["model"], request["threads"],
                                          request["max_length"])
        self.texts = data.read_lines(request["texts"])
        self.tokens = self.peer.count_tokens(self.texts)
        if self.batch_size == "best":
            self.batch_size = self.fastest_batch_size()
        return {"versions": self.peer.versions,
                "settings": dict(self.peer.notes, batch_size=self.batch_size)}

    def fastest_batch_size(self):
        stride = max(1, len(self.texts) // PROBE_TEXTS)
        probe = self.texts[::stride]
        best = {}
        for _ in range(3):  # The first round warms up as well; the minimum forgets it.
            for size in (16, 32, 64, 128):
                begin = time.perf_counter()
                self.peer.encode(probe, size)
                best[size] = min(best.get(size, float("inf")), time.perf_counter() - begin)
        return min(best, key=best.get)

    def run(self, what):
        if what:
            raise ValueError(f"unknown run '{what}'")
        begin = time.perf_counter()
        self.vectors = self.peer.encode(self.texts, self.batch_size)
        return {"seconds": time.perf_counter() - begin, "texts": len(self.texts),
                "tokens": self.tokens}

    def result(self):
        return self.vectors


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True, choices=sorted(PEERS))
    parser.add_argument("--batch-size", default="32",
                        type=lambda text: text if text == "best" else int(text))
    options = parser.parse_args()
    peer = Worker(options.peer, options.batch_size)
    worker.serve(peer.load, peer.run, peer.result)


if __name__ == "__main__":
    main()

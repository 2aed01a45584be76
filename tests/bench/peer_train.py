#!/usr/bin/env python3
"""transformers.Trainer as a worker of compare.py: some optimizer steps of fine-tuning from the same
start, float32 on the CPU, dynamic padding, no evaluation, nothing saved.

load: {"model": DIR, "check_model": DIR, "train": FILE with "text<TAB>class" lines, "max_length",
"steps", "batch_size", "learning_rate", "weight_decay", "warmup", "clip", "freeze", "seed",
"threads"}; the models are sequence classification folders, that of the check without dropout.
run        trains; "seconds" from the first step to the end of the last
run check  the same with check_model
result     the loss of every step of the last run
"""

import tempfile
import time

import numpy
import torch
import transformers

import data
import peer_trainer
import worker


class Clock(transformers.TrainerCallback):
    def on_train_begin(self, *_, **__):
        self.begin = time.perf_counter()

    def on_step_end(self, *_, **__):
        self.end = time.perf_counter()


class Worker:
    def load(self, request):
        torch.set_num_threads(request["threads"])
        self.settings = request
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(request["model"])
        rows = [line.rsplit("\t", 1) for line in data.read_lines(request["train"])]
        classes = sorted({label for _, label in rows}, key=int)
        self.train = peer_trainer.encode_rows(self.tokenizer, rows, classes,
                                              request["max_length"])
        return {"versions": {"transformers": transformers.__version__,
                             "torch": torch.__version__},
                "settings": {"optimizer": "adamw_torch_fused", "attention": "sdpa"}}

    def run(self, what):
        if what not in ("", "check"):
            raise ValueError(f"unknown run '{what}'")
        folder = self.settings["check_model" if what else "model"]
        model = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder, attn_implementation="sdpa")
        peer_trainer.freeze(model, self.settings["freeze"])
        clock = Clock()
        with tempfile.TemporaryDirectory() as output:
            trainer = peer_trainer.make_trainer(model, self.tokenizer, self.train, self.settings,
                                                output)
            trainer.add_callback(clock)
            trainer.train()
        self.losses = trainer.losses
        return {"seconds": clock.end - clock.begin, "steps": len(self.losses),
                "texts": len(self.losses) * self.settings["batch_size"]}

    def result(self):
        return numpy.array(self.losses)


if __name__ == "__main__":
    peer = Worker()
    worker.serve(peer.load, peer.run, peer.result)

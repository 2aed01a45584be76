"""transformers.Trainer with graft's settings: what the training benchmark and the training parity
check run as the peer.

Settings that are not Trainer's defaults: weight decay on tensors of two and more dimensions
(Trainer decides by name), the order of the texts is graft's EpochOrder. Frozen parameters have
requires_grad = False, as is usual with Trainer; its dropout stays active below the frozen depth.
"""

import math

import numpy
import torch
import transformers

import data

transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()


def philox(counter, seed):
    """Philox4x32-10 (Salmon et al., SC'11). counter: four uint64 arrays of 32-bit words."""
    mask, key = 0xFFFFFFFF, [seed & 0xFFFFFFFF, seed >> 32]
    words = [numpy.asarray(word, numpy.uint64) for word in counter]
    for _ in range(10):
        first = numpy.uint64(0xD2511F53) * words[0]
        second = numpy.uint64(0xCD9E8D57) * words[2]
        high, low = numpy.uint64(32), numpy.uint64(mask)
        words = [(second >> high) ^ words[1] ^ numpy.uint64(key[0]), second & low,
                 (first >> high) ^ words[3] ^ numpy.uint64(key[1]), first & low]
        key = [(key[0] + 0x9E3779B9) & mask, (key[1] + 0xBB67AE85) & mask]
    return words


def epoch_order(seed, epoch, count):
    """The order of the examples in an epoch (tasks/batching.h)."""
    index = numpy.arange(count, dtype=numpy.uint64)
    same = numpy.ones(count, numpy.uint64)
    words = philox([index & numpy.uint64(0xFFFFFFFF), index >> numpy.uint64(32),
                    same * numpy.uint64(0xFFFFFFFF), same * numpy.uint64(epoch)], seed)
    return numpy.lexsort((index, (words[0] << numpy.uint64(32)) | words[1])).tolist()


class EpochOrderSampler(torch.utils.data.Sampler):
    """Every pass over it is the next epoch."""

    def __init__(self, seed, count):
        self.seed, self.count, self.epoch = seed, count, 0

    def __len__(self):
        return self.count

    def __iter__(self):
        order = epoch_order(self.seed, self.epoch, self.count)
        self.epoch += 1
        return iter(order)


class Trainer(transformers.Trainer):
    """Records the loss of every step in `losses`."""

    def __init__(self, *arguments, order_seed, **named):
        super().__init__(*arguments, **named)
        self.order_seed, self.losses = order_seed, []

    def get_decay_parameter_names(self, model):
        return [name for name, parameter in model.named_parameters() if parameter.dim() >= 2]

    def _get_train_sampler(self, train_dataset=None):
        return EpochOrderSampler(self.order_seed, len(self.train_dataset))

    def compute_loss(self, *arguments, **named):
        loss = super().compute_loss(*arguments, **named)
        self.losses.append(loss[0].item() if isinstance(loss, tuple) else loss.item())
        return loss


def freeze(model, plan):
    """plan: none, embeddings, K or all, as in graft."""
    encoder = model.base_model
    layers = list(encoder.encoder.layer)
    if plan == "none":
        return
    count = {"embeddings": 0, "all": len(layers)}.get(plan)
    for module in [encoder.embeddings] + layers[:int(plan) if count is None else count]:
        module.requires_grad_(False)


def new_classifier(model_folder, labels, seed, dropout=None):
    """Encoder and pooler of the folder and a new linear layer, a function of the seed. `dropout`
    replaces all rates."""
    transformers.set_seed(seed)
    rates = {} if dropout is None else {"hidden_dropout_prob": dropout,
                                        "attention_probs_dropout_prob": dropout}
    return transformers.AutoModelForSequenceClassification.from_pretrained(
        model_folder, num_labels=len(labels), id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)}, attn_implementation="sdpa", **rates)


def encode_rows(tokenizer, rows, labels, max_length):
    """[{"input_ids", "attention_mask", "labels"}] of (text, label) rows."""
    encoded = tokenizer([text for text, _ in rows], truncation=True, max_length=max_length)
    return [{"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels.index(label)}
            for ids, (_, label) in zip(encoded["input_ids"], rows)]


def make_trainer(model, tokenizer, train, settings, output):
    """settings: learning_rate, batch_size, weight_decay, warmup, clip, seed and epochs or steps."""
    arguments = transformers.TrainingArguments(
        output_dir=output, use_cpu=True, per_device_train_batch_size=settings["batch_size"],
        learning_rate=settings["learning_rate"], weight_decay=settings["weight_decay"],
        warmup_steps=settings["warmup"], lr_scheduler_type="linear",
        max_grad_norm=settings["clip"], num_train_epochs=settings.get("epochs", 1),
        max_steps=settings.get("steps", -1), seed=settings["seed"], save_strategy="no",
        eval_strategy="no", logging_strategy="no", report_to=[], disable_tqdm=True,
        dataloader_num_workers=0, dataloader_pin_memory=False)
    trainer = Trainer(model=model, args=arguments, train_dataset=train,
                      order_seed=settings["seed"],
                      data_collator=transformers.DataCollatorWithPadding(tokenizer))
    trainer.remove_callback(transformers.PrinterCallback)
    return trainer


def accuracy(model, tokenizer, rows, batch_size=64):
    """Share of right labels of encoded rows; batches sorted by length."""
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
    right, was_training = 0, model.training
    model.eval()
    with torch.inference_mode():
        for begin in range(0, len(order), batch_size):
            batch = [rows[i] for i in order[begin:begin + batch_size]]
            inputs = tokenizer.pad([{k: v for k, v in row.items() if k != "labels"}
                                    for row in batch], return_tensors="pt")
            predicted = model(**inputs).logits.argmax(-1).tolist()
            right += sum(p == row["labels"] for p, row in zip(predicted, batch))
    model.train(was_training)
    return right / len(rows)


def sst2_splits():
    """Rows of train, dev and test, and the labels in graft's order."""
    splits = {name: data.sst2(name) for name in ("train", "dev", "test")}
    return splits, sorted({label for _, label in splits["train"]})


def steps_of(examples, settings):
    if "steps" in settings:
        return settings["steps"]
    return settings["epochs"] * math.ceil(examples / settings["batch_size"])

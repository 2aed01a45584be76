#!/usr/bin/env python3
"""Makes the golden encoder folders beside this file with transformers.

  python3 generate_encoder.py [--out FOLDER]

bert-tiny  BertForSequenceClassification, 2 layers x 32, 4 heads, 3 labels, lower case,
           tokenizer.json and vocab.txt.
bert-odd   BertModel without pooler as a sentence-transformers folder with mean pooling, 3 layers x
           36, 3 heads (width 12), intermediate 60, cased, vocab.txt alone.

The weights are random and large enough to make attention uneven. Each folder also holds

texts.json            the texts with ids, type ids and labels as the tokenizer gives them
expected.safetensors  float32, computed in float64 from the float32 weights, each text by itself:
    text<i>.hidden.<k>   [T, H] output of stage k (0 = embeddings, k = layer k)
    text<i>.pooled       [H] bert-tiny: tanh(dense(CLS)); bert-odd: mean over the tokens
    text<i>.logits       [C] bert-tiny only
    loss                 [1] bert-tiny: mean cross entropy over the texts;
                         bert-odd: mean over the texts of sum(pooled^2) / 2
    grad.<parameter>     gradient of loss, dropout off, for every parameter of the model

Written with transformers 5.23.0 and torch 2.11.0.
"""

import argparse
import json
import os
import string

import torch
import transformers
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PUNCTUATION = list(".,!?'\"-:;()")
WORDS = """
the a an and or not of in on to it is was this that film movie plot story actor scene music end
good great fine warm fun funny moving bright bad dull weak slow cold sad long short never always
very too so but with without for from by at as all no one two first last time life heart mind eye
watch laugh cry feel make made makes seem seems keep kept lose lost find found grow root tree leaf
""".split()
PIECES = ["##ing", "##ed", "##s", "##er", "##ly", "##ness", "##ful", "##less", "##est", "##y"]

TINY_TEXTS = [
    ("The film is good.", None, 2),
    ("", None, 1),
    ("Dull, slow and never funny: two long hours lost!", None, 0),
    ("Café music", None, 2),
    ("It was not bad, but the end seems weak (and the plot too); a bright actor makes the "
     "story moving, so watch it for the first scene and the last, without sadness or time "
     "for laughter. Unmöglich \u4e2d\u6587 zzz", None, 1),
    ("Is the tree warm?", "The leaf is cold.", 0),
    ("grow " * 80, None, 2),
]
ODD_TEXTS = [
    ("a warm heart", None, None),
    ("The End", None, None),
    ("", None, None),
    ("all is lost - so it seems - without one good scene, but the music keeps it moving", None,
     None),
    ("never " * 60, None, None),
    ("root", "tree and leaf", None),
]


def vocabulary(upper):
    letters = list(string.ascii_lowercase) + (list(string.ascii_uppercase[:6]) if upper else [])
    words = WORDS + (["The", "End"] if upper else [])
    tokens = SPECIAL + PUNCTUATION + letters + ["##" + c for c in string.ascii_lowercase]
    return list(dict.fromkeys(tokens + PIECES + words))


def make_tokenizer(vocab, lower):
    ids = {token: i for i, token in enumerate(vocab)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]),
                                                         ("[CLS]", ids["[CLS]"]))
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


def save_tokenizer(folder, vocab, tokenizer, lower, max_length, with_json):
    with open(f"{folder}/vocab.txt", "w", encoding="utf-8") as file:
        file.write("".join(token + "\n" for token in vocab))
    if with_json:
        tokenizer.save(f"{folder}/tokenizer.json")
    write_json(f"{folder}/tokenizer_config.json", {
        "cls_token": "[CLS]", "do_lower_case": lower, "mask_token": "[MASK]",
        "model_max_length": max_length, "pad_token": "[PAD]", "sep_token": "[SEP]",
        "strip_accents": None, "tokenize_chinese_chars": True,
        "tokenizer_class": "BertTokenizer", "unk_token": "[UNK]"})


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=True)
        file.write("\n")


def write_rows(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def randomise(model, seed):
    """Weights of a size that makes softmax, GELU and tanh leave their linear range."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if "LayerNorm.weight" in name:
                parameter.copy_(1 + 0.2 * noise)
            elif "LayerNorm.bias" in name or name.endswith(".bias"):
                parameter.copy_(0.1 * noise)
            elif "embeddings" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(1.5 * noise / parameter.shape[-1] ** 0.5)


def encode(tokenizer, texts, max_length):
    tokenizer.enable_truncation(max_length)
    rows = []
    for text, pair, label in texts:
        encoding = tokenizer.encode(text, pair)
        row = {"text": text, "ids": encoding.ids, "type_ids": encoding.type_ids}
        if pair is not None:
            row["pair"] = pair
        if label is not None:
            row["label"] = label
        rows.append(row)
    return rows


def expected(model, rows, text_loss):
    """text_loss(output, row) -> (loss of one text, {name: tensor to store})."""
    model = model.double().eval()
    tensors, total = {}, 0.0
    for i, row in enumerate(rows):
        output = model(input_ids=torch.tensor([row["ids"]]),
                       token_type_ids=torch.tensor([row["type_ids"]]),
                       output_hidden_states=True)
        loss, extra = text_loss(output, row)
        (loss / len(rows)).backward()
        total += loss.item() / len(rows)
        for k, hidden in enumerate(output.hidden_states):
            tensors[f"text{i}.hidden.{k}"] = hidden[0]
        for name, tensor in extra.items():
            tensors[f"text{i}.{name}"] = tensor
    tensors["loss"] = torch.tensor([total])
    for name, parameter in model.named_parameters():
        tensors[f"grad.{name}"] = parameter.grad
    return {name: tensor.detach().float().contiguous() for name, tensor in tensors.items()}


def save_expected(tensors, folder):
    save_file(tensors, f"{folder}/expected.safetensors")
    for name in ("model", "expected"):
        os.chmod(f"{folder}/{name}.safetensors", 0o644)


def save_model(model, folder):
    os.makedirs(folder, exist_ok=True)
    model.save_pretrained(folder)
    # The library's version is no part of the model: without it the file stays the same.
    config = json.load(open(f"{folder}/config.json", encoding="utf-8"))
    config.pop("transformers_version", None)
    write_json(f"{folder}/config.json", config)


def make_tiny(out):
    folder = f"{out}/bert-tiny"
    vocab = vocabulary(upper=False)
    names = ["negative", "neutral", "positive"]
    config = transformers.BertConfig(
        vocab_size=len(vocab), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=64, hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1, id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)})
    model = transformers.BertForSequenceClassification(config)
    randomise(model, seed=1)
    save_model(model, folder)
    tokenizer = make_tokenizer(vocab, lower=True)
    save_tokenizer(folder, vocab, tokenizer, True, 64, with_json=True)
    rows = encode(tokenizer, TINY_TEXTS, 64)
    write_rows(f"{folder}/texts.json", rows)
    double = model.double()

    def text_loss(output, row):
        loss = torch.nn.functional.cross_entropy(output.logits, torch.tensor([row["label"]]))
        pooled = double.bert.pooler(output.hidden_states[-1])
        return loss, {"pooled": pooled[0], "logits": output.logits[0]}

    save_expected(expected(double, rows, text_loss), folder)


def make_odd(out):
    folder = f"{out}/bert-odd"
    vocab = vocabulary(upper=True)
    config = transformers.BertConfig(
        vocab_size=len(vocab), hidden_size=36, num_hidden_layers=3, num_attention_heads=3,
        intermediate_size=60, max_position_embeddings=40, layer_norm_eps=1e-6,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    model = transformers.BertModel(config, add_pooling_layer=False)
    randomise(model, seed=2)
    save_model(model, folder)
    tokenizer = make_tokenizer(vocab, lower=False)
    save_tokenizer(folder, vocab, tokenizer, False, 40, with_json=False)
    write_json(f"{folder}/modules.json", [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling",
         "type": "sentence_transformers.models.Pooling"}])
    write_json(f"{folder}/sentence_bert_config.json",
               {"max_seq_length": 32, "do_lower_case": False})
    os.makedirs(f"{folder}/1_Pooling", exist_ok=True)
    write_json(f"{folder}/1_Pooling/config.json", {
        "word_embedding_dimension": 36, "pooling_mode_cls_token": False,
        "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False})
    rows = encode(tokenizer, ODD_TEXTS, 32)
    write_rows(f"{folder}/texts.json", rows)

    def text_loss(output, row):
        pooled = output.last_hidden_state.mean(dim=1)
        return (pooled ** 2).sum() / 2, {"pooled": pooled[0]}

    save_expected(expected(model, rows, text_loss), folder)


def check(out):
    """The saved folders, opened anew in float32, give what was stored."""
    for name, auto in (("bert-tiny", transformers.AutoModelForSequenceClassification),
                       ("bert-odd", transformers.AutoModel)):
        folder = f"{out}/{name}"
        model = auto.from_pretrained(folder).eval()
        stored = load_file(f"{folder}/expected.safetensors")
        rows = json.load(open(f"{folder}/texts.json", encoding="utf-8"))
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        limit = max(len(row["ids"]) for row in rows)
        worst = 0.0
        for i, row in enumerate(rows):
            inputs = tokenizer(row["text"], row.get("pair"), truncation=True, max_length=limit,
                               return_tensors="pt")
            assert inputs["input_ids"][0].tolist() == row["ids"], (name, i)
            with torch.no_grad():
                hidden = model(**inputs, output_hidden_states=True).hidden_states
            for k, h in enumerate(hidden):
                worst = max(worst, (h[0] - stored[f"text{i}.hidden.{k}"]).abs().max().item())
        assert worst < 2e-5, (name, worst)
        print(f"{name}: {len(rows)} texts, ids equal, float32 hidden states within {worst:.1e}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    out = parser.parse_args().out
    transformers.logging.set_verbosity_error()
    make_tiny(out)
    make_odd(out)
    check(out)


if __name__ == "__main__":
    main()

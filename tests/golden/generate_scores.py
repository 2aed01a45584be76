#!/usr/bin/env python3
"""Makes the golden folders of language models (scores/) with transformers.

  python3 generate_scores.py [--out FOLDER]

gpt2  GPT2LMHeadModel with a byte-level BPE tokenizer: causal, no special tokens around texts. Its
      scores_with_types.json are those with token_type_ids, all 0: another model, as GPT-2 adds the
      words of these ids.
bert  BertForMaskedLM with a WordPiece tokenizer: each token masked in turn (Salazar et al. 2020,
      arXiv 1910.14659).

Each folder also holds scores.json: for each text its ids and the log-probability of every token in
float64 from the float32 weights, null where a token is not scored. Written with transformers 5.23.0
and torch 2.11.0.
"""

import argparse
import json
import os
import string

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

import family_models

TEXTS = ["the film is good", "a", "The plot, dull and slow; never ends!", "good good bad \u00e9",
         "is it a film or is it a plot that never ends and never is good or bad but dull"]
MAX_LENGTH = 24
MERGES = [("t", "h"), ("th", "e"), ("\u0120", "the"), ("i", "s"), ("\u0120", "is"), ("o", "o"),
          ("oo", "d"), ("n", "e"), ("\u0120", "a"), ("f", "i"), ("l", "m")]
WORDS = "the film is good plot dull and slow never bad it or that but".split()


def byte_level():
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = letters + ["".join(pair) for pair in MERGES] + ["<|endoftext|>"]
    ids = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(ids, MERGES))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(["<|endoftext|>"])
    return tokenizer, {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>",
                       "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}


def word_piece():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = special + list(",;!" + string.ascii_lowercase)
    tokens += ["##" + c for c in string.ascii_lowercase] + WORDS
    ids = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.add_special_tokens(special)
    return tokenizer, {"tokenizer_class": "BertTokenizer", "mask_token": "[MASK]"}


def causal_scores(model, ids, _special, _mask, **inputs):
    logits = model(input_ids=torch.tensor([ids]), **inputs).logits[0].log_softmax(-1)
    return [None] + [logits[i - 1, ids[i]].item() for i in range(1, len(ids))]


def causal_scores_with_types(model, ids, special, mask):
    return causal_scores(model, ids, special, mask, token_type_ids=torch.zeros(1, len(ids), dtype=torch.long))


def masked_scores(model, ids, special, mask):
    scores = []
    for i, (token, is_special) in enumerate(zip(ids, special)):
        if is_special:
            scores.append(None)
            continue
        masked = torch.tensor([ids[:i] + [mask] + ids[i + 1:]])
        scores.append(model(input_ids=masked).logits[0, i].log_softmax(-1)[token].item())
    return scores


def make(folder, class_name, members, tokenizer, settings, seed):
    size = tokenizer.get_vocab_size()
    model = family_models.make_model(class_name, dict(members, vocab_size=size), seed)
    family_models.save_model(model, folder)
    tokenizer.save(f"{folder}/tokenizer.json", pretty=False)
    with open(f"{folder}/tokenizer_config.json", "w", encoding="utf-8") as file:
        json.dump(dict(settings, model_max_length=MAX_LENGTH), file, indent=1)
        file.write("\n")
    return model.double()


def write_scores(path, model, tokenizer, score):
    tokenizer.enable_truncation(MAX_LENGTH)
    rows = []
    for text in TEXTS:
        encoding = tokenizer.encode(text)
        with torch.no_grad():
            scores = score(model, encoding.ids, encoding.special_tokens_mask,
                           tokenizer.token_to_id("[MASK]"))
        rows.append({"text": text, "ids": encoding.ids, "log_probabilities": scores})
    with open(path, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    print(f"{path}: longest text {max(len(row['ids']) for row in rows)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=f"{os.path.dirname(os.path.abspath(__file__))}/scores")
    out = parser.parse_args().out
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    tokenizer, settings = byte_level()
    model = make(f"{out}/gpt2", "GPT2LMHeadModel", dict(family_models.GPT2, n_inner=20), tokenizer,
                 settings, 11)
    write_scores(f"{out}/gpt2/scores.json", model, tokenizer, causal_scores)
    write_scores(f"{out}/gpt2/scores_with_types.json", model, tokenizer, causal_scores_with_types)
    tokenizer, settings = word_piece()
    model = make(f"{out}/bert", "BertForMaskedLM", family_models.BERT, tokenizer, settings, 12)
    write_scores(f"{out}/bert/scores.json", model, tokenizer, masked_scores)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes the golden folders of the encoder families (families/) with transformers.

  python3 generate_families.py [--out FOLDER] [NAME...]

One folder a case of family_models.py: config.json, model.safetensors, and expected.safetensors with

text<i>.ids, .type_ids  [T] int32
text<i>.hidden.<k>      [T, H] output of stage k (0 = embeddings, k = layer k)
text<i>.logits          [C] of a text, or [T, C] of its tokens
text<i>.pooled          [H] what the encoder's own pooler gives, of encoders without head
loss, grad.<parameter>  the loss of family_models.text_loss, mean over the texts, dropout off

computed in float64 from the float32 weights, each text by itself. Written with transformers 5.23.0
and torch 2.11.0.
"""

import argparse
import os
import zlib

import transformers

import family_models

LENGTHS = [5, 1, 17, 2, 9]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=f"{os.path.dirname(os.path.abspath(__file__))}/families")
    parser.add_argument("names", nargs="*", help="cases to make; default: all")
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name, class_name, members in family_models.CASES:
        if options.names and name not in options.names:
            continue
        seed = zlib.crc32(name.encode())
        folder = f"{options.out}/{name}"
        model = family_models.make_model(class_name, members, seed)
        form = family_models.FORMS.get(name)
        family_models.save_model(model, folder, form)
        texts = family_models.make_texts(model, family_models.LENGTHS.get(name, LENGTHS), seed + 1)
        expected = family_models.expected_values(model.double(), texts)
        family_models.save_expected(expected, f"{folder}/expected.safetensors", model, form)
        print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters")


if __name__ == "__main__":
    main()

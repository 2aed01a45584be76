#!/usr/bin/env python3
"""Writes float8.txt: what PyTorch takes the 256 values of each float8 type for.

A line for each byte: the byte, then the bits of float32 of F8_E4M3, F8_E5M2 and F8_E8M0 (their names in safetensors), in
hexadecimal.

Run by hand with torch 2.11: python3 generate_float8.py
"""
import pathlib

import torch

TYPES = (torch.float8_e4m3fn, torch.float8_e5m2, torch.float8_e8m0fnu)


def main():
    values = torch.arange(256, dtype=torch.int32).to(torch.uint8)
    columns = [values.view(dtype).float().view(torch.int32).tolist() for dtype in TYPES]
    lines = [f"{value:02x}" + "".join(f" {column[value] & 0xFFFFFFFF:08x}" for column in columns) for value in range(256)]
    pathlib.Path(__file__).with_name("float8.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

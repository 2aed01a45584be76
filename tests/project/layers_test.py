"""Includes go one way (ARCHITECTURE.md, section 3), heavy headers appear nowhere, only tools/ prints."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What each folder may include beside itself. The longest name that fits a file is its folder.
ALLOWED = {
    "base": [],
    "tokenizers": ["base"],
    "embeddings": ["base", "tokenizers", "models/weights"],
    "models/weights": ["base"],
    "models/kernels": ["base"],
    "models": ["base", "models/weights", "models/kernels"],
    "tasks": ["base", "tokenizers", "embeddings", "models", "models/weights", "models/kernels"],
    "tools": ["base", "tokenizers", "embeddings", "models", "models/weights", "models/kernels", "tasks"],
}
WITHOUT_TORCH = ["base", "tokenizers", "embeddings", "models/weights"]
# Types of these libraries appear in no installed header.
INSIDE = re.compile(r'#include [<"](simdjson|nlohmann|unicode/|arrow|sentencepiece|xxhash|zlib|cuda)')
INCLUDE = re.compile(r'^#include ["<]([^">]+)[">]', re.MULTILINE)


def folder_of(path):
    fitting = [folder for folder in ALLOWED if path.startswith(folder + "/")]
    return max(fitting, key=len) if fitting else None


def sources():
    for folder in ("base", "tokenizers", "embeddings", "models", "tasks", "tools"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cc", ".cu") and "examples" not in path.parts:
                yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


class Layers(unittest.TestCase):
    def test_includes_go_one_way(self):
        seen = 0
        for name, text in sources():
            folder = folder_of(name)
            for include in INCLUDE.findall(text):
                target = folder_of(include)
                if target is None or target == folder:
                    continue
                seen += 1
                self.assertIn(target, ALLOWED[folder], f"{name} includes {include}")
        self.assertGreater(seen, 20)

    def test_folders_without_libtorch(self):
        for name, text in sources():
            if folder_of(name) in WITHOUT_TORCH:
                for include in INCLUDE.findall(text):
                    self.assertFalse(include.startswith(("ATen/", "c10/", "torch/")), f"{name} includes {include}")

    def test_kernels_need_no_abseil(self):
        for name, text in sources():
            if folder_of(name) == "models/kernels":
                self.assertNotIn('#include "absl/', text, name)

    def test_slow_and_unsafe_headers_appear_nowhere(self):
        for name, text in sources():
            self.assertNotIn("torch/torch.h", INCLUDE.findall(text), name)
            self.assertNotIn("regex", INCLUDE.findall(text), name)

    def test_no_library_types_in_installed_headers(self):
        install = (ROOT / "tools/cmake/GraftInstall.cmake").read_text(encoding="utf-8")
        headers = re.findall(r"^  (\w+/[\w/]+\.h)\)?$", install, re.MULTILINE)
        self.assertGreater(len(headers), 20)
        for name in headers:
            self.assertIsNone(INSIDE.search((ROOT / name).read_text(encoding="utf-8")), name)

    def test_only_tools_print(self):
        printing = re.compile(r"std::(cout|cerr|clog)|\bprintf\(|\bputs\(")
        for name, text in sources():
            if not name.startswith("tools/"):
                self.assertIsNone(printing.search(text), name)


if __name__ == "__main__":
    unittest.main()

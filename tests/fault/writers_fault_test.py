"""Sweeps the writers of base/durable.h and models/weights.

    writers_fault_test.py WRITER_PROGRAM [--full]
"""

import os
import sys

from fault_sweep import Scenario, run_sweeps


def old_file(folder):
    path = os.path.join(folder, "target")
    with open(path, "w", encoding="utf-8") as file:
        file.write("old\n")
    os.chmod(path, 0o640)


def old_folder(folder):
    path = os.path.join(folder, "target")
    os.makedirs(os.path.join(path, "sub"))
    for name in ("config.json", "sub/old-only"):
        with open(os.path.join(path, name), "w", encoding="utf-8") as file:
            file.write("old\n")
    os.chmod(path, 0o750)


def empty_folder(folder):
    os.mkdir(os.path.join(folder, "target"))


def scenario(program, kind, name, prepare=lambda folder: None, no_exchange=None):
    return Scenario(name, lambda folder: [program, kind, os.path.join(folder, "target")], "target",
                    prepare, no_exchange=no_exchange)


def main():
    program = sys.argv[1]
    return run_sweeps([
        scenario(program, "file", "new file"),
        scenario(program, "file", "replaced file", old_file),
        scenario(program, "safetensors", "replaced safetensors file", old_file),
        scenario(program, "matrix", "replaced safetensors file written row by row", old_file),
        scenario(program, "folder", "new folder"),
        scenario(program, "folder", "folder over an empty one", empty_folder),
        scenario(program, "folder", "replaced folder", old_folder),
        scenario(program, "folder", "replaced folder without exchange (NFS)", old_folder, "EINVAL"),
        scenario(program, "folder", "replaced folder without renameat2", old_folder, "ENOSYS"),
    ])


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Cold start: `graft classify --model DIR TEXT` as a whole process against an empty program linked
to libtorch_cpu (empty_torch.cc), in turn; "cold" is a new process with a warm page cache.

  python3 cold_start.py --model CLASSIFIER_FOLDER --graft build/bin/graft \\
      --empty build/tests/bench/empty_torch [--rounds 11]

Target: difference of the medians at most 0.12 s.
"""

import argparse
import datetime
import os
import resource
import statistics
import subprocess
import sys
import time

import compare
import report

LIMIT_SECONDS = 0.12


def timed(command):
    """(wall seconds, CPU seconds, standard output) of a process from start to end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          check=False)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"cold_start.py: {' '.join(command)}: status {done.returncode}: {done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="classifier folder that graft saved")
    parser.add_argument("--graft", required=True, help="path of the graft binary")
    parser.add_argument("--empty", required=True, help="path of empty_torch")
    parser.add_argument("--text", default="an unforgettable little film")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--report")
    options = parser.parse_args()
    commands = {"graft": [options.graft, "classify", "--device", "cpu", "--model", options.model,
                          options.text],
                "empty": [options.empty]}
    for command in commands.values():  # fills the page cache
        timed(command)
    seconds, cpu = {name: [] for name in commands}, {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            elapsed, used, output = timed(command)
            seconds[name].append(elapsed)
            cpu[name].append(used)
            if name == "graft" and options.text not in output:
                sys.exit(f"cold_start.py: expected a line with the text, found {output!r}")
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    difference = medians["graft"] - medians["empty"]
    paired = statistics.median(g - e for g, e in zip(seconds["graft"], seconds["empty"]))
    for name, times in seconds.items():
        print(f"{name:<8}median {medians[name]:.4f} s, min {min(times):.4f} s, "
              f"CPU {statistics.median(cpu[name]):.4f} s")
    print(f"difference of medians {difference:.4f} s (paired {paired:.4f} s), "
          f"limit {LIMIT_SECONDS} s: {'kept' if difference <= LIMIT_SECONDS else 'MISSED'}")
    compare.write_report(
        {"name": "cold_start", "date": datetime.date.today().isoformat(),
         "machine": report.machine(), "load_average": os.getloadavg()[0], "seconds": seconds,
         "cpu_seconds": cpu,
         "medians": medians, "difference_of_medians": difference, "paired_difference": paired,
         "limit": LIMIT_SECONDS}, options.report)


if __name__ == "__main__":
    main()

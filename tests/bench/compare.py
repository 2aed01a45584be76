#!/usr/bin/env python3
"""Times contestants against each other, one after the other in turn, after checking that they
compute the same.

  python3 compare.py NAME --load '{"model": "DIR", "texts": "FILE", "max_length": 128}' \
      --contestant "graft=build/tests/bench/encode_worker" \
      --contestant "transformers=python3 peer_encode.py --peer transformers" \
      [--subject graft] [--reference transformers] [--tolerance 1e-5] [--rounds 7] [--threads 2]

Every contestant is a child process that speaks the line protocol told in worker.py. It loads once;
"threads" is added to what it is given. One warm-up run of each, then the results are compared with
the reference's: the run stops unless the largest absolute difference is within the tolerance.
Then rounds of A B C, A B C, ... are timed. A ratio is (time of the peer) / (time of the subject):
above 1 the subject is faster. "ratio of medians" divides the medians, "paired ratio" is the median
of the ratios within each round and stands firmer against slow drift of the machine.

The report is printed and written to results/NAME.json beside this file (--report). It also tells
how much CPU time a contestant used while others ran: a peer that spins while idle would disturb
them, and the harness stops when one does (--idle-limit). CPU time of foreign processes is measured
as well; --quiet 0.05 repeats rounds in which they used more than 5 % of the machine.
"""

import argparse
import array
import json
import math
import operator
import os
import shlex
import subprocess
import sys
import tempfile
import time

import report as reports

HERE = os.path.dirname(os.path.abspath(__file__))
TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    """The comparison cannot go on; the message says why."""


class Contestant:
    """A child process that speaks the protocol."""

    def __init__(self, name, command, threads):
        self.name = name
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads),
                           RAYON_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads),
                           TOKENIZERS_PARALLELISM="true", HF_HUB_OFFLINE="1")
        try:
            self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          text=True, env=environment)
        except OSError as error:
            raise Failure(f"{name}: cannot start '{command[0]}': {error.strerror}") from error

    def ask(self, request):
        try:
            self.child.stdin.write(request + "\n")
            self.child.stdin.flush()
            line = self.child.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Failure(f"{self.name}: ended with status {self.child.wait()} at '{request}'")
        try:
            reply = json.loads(line)
        except json.JSONDecodeError as error:
            raise Failure(f"{self.name}: expected a line of JSON, found {line!r}") from error
        if "error" in reply:
            raise Failure(f"{self.name}: {reply['error']}")
        return reply

    def result(self, folder):
        """(shape, values) of the last run's output."""
        path = os.path.join(folder, f"{self.name}.f32")
        shape = self.ask(f"result {path}")["shape"]
        values = array.array("f")
        with open(path, "rb") as file:
            values.frombytes(file.read())
        if len(values) != math.prod(shape):
            raise Failure(f"{self.name}: {len(values)} values for shape {shape}")
        return shape, values

    def cpu_seconds(self):
        """CPU time that the process and its waited-for children have used."""
        with open(f"/proc/{self.child.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / TICKS

    def close(self):
        """Ends the process, with force when it does not end by itself."""
        try:
            self.child.stdin.write("quit\n")
            self.child.stdin.close()
            self.child.wait(timeout=10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.child.kill()
            self.child.wait()
        self.child.stdout.close()


def machine_busy():
    """CPU seconds that all processes of the machine have used."""
    with open("/proc/stat", encoding="utf-8") as file:
        user, nice, system, _, _, interrupt, soft = map(int, file.readline().split()[1:8])
    return (user + nice + system + interrupt + soft) / TICKS


def compare_results(contestants, reference, tolerance):
    """Largest absolute difference of every contestant from the reference."""
    with tempfile.TemporaryDirectory() as folder:
        expected_shape, expected = reference.result(folder)
        differences = {}
        for contestant in contestants:
            shape, found = contestant.result(folder)
            if shape != expected_shape:
                raise Failure(f"{contestant.name}: shape {shape}, "
                              f"{reference.name} has {expected_shape}")
            if not all(map(math.isfinite, found)):
                raise Failure(f"{contestant.name}: a result is not finite")
            differences[contestant.name] = max(map(abs, map(operator.sub, found, expected)),
                                               default=0.0)
    for name, difference in differences.items():
        if difference > tolerance:
            raise Failure(f"{name}: differs from {reference.name} by {difference:.3g}, "
                          f"allowed {tolerance:.3g}")
    return differences


def timed_run(runner, contestants):
    """One plain run. Adds to the answer the CPU time of the contestant and, as a share of the
    machine, that of processes which do not belong to the comparison. Returns also what each
    resting contestant used, and the wall time."""
    before, busy = {c.name: c.cpu_seconds() for c in contestants}, machine_busy()
    begin = time.monotonic()
    reply = runner.ask("run")
    wall = time.monotonic() - begin
    busy = machine_busy() - busy
    used = {c.name: c.cpu_seconds() - before[c.name] for c in contestants}
    reply["cpu_seconds"] = used.pop(runner.name)
    others = busy - reply["cpu_seconds"] - sum(used.values())
    reply["others_share"] = max(0.0, others) / (wall * os.cpu_count())
    return reply, used, wall


def timed_rounds(contestants, rounds, extra_runs, quiet, log):
    """Runs A B C, A B C, ...; per contestant a list of replies and its idle CPU share. A
    contestant's other kinds of runs follow directly on its own run of the round. A round in which
    foreign processes used more than the share `quiet` of the machine is repeated, four times as
    many rounds at most."""
    replies = {c.name: [] for c in contestants}
    extra = {name: {kind: [] for kind in kinds} for name, kinds in extra_runs.items()}
    idle_cpu = {c.name: 0.0 for c in contestants}
    idle_wall = {c.name: 0.0 for c in contestants}
    done = tries = 0
    while done < rounds:
        if tries == 4 * rounds:
            raise Failure(f"{done} of {rounds} rounds were quiet enough after {tries} tries: other "
                          f"processes use more than {quiet:.0%} of the machine")
        tries += 1
        row, extra_row = {}, []
        for runner in contestants:
            row[runner.name], used, wall = timed_run(runner, contestants)
            for name, seconds in used.items():
                idle_cpu[name] += seconds
                idle_wall[name] += wall
            for kind, runs in extra.get(runner.name, {}).items():
                extra_row.append((runs, runner.ask(f"run {kind}")))
        foreign = max(reply["others_share"] for reply in row.values())
        log(f"round {done + 1}/{rounds}: " + ", ".join(
            f"{name} {reply['seconds']:.3f} s" for name, reply in row.items())
            + f" (others {foreign:.0%})")
        if quiet is not None and foreign > quiet:
            continue
        done += 1
        for name, reply in row.items():
            replies[name].append(reply)
        for runs, reply in extra_row:
            runs.append(reply)
    idle = {name: idle_cpu[name] / idle_wall[name] if idle_wall[name] else 0.0
            for name in idle_cpu}
    return replies, idle, extra


def compare(name, commands, load, *, subject, reference, tolerance, rounds=7, threads=2,
            check=None, extra_runs=None, idle_limit=0.02, quiet=None,
            log=lambda text: print(text, file=sys.stderr)):
    """Runs the whole comparison; returns the report as a dict.

    commands: {contestant: list of arguments}. extra_runs: {contestant: [kinds of run]}, timed in
    each round right after the contestant's own run. check: a kind of run whose result is compared
    instead of the warm-up's. tolerance None compares no results. quiet: see timed_rounds.
    """
    contestants = []
    try:
        for contestant, command in commands.items():
            contestants.append(Contestant(contestant, command, threads))
        by_name = {c.name: c for c in contestants}
        loaded = {}
        for c in contestants:
            log(f"{c.name}: load")
            loaded[c.name] = c.ask("load " + json.dumps(dict(load, threads=threads)))
            log(f"{c.name}: warm-up {c.ask('run')['seconds']:.3f} s")
            if check is not None:
                c.ask(f"run {check}")
        differences = None
        if tolerance is not None:
            differences = compare_results(contestants, by_name[reference], tolerance)
        load_before = os.getloadavg()[0]
        replies, idle, extra = timed_rounds(contestants, rounds, extra_runs or {}, quiet, log)
        for c, share in idle.items():
            if share > idle_limit:
                raise Failure(f"{c}: used {share:.1%} of a CPU while others ran")
    finally:
        for c in contestants:
            c.close()
    return reports.build(name, load, loaded, replies, differences, idle, extra, subject=subject,
                         reference=reference, tolerance=tolerance, threads=threads,
                         load_average=load_before)


def add_options(parser, rounds=7):
    """The options that all comparisons share."""
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--idle-limit", type=float, default=0.02,
                        help="most CPU use of a contestant while others run")
    parser.add_argument("--quiet", type=float, metavar="SHARE",
                        help="repeat rounds in which other processes use more of the machine")
    parser.add_argument("--report", help="JSON file to write (default results/NAME.json)")


def write_report(result, path=None):
    """Writes results/NAME.json, or `path`."""
    path = path or os.path.join(HERE, "results", result["name"] + ".json")
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


def finish(result, path):
    """Prints the report and writes it."""
    print(reports.as_text(result))
    write_report(result, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--load", required=True, type=json.loads)
    parser.add_argument("--contestant", action="append", required=True, metavar="NAME=COMMAND")
    parser.add_argument("--subject", help="whom the ratios are about (default: the first)")
    parser.add_argument("--reference", help="whose results are expected (default: the last)")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    add_options(parser)
    options = parser.parse_args()
    commands = {}
    for text in options.contestant:
        name, separator, command = text.partition("=")
        if not separator or name in commands:
            parser.error(f"--contestant: expected a new NAME=COMMAND, found '{text}'")
        commands[name] = shlex.split(command)
    names = list(commands)
    for name in (options.subject, options.reference):
        if name is not None and name not in commands:
            parser.error(f"no contestant is called '{name}'")
    try:
        result = compare(options.name, commands, options.load,
                         subject=options.subject or names[0],
                         reference=options.reference or names[-1], tolerance=options.tolerance,
                         rounds=options.rounds, threads=options.threads,
                         idle_limit=options.idle_limit, quiet=options.quiet)
    except Failure as failure:
        sys.exit(f"compare.py: {failure}")
    finish(result, options.report)


if __name__ == "__main__":
    main()

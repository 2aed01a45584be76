"""Fault sweeps: run a command again and again, with a kill or a failing system call at the first,
second, ... durable call, and check after each run that the target is whole.

    scenario = Scenario("train", command=lambda folder: ["graft", "train", ..., folder + "/model"],
                        target="model", prepare=lambda folder: ...)
    report = sweep(scenario)      # raises SweepError at the first broken invariant
    print(report)

The command must make the same durable calls in the same order each time. Invariants:
  - without faults: status 0, the rules of order_rules.py, no other entry than before and the
    target, the mode of a replaced target is kept;
  - after a kill: the target is whole (default: equal to what it was before or to what the run
    without faults made, see Scenario.problem; with Scenario.no_exchange it may also be away while
    both are whole beside it), and the command run again succeeds and leaves no temporaries;
  - after a failing call: status 0 and the new target, or another status and a message that names
    the target and the system's reason; the target is whole; no temporaries (unless removing them is
    what failed, or the message names what stays); fsync is not tried again. Interrupted and short
    writes must succeed; other failures must not be ignored, except in cleaning up;
  - faults were really injected, as many as runs were made for them.
"""

import collections
import dataclasses
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from typing import Callable

from fault_trace import (MAKES, MODES, OPENS, REMOVES, RENAMES, SYNCS, WRITES, Fault, run_traced)
from order_rules import MAY_FAIL_SILENTLY, order_breaches, sync_breaches

KILLS = ("kill-before", "kill-after", "torn")
# Errors by kind of call; a name with "+" goes on from that call.
ERRORS = (
    (WRITES, ("ENOSPC", "EINTR", "short", "EIO", "EDQUOT", "ENOSPC+", "short+", "EFBIG")),
    (SYNCS, ("EIO", "EIO+", "ENOSPC", "EDQUOT")),
    (OPENS, ("EMFILE", "EACCES", "ENOSPC", "EROFS")),
    (RENAMES, ("EIO", "EXDEV", "ENOSPC", "EACCES", "EROFS")),
    (MAKES, ("ENOSPC", "EACCES", "EROFS", "EDQUOT")),
    ({"close"}, ("EIO", "EDQUOT", "ENOSPC")),
    ({"ftruncate", "truncate", "fallocate"}, ("EIO", "ENOSPC", "EFBIG")),
    (REMOVES, ("EIO", "EACCES+")),
    (MODES, ("EPERM", "EIO")),
)
SUCCEEDS = {"EINTR", "short"}  # on a write


class SweepError(Exception):
    """A broken invariant."""


@dataclasses.dataclass
class Scenario:
    """A command and what it writes. `folder` is a new folder for each run."""

    name: str
    command: Callable[[str], list]
    target: str  # name in the folder
    prepare: Callable[[str], None] = lambda folder: None
    # None when the target (a path that may not exist) is whole, else what is wrong; without it the
    # target must equal one of the two states.
    problem: Callable[[str], str] = None
    no_exchange: str = None  # errno of a file system that cannot exchange two names
    quick_errors: int = 2  # errors tried per call when not full
    # Every which call is tried when not full; the last four and renames of the target always are.
    quick_every: int = 1
    env: dict = None
    timeout: float = 120


@dataclasses.dataclass
class Report:
    name: str
    calls: int = 0
    kills: int = 0
    errors: int = 0
    reruns: int = 0

    def __str__(self):
        return (f"{self.name}: {self.calls} durable calls, {self.kills} kills, "
                f"{self.errors} failing calls, {self.reruns} runs after a kill")


def state_of(path):
    """Kind, mode and contents of a file or folder; None when there is none."""
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        return None
    mode = stat.S_IMODE(info.st_mode)
    if stat.S_ISDIR(info.st_mode):
        entries = tuple((name, state_of(os.path.join(path, name)))
                        for name in sorted(os.listdir(path)))
        return ("folder", mode, entries)
    if stat.S_ISLNK(info.st_mode):
        return ("link", 0, os.readlink(path))
    with open(path, "rb") as file:
        return ("file", mode, hashlib.sha256(file.read()).hexdigest())


def work_parent():
    """Memory where there is some: there fsync costs nothing, and kills leave the same states."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Sweep:
    """One scenario; `full` tries all errors at all calls, and every kill twice in a row."""

    def __init__(self, scenario, full=False):
        self.scenario = scenario
        self.full = full
        self.report = Report(scenario.name)
        self.old = self.new = self.others = None

    def run(self):
        calls = self.clean_run()
        if not calls:
            raise SweepError(f"{self.scenario.name}: the command makes no durable call there")
        self.report.calls = len(calls)
        for call in calls:
            if self.tried(call, len(calls)):
                for fault in self.faults(call):
                    self.faulted_run(fault)
        if self.report.kills == 0 or self.report.errors == 0:
            raise SweepError(f"{self.scenario.name}: no fault was injected")
        return self.report

    def tried(self, call, calls):
        renames_target = call.call in RENAMES and self.scenario.target in (
            os.path.basename(call.path), os.path.basename(call.path2))
        return (self.full or renames_target or call.n > calls - 4
                or call.n % self.scenario.quick_every == 0)

    def faults(self, call):
        for action in KILLS:
            if action != "torn" or (call.writes and call.bytes > 1):
                yield Fault(call.n, action)
        errors = next((names for calls, names in ERRORS if call.call in calls), ("EIO",))
        if not self.full:
            # Others at the next call, so that every error meets some call of its kind.
            start = call.n * self.scenario.quick_errors % len(errors)
            errors = (errors[start:] + errors[:start])[:self.scenario.quick_errors]
        for name in errors:
            yield Fault(call.n, name.rstrip("+"), forever=name.endswith("+"))

    def in_folder(self, body):
        folder = os.path.realpath(tempfile.mkdtemp(prefix="graft-sweep-", dir=work_parent()))
        try:
            self.scenario.prepare(folder)
            return body(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def traced(self, folder, fault=None):
        return run_traced(self.scenario.command(folder), folder, fault, self.scenario.timeout,
                          self.scenario.env, self.scenario.no_exchange)

    def target(self, folder):
        return os.path.join(folder, self.scenario.target)

    def other_entries(self, folder):
        return sorted(set(os.listdir(folder)) - {self.scenario.target})

    def clean_run(self):
        def body(folder):
            self.old = state_of(self.target(folder))
            self.others = self.other_entries(folder)
            run = self.traced(folder)
            self.new = state_of(self.target(folder))
            problems = order_breaches(run.calls, self.target(folder),
                                      bool(self.scenario.no_exchange)) + sync_breaches(run.calls)
            if run.exit != 0 or run.signal != 0:
                problems.append(f"status {run.exit}, signal {run.signal}: {run.stderr.strip()}")
            if self.new is None:
                problems.append("the target is not there")
            elif self.old is not None and self.old[1] != self.new[1]:
                problems.append(f"mode {self.old[1]:o} became {self.new[1]:o}")
            problems += self.leftovers(folder)
            self.refuse(problems, "without faults", run)
            return run.calls
        return self.in_folder(body)

    def faulted_run(self, fault):
        def body(folder):
            run = self.traced(folder, fault)
            if not run.faults() or run.faults()[0].n != fault.n:
                raise SweepError(f"{self.scenario.name}: {fault} did not happen: the command does "
                                 "not make the same calls each time")
            problems = sync_breaches(run.calls)
            if fault.kills():
                self.report.kills += 1
                if not self.between_renames(folder):
                    problems += self.not_whole(folder)
                problems += self.after_kill(folder, run, fault)
            else:
                self.report.errors += 1
                problems += self.not_whole(folder) + self.after_error(folder, run, fault)
            self.refuse(problems, str(fault), run)
        self.in_folder(body)

    def not_whole(self, folder):
        path = self.target(folder)
        if self.scenario.problem:
            problem = self.scenario.problem(path)
            return [problem] if problem else []
        if state_of(path) in (self.old, self.new):
            return []
        return ["the target is neither the old nor the new one"]

    def between_renames(self, folder):
        """Whether nothing has the target's name, but the old and the new target are beside it."""
        if not self.scenario.no_exchange or os.path.lexists(self.target(folder)):
            return False
        beside = [state_of(os.path.join(folder, name)) for name in self.other_entries(folder)]
        return self.old in beside and self.new in beside

    def leftovers(self, folder, stderr=""):
        """What is there that was not before, unless the message says where it is."""
        more = [name for name in self.other_entries(folder)
                if name not in self.others and name not in stderr]
        return [f"left over: {', '.join(more)}"] if more else []

    def after_kill(self, folder, run, fault):
        problems = [] if run.signal == 9 else [f"not killed, status {run.exit}"]
        if self.full:  # a second kill, while the command repairs what the first one left
            self.report.kills += len(self.traced(folder, fault).faults())
            if not self.between_renames(folder):
                problems += self.not_whole(folder)
        again = self.traced(folder)
        self.report.reruns += 1
        if again.exit != 0:
            problems.append(f"run again: status {again.exit}: {again.stderr.strip()}")
        if self.scenario.problem:
            problems += self.not_whole(folder)
        elif state_of(self.target(folder)) != self.new:
            problems.append("run again: the target is not the new one")
        return problems + self.leftovers(folder)

    def after_error(self, folder, run, fault):
        failed = run.faults()[0]
        problems = []
        if run.signal != 0:
            problems.append(f"ended by signal {run.signal}")
        elif run.exit == 0:
            if not self.scenario.problem and state_of(self.target(folder)) != self.new:
                problems.append("status 0 without the new target")
            if failed.call not in MAY_FAIL_SILENTLY and fault.action not in SUCCEEDS:
                problems.append("the failure was ignored")
        else:
            if fault.action in SUCCEEDS:
                problems.append(f"should have gone on: {run.stderr.strip()}")
            problems += self.bad_message(run.stderr, fault)
        if failed.call not in REMOVES:
            problems += self.leftovers(folder, run.stderr)
        return problems

    def bad_message(self, stderr, fault):
        wanted = [self.scenario.target]
        if fault.action not in SUCCEEDS:
            wanted.append(os.strerror(int(fault.argument().split(":")[1])))
        missing = [text for text in wanted if text not in stderr]
        if missing:
            return [f"the message does not say {missing}: {stderr.strip()!r}"]
        return []

    def refuse(self, problems, when, run):
        if problems:
            faulted = "".join(f"\n  {call}" for call in run.faults())
            raise SweepError(f"{self.scenario.name}: {when}: " + "; ".join(problems) + faulted)


def sweep(scenario, full=False):
    """Runs one scenario; a Report, or SweepError."""
    return Sweep(scenario, full).run()


def total(reports):
    sums = collections.Counter()
    for report in reports:
        sums.update(kills=report.kills, errors=report.errors, reruns=report.reruns)
    return (f"injected {sums['kills']} kills and {sums['errors']} failing calls, "
            f"{sums['reruns']} runs after a kill: all invariants hold")


def run_sweeps(cases):
    """Sweeps one case after the other and prints a line for each; the exit status of the test.

    Every fault point is tried with --full among the arguments or with GRAFT_LONG_TESTS set.
    """
    full = "--full" in sys.argv[2:] or bool(os.environ.get("GRAFT_LONG_TESTS"))
    reports = []
    for case in cases:
        try:
            reports.append(sweep(case, full))
        except SweepError as error:
            print(f"FAILED {error}")
            return 1
        print(reports[-1], flush=True)
    print(total(reports))
    return 0

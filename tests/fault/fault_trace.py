"""Runs a command under fault_tracer and reads its log."""

import dataclasses
import errno
import json
import os
import subprocess
import sys
import tempfile

SKIPPED = 77  # exit status that CTest counts as a skip

# open(2) and renameat2(2) on x86-64
O_ACCMODE, O_CREAT, O_EXCL, O_TRUNC = 0o3, 0o100, 0o200, 0o1000
RENAME_EXCHANGE = 2

WRITES = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "copy_file_range"}
OPENS = {"open", "openat", "creat"}
SYNCS = {"fsync", "fdatasync"}
RENAMES = {"rename", "renameat", "renameat2"}
MAKES = {"mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat"}
REMOVES = {"unlink", "unlinkat", "rmdir"}
MODES = {"chmod", "fchmod", "fchmodat"}


@dataclasses.dataclass(frozen=True)
class Call:
    """One durable system call below the watched folder; `n` counts from 1."""

    n: int
    thread: int
    call: str
    path: str
    path2: str
    flags: int
    bytes: int
    writes: bool
    result: int
    fault: str

    def __str__(self):
        names = self.path + (f" -> {self.path2}" if self.path2 else "")
        return f"call {self.n}: {self.call}({names}) = {self.result}"


@dataclasses.dataclass(frozen=True)
class Fault:
    """What happens at the n-th call: kill-before, kill-after, torn, short, or an errno's name."""

    n: int
    action: str
    forever: bool = False

    def argument(self):
        number = str(getattr(errno, self.action, self.action))
        return f"{self.n}:{number}" + (":forever" if self.forever else "")

    def kills(self):
        return self.action in ("kill-before", "kill-after", "torn")

    def __str__(self):
        return f"{self.action} at call {self.n}" + (" and later ones" if self.forever else "")


@dataclasses.dataclass(frozen=True)
class Run:
    """How a traced command went. `exit` is -1 when a signal ended it."""

    calls: list
    exit: int
    signal: int
    stderr: str

    def faults(self):
        return [call for call in self.calls if call.fault]


def tracer():
    path = os.environ.get("GRAFT_FAULT_TRACER")
    if not path:
        sys.exit("set GRAFT_FAULT_TRACER to the built program fault_tracer")
    return path


def run_traced(command, watch, fault=None, timeout=120, env=None, no_exchange=None):
    """Runs `command` once. Ends the program with status 77 where tracing is not permitted.

    `no_exchange`: the name of the errno with which every exchange of two names fails.
    """
    log = tempfile.NamedTemporaryFile(prefix="graft-fault-", suffix=".log", delete=False)
    log.close()
    try:
        arguments = [tracer(), "--watch", os.path.realpath(watch), "--log", log.name]
        if fault:
            arguments += ["--fault", fault.argument()]
        if no_exchange:
            arguments += ["--no-exchange", str(getattr(errno, no_exchange))]
        done = subprocess.run(
            arguments + ["--"] + [str(part) for part in command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            timeout=timeout, env=env, check=False)
        stderr = done.stderr.decode(errors="replace")
        if done.returncode == SKIPPED:
            print(f"skipped: {stderr.strip()}")
            sys.exit(SKIPPED)
        if done.returncode != 0:
            raise RuntimeError(f"fault_tracer failed ({done.returncode}): {stderr.strip()}")
        return parse_log(log.name, stderr)
    finally:
        os.unlink(log.name)


def parse_log(path, stderr):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        lines = [json.loads(line) for line in file]
    end = lines.pop()
    return Run([Call(**line) for line in lines], end["exit"], end["signal"], stderr)

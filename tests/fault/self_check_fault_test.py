"""Shows that the sweeps catch bugs: writers with one planted bug each must be refused for that bug,
and the same writers without a bug must pass.

    self_check_fault_test.py WRITER_PROGRAM [--full]
"""

import os
import sys

from fault_sweep import Scenario, SweepError, sweep
from writers_fault_test import old_file, old_folder

# Bug, and what the refusal must say.
FILE_BUGS = {
    "no-fsync": "renamed before the data",
    "writes-after-fsync": "renamed before the data",
    "folder-not-synced": "the folder is not synced",
    "naked-ofstream": "written without a rename",
    "direct-write": "written without a rename",
    "copies-into-place": "written without a rename",
    "unlinks-first": "the final name is removed",
    "loses-mode": "mode 640 became",
    "ignores-write-error": "status 0 without the new target",
    "ignores-short-write": "neither the old nor the new",
    "eintr-is-fatal": "should have gone on",
    "retries-fsync": "synced again after fsync failed",
    "ignores-fsync-error": "the failure was ignored",
    "ignores-folder-sync-error": "the failure was ignored",
    "ignores-rename-error": "status 0 without the new target",
    "ignores-close-error": "the failure was ignored",
    "leaves-temporary": "left over: target.tmp",
    "silent-failure": "the message does not say",
    "message-without-path": "the message does not say ['target']",
    "message-without-reason": "the message does not say",
    "appends-to-stale-temporary": "run again: the target is not the new one",
    "aborts-on-error": "ended by signal 6",
}
FOLDER_BUGS = {
    "nested-file-not-synced": "renamed before the data",
    "nested-folder-not-synced": "renamed before the entries",
    "removes-then-renames": "the final name is removed",
    "renames-twice": "the final name is moved away",
    "removes-old-before-sync": "is removed before",
}
NO_EXCHANGE_BUGS = {"renames-twice": "is removed before"}


def writer(program, kind, bug, no_exchange=None):
    prepare = old_file if kind == "by-hand" else old_folder
    return Scenario(f"{kind} {bug}",
                    lambda folder: [program, kind, os.path.join(folder, "target"), bug],
                    "target", prepare, quick_errors=9, no_exchange=no_exchange)


def expect_caught(program, kind, bug, reason, no_exchange=None):
    """None when the bug is found for what it is, else what went wrong."""
    try:
        sweep(writer(program, kind, bug, no_exchange))
    except SweepError as error:
        if reason in str(error):
            return None
        return f"{bug}: refused, but not for '{reason}': {error}"
    return f"{bug}: not caught"


def expect_no_fault_refused():
    """A sweep that injects nothing must not count as passed."""
    try:
        sweep(Scenario("no calls", lambda folder: ["/bin/true"], "target", old_file))
    except SweepError as error:
        return None if "makes no durable call" in str(error) else f"no calls: {error}"
    return "no calls: passed without a fault"


def main():
    program = sys.argv[1]
    failures, caught = [], 0
    planted = len(FILE_BUGS) + len(FOLDER_BUGS) + len(NO_EXCHANGE_BUGS)
    for kind, bugs in (("by-hand", FILE_BUGS), ("folder-by-hand", FOLDER_BUGS)):
        try:
            print(sweep(writer(program, kind, "none")), flush=True)
        except SweepError as error:
            failures.append(f"a correct writer is refused: {error}")
        for bug, reason in bugs.items():
            failure = expect_caught(program, kind, bug, reason)
            caught += failure is None
            failures += [failure] if failure else []
    for bug, reason in NO_EXCHANGE_BUGS.items():
        failure = expect_caught(program, "folder-by-hand", bug, reason, "EINVAL")
        caught += failure is None
        failures += [failure] if failure else []
    failure = expect_no_fault_refused()
    failures += [failure] if failure else []
    for failure in failures:
        print(f"FAILED {failure}")
    print(f"{caught} of {planted} planted bugs caught")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

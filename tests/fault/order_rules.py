"""The order of durable calls that survives a power failure, checked on the trace of a whole run.

A killed process leaves its data in the page cache, so kills alone never show a missing fsync. The
rules (each breach is a text that names the call):
  1. before a rename, all data below the old name is synced, and so are the folders below it;
  2. after a rename, a creation or a removal that publishes, the folder around it is synced before
     the command ends;
  3. the final name, and what is below it, is never opened for writing, written, cut or removed;
  4. what an exchange put aside is removed only when the exchange is durable; where there is no
     exchange, the final name may be renamed away, and the same holds for what it was renamed to;
  5. a file whose fsync failed is never synced again.
"""

import os

from fault_trace import (MAKES, MODES, O_ACCMODE, O_CREAT, O_TRUNC, OPENS, REMOVES,
                         RENAME_EXCHANGE, RENAMES, SYNCS, WRITES)


def below(path, folder):
    return path == folder or path.startswith(folder + "/")


class OrderCheck:
    """Follows one trace; `target` is the final name."""

    def __init__(self, target, no_exchange):
        self.target = target
        self.no_exchange = no_exchange
        self.unsynced_data = {}  # file -> call that changed it
        self.unsynced_entries = {}  # folder -> call that changed its entries
        self.put_aside = {}  # old content after an exchange -> folder that is not yet synced
        self.breaches = []

    def breach(self, call, text):
        self.breaches.append(f"{text} ({call})")

    def follow(self, call):
        if call.result < 0:
            return
        if call.call in OPENS:
            self.open(call)
        elif call.call in WRITES or call.call in ("ftruncate", "truncate", "fallocate"):
            self.final_name_untouched(call, call.path)
            self.unsynced_data[call.path] = call
        elif call.call in SYNCS:
            self.sync(call)
        elif call.call in RENAMES:
            self.rename(call)
        elif call.call in MAKES:
            path = call.path2 or call.path
            self.final_name_untouched(call, path)
            self.unsynced_entries[os.path.dirname(path)] = call
        elif call.call in REMOVES:
            self.remove(call)

    def open(self, call):
        stores = (call.flags & O_ACCMODE) != 0 or call.flags & (O_CREAT | O_TRUNC)
        if stores:
            self.final_name_untouched(call, call.path)
        if call.flags & O_TRUNC:
            self.unsynced_data[call.path] = call
        if call.flags & O_CREAT:
            self.unsynced_data.setdefault(call.path, call)
            self.unsynced_entries[os.path.dirname(call.path)] = call

    def final_name_untouched(self, call, path):
        if below(path, self.target):
            self.breach(call, "the final name is written without a rename")

    def sync(self, call):
        self.unsynced_data.pop(call.path, None)
        self.unsynced_entries.pop(call.path, None)
        self.put_aside = {p: f for p, f in self.put_aside.items() if f != call.path}

    def rename(self, call):
        old, new = call.path, call.path2
        for path, cause in self.unsynced_data.items():
            if below(path, old):
                self.breach(call, f"renamed before the data of {path} is synced, {cause}")
        for path, cause in self.unsynced_entries.items():
            if below(path, old):
                self.breach(call, f"renamed before the entries of {path} are synced, {cause}")
        exchanges = call.call == "renameat2" and call.flags & RENAME_EXCHANGE
        if exchanges:
            self.put_aside[old] = os.path.dirname(new)
        elif self.no_exchange and old == self.target:
            self.put_aside[new] = os.path.dirname(old)
        elif below(old, self.target):
            # Content that is moved out of the way leaves a time without any.
            self.breach(call, "the final name is moved away")
        if below(new, self.target) and new != self.target:
            self.breach(call, "a part of the final folder is replaced")
        for state in (self.unsynced_data, self.unsynced_entries):
            for path in [p for p in state if below(p, old)]:
                state[new + path[len(old):]] = state.pop(path)
        self.unsynced_entries[os.path.dirname(old)] = call
        self.unsynced_entries[os.path.dirname(new)] = call

    def remove(self, call):
        if below(call.path, self.target):
            self.breach(call, "the final name is removed")
        for aside, folder in self.put_aside.items():
            if below(call.path, aside):
                self.breach(call, f"the replaced content is removed before {folder} is synced")
        for state in (self.unsynced_data, self.unsynced_entries):
            for path in [p for p in state if below(p, call.path)]:
                del state[path]

    def end(self):
        cause = self.unsynced_entries.get(os.path.dirname(self.target))
        if cause:
            self.breach(cause, "the folder is not synced after its entries changed")


def order_breaches(calls, target, no_exchange=False):
    """Rules 1 to 4, for a run without faults."""
    check = OrderCheck(target, no_exchange)
    for call in calls:
        check.follow(call)
    check.end()
    return check.breaches


def sync_breaches(calls):
    """Rule 5, for any run."""
    failed, breaches = set(), []
    for call in calls:
        if call.call not in SYNCS:
            continue
        if call.path in failed:
            breaches.append(f"synced again after fsync failed ({call})")
        if call.result < 0:
            failed.add(call.path)
    return breaches


# Calls whose failure may go without an error: cleaning up and modes.
MAY_FAIL_SILENTLY = REMOVES | MODES

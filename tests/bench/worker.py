"""The worker's side of the line protocol of compare.py, for contestants written in Python.

A worker reads one request a line from standard input and answers each with one line of JSON on
standard output, which carries nothing else (serve() sends stray prints of libraries to standard
error). Errors are answered as {"error": "..."}.

  load <json>    get ready; what the object holds is the benchmark's business. Answer: an object
                 that is copied into the report: "name", "versions" {...}, "settings" {...}
  run [what]     do the whole work once. Answer: "seconds" (wall time of the work alone) and counts
                 such as "texts", "tokens"; `what` names another kind of run
  result <file>  write the output of the last run as raw little-endian float32. Answer: "shape"
  quit           end; so does the end of standard input
"""

import json
import os
import sys
import traceback


def serve(load, run, result):
    """Answers requests until quit. load(dict), run(str), result() -> numpy array."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        command, _, argument = line.rstrip("\n").partition(" ")
        if command == "quit":
            return
        try:
            if command == "load":
                reply = load(json.loads(argument))
            elif command == "run":
                reply = run(argument)
            elif command == "result":
                array = result().astype("<f4")
                array.tofile(argument)
                reply = {"shape": list(array.shape)}
            else:
                reply = {"error": f"unknown request '{command}'"}
        except Exception as error:  # The harness must hear of it; the trace goes to stderr.
            traceback.print_exc()
            reply = {"error": f"{type(error).__name__}: {error}"}
        replies.write(json.dumps(reply) + "\n")

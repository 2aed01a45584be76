"""Checks of the comparison harness with contestants that behave in known ways. Needs nothing but
Python's standard library."""

import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import compare  # noqa: E402
import report  # noqa: E402

# A contestant: arguments are the seconds of a run, the value of its result, and what goes wrong.
FAKE = """
import array, json, sys, threading, time
seconds, value, fault = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
if fault == "spins":
    def spin():
        while True: pass
    threading.Thread(target=spin, daemon=True).start()
kinds = []
for line in sys.stdin:
    command, _, argument = line.strip().partition(" ")
    if command == "quit": break
    reply = {}
    if command == "load":
        reply = {"versions": {"fake": "1"}, "threads": json.loads(argument)["threads"]}
    elif command == "run":
        kinds.append(argument)
        if fault == "dies": sys.exit(3)
        if fault == "fails": reply = {"error": "out of texts"}
        else:
            time.sleep(seconds)
            reply = {"seconds": seconds, "texts": 10}
    elif command == "result":
        count = 3 if fault == "short" else 4
        found = value + (kinds[-1] == "check")
        array.array("f", [found] * count).tofile(open(argument, "wb"))
        reply = {"shape": [2, 2] if fault != "shape" else [4]}
    print(json.dumps(reply), flush=True)
"""


def fake(seconds=0.02, value=1.0, fault="none"):
    return [sys.executable, "-c", FAKE, str(seconds), str(value), fault]


def run(commands, **changes):
    settings = dict(subject="first", reference="second", tolerance=0.01, rounds=3, threads=1,
                    idle_limit=1.5, log=lambda text: None)
    settings.update(changes)
    return compare.compare("test", commands, {"texts": "/some/where/texts.txt"}, **settings)


class CompareTest(unittest.TestCase):
    def test_ratio_is_time_of_peer_over_time_of_subject(self):
        result = run({"first": fake(0.02), "second": fake(0.06, 1.005)})
        ratio = result["ratios"]["second"]
        self.assertAlmostEqual(ratio["ratio_of_medians"], 3, places=6)
        self.assertAlmostEqual(ratio["paired_ratio"], 3, places=6)
        self.assertAlmostEqual(result["contestants"]["first"]["texts_per_second"], 500, places=6)
        self.assertEqual(len(result["contestants"]["first"]["seconds"]), 3)
        self.assertAlmostEqual(
            result["contestants"]["first"]["difference_from_reference"], 0.005, places=6)
        self.assertIn("3.00x", report.as_text(result))

    def test_report_keeps_no_folder_names(self):
        result = run({"first": fake(), "second": fake()})
        self.assertEqual(result["load"]["texts"], "texts.txt")

    def test_different_results_end_the_comparison(self):
        with self.assertRaisesRegex(compare.Failure, "first: differs from second by 0.1"):
            run({"first": fake(value=1.1), "second": fake()})

    def test_results_that_are_not_finite_end_the_comparison(self):
        with self.assertRaisesRegex(compare.Failure, "second: a result is not finite"):
            run({"first": fake(), "second": fake(value=float("nan"))}, reference="first")

    def test_other_shapes_end_the_comparison(self):
        with self.assertRaisesRegex(compare.Failure, r"second: shape \[4\]"):
            run({"first": fake(), "second": fake(fault="shape")}, reference="first")
        with self.assertRaisesRegex(compare.Failure, "second: 3 values"):
            run({"first": fake(), "second": fake(fault="short")}, reference="first")

    def test_errors_and_deaths_of_workers_are_named(self):
        with self.assertRaisesRegex(compare.Failure, "second: out of texts"):
            run({"first": fake(), "second": fake(fault="fails")})
        with self.assertRaisesRegex(compare.Failure, "second: ended with status 3"):
            run({"first": fake(), "second": fake(fault="dies")})
        with self.assertRaisesRegex(compare.Failure, "second: cannot start"):
            run({"first": fake(), "second": ["/no/such/program"]})

    def test_a_contestant_that_spins_while_others_run_is_refused(self):
        with self.assertRaisesRegex(compare.Failure, "second: used [0-9.]+% of a CPU"):
            run({"first": fake(0.3), "second": fake(fault="spins")}, idle_limit=0.05)

    def test_check_run_gives_the_compared_result(self):
        with self.assertRaisesRegex(compare.Failure, "differs"):
            run({"first": fake(value=1), "second": fake(value=2)}, check=None)
        result = run({"first": fake(value=1), "second": fake(value=1)}, check="check")
        self.assertEqual(result["contestants"]["first"]["difference_from_reference"], 0)

    def test_other_kinds_of_runs_are_timed_within_the_rounds(self):
        result = run({"first": fake(), "second": fake()}, extra_runs={"first": ["gemm"]})
        self.assertEqual(len(result["contestants"]["first"]["gemm"]["seconds"]), 3)
        self.assertAlmostEqual(result["contestants"]["first"]["gemm"]["share_of_time"], 1)

    def test_rounds_that_foreign_processes_disturb_are_repeated(self):
        with self.assertRaisesRegex(compare.Failure, "0 of 3 rounds were quiet enough"):
            run({"first": fake(), "second": fake()}, quiet=-1.0)

    def test_report_is_written_where_asked(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "new", "report.json")
            compare.write_report({"name": "x"}, path)
            self.assertTrue(os.path.exists(path))


if __name__ == "__main__":
    unittest.main()

"""The report of a comparison: figures, machine and versions as a dict, and the table that people
read."""

import datetime
import math
import os
import platform
import statistics


def machine():
    """CPU model, vector extensions, CPUs and memory of this machine."""
    model, flags, memory = "unknown", set(), 0
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                model = value.strip()
            elif key.strip() == "flags":
                flags = set(value.split())
    with open("/proc/meminfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("MemTotal:"):
                memory = int(line.split()[1]) * 1024
    wanted = ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile")
    return {"cpu": model, "extensions": [flag for flag in wanted if flag in flags],
            "cpus": os.cpu_count(), "memory_gib": round(memory / 2**30, 1),
            "kernel": platform.release()}


def summary(runs):
    """Median and minimum of the times; the counts of a run and texts and tokens a second."""
    seconds = [run["seconds"] for run in runs]
    median = statistics.median(seconds)
    figures = {"median_seconds": median, "min_seconds": min(seconds), "seconds": seconds}
    for key, value in runs[-1].items():
        if key not in ("seconds", "cpu_seconds", "others_share"):
            figures[key] = value
    if "others_share" in runs[-1]:
        figures["largest_foreign_share"] = max(run["others_share"] for run in runs)
    if "cpu_seconds" in runs[-1]:
        figures["median_cpu_seconds"] = statistics.median(run["cpu_seconds"] for run in runs)
    for key in ("texts", "tokens", "steps"):
        if runs[-1].get(key):
            figures[f"{key}_per_second"] = runs[-1][key] / median
    return figures


def ratios(replies, subject):
    """Per peer: time of the peer / time of the subject."""
    own = [run["seconds"] for run in replies[subject]]
    out = {}
    for name, runs in replies.items():
        if name == subject:
            continue
        other = [run["seconds"] for run in runs]
        pairs = sorted(theirs / ours for theirs, ours in zip(other, own))
        out[name] = {"ratio_of_medians": statistics.median(other) / statistics.median(own),
                     "paired_ratio": statistics.median(pairs),
                     "ratio_of_minima": min(other) / min(own),
                     "lowest": pairs[0], "highest": pairs[-1]}
        if all("cpu_seconds" in run for run in runs + replies[subject]):
            used = [statistics.median(run["cpu_seconds"] for run in r)
                    for r in (runs, replies[subject])]
            out[name]["ratio_of_cpu_time"] = used[0] / used[1] if used[1] else None
    return out


def build(name, load, loaded, replies, differences, idle, extra, *, subject, reference, tolerance,
          threads, load_average):
    contestants = {}
    for contestant, runs in replies.items():
        figures = dict(loaded[contestant])
        figures.update(summary(runs))
        figures["idle_cpu_share"] = idle[contestant]
        if differences is not None:
            figures["difference_from_reference"] = differences[contestant]
        for kind, kind_runs in extra.get(contestant, {}).items():
            figures[kind] = summary(kind_runs)
            figures[kind]["share_of_time"] = statistics.median(
                part["seconds"] / whole["seconds"] for part, whole in zip(kind_runs, runs))
        contestants[contestant] = figures
    # Where the files lay on this machine is nobody's business.
    shown = {key: os.path.basename(value) if isinstance(value, str) and "/" in value else value
             for key, value in load.items()}
    return {"name": name, "date": datetime.date.today().isoformat(), "machine": machine(),
            "threads": threads, "wait_policy": os.environ.get("OMP_WAIT_POLICY", "default"),
            "load_average_before": load_average, "load": shown,
            "reference": reference, "tolerance": tolerance, "subject": subject,
            "contestants": contestants, "ratios": ratios(replies, subject)}


def as_text(result):
    lines = [f"{result['name']}: {result['machine']['cpu']}, "
             f"{result['machine']['cpus']} CPUs ({' '.join(result['machine']['extensions'])}), "
             f"{result['threads']} threads, waiting {result['wait_policy']}, "
             f"load {result['load_average_before']:.2f} before"]
    foreign = max(f["largest_foreign_share"] for f in result["contestants"].values())
    lines.append(f"foreign processes used up to {foreign:.0%} of the machine during a run")
    header = f"{'contestant':<26}{'median s':>10}{'min s':>10}{'texts/s':>10}{'tokens/s':>11}"
    lines.append(header + f"{'max |d|':>10}{'idle CPU':>10}")
    for name, figures in result["contestants"].items():
        texts = figures.get("texts_per_second")
        tokens = figures.get("tokens_per_second")
        difference = figures.get("difference_from_reference")
        lines.append(
            f"{name:<26}{figures['median_seconds']:>10.4f}{figures['min_seconds']:>10.4f}"
            + (f"{texts:>10.1f}" if texts else f"{'-':>10}")
            + (f"{tokens:>11.0f}" if tokens else f"{'-':>11}")
            + (f"{difference:>10.1e}" if difference is not None else f"{'-':>10}")
            + f"{figures['idle_cpu_share']:>10.1%}")
        for kind, part in figures.items():
            if isinstance(part, dict) and "share_of_time" in part:
                rate = part.get("flops", 0) / part["median_seconds"] / 1e9
                lines.append(f"  {kind:<24}{part['median_seconds']:>10.4f}"
                             f"{part['min_seconds']:>10.4f}"
                             f"   {part['share_of_time']:.1%} of the time, {rate:.1f} GFLOP/s")
    if result["ratios"]:
        lines.append(f"{result['subject']} against      ratio of medians  paired ratio  of minima"
                     "  of CPU time")
    for name, ratio in result["ratios"].items():
        lines.append(f"  {name:<24}{ratio['ratio_of_medians']:>14.2f}x"
                     f"{ratio['paired_ratio']:>13.2f}x"
                     f"{ratio['ratio_of_minima']:>10.2f}x"
                     f"{ratio.get('ratio_of_cpu_time') or math.nan:>12.2f}x"
                     f"   ({ratio['lowest']:.2f} to {ratio['highest']:.2f})")
    for name, figures in result["contestants"].items():
        versions = figures.get("versions")
        if versions:
            lines.append(f"  {name}: " + ", ".join(f"{k} {v}" for k, v in versions.items()))
    return "\n".join(lines)

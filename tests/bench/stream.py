"""The stream against memcpy and against rivals: rounds in turn, ratios within each round, CPU and page faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from goals import Goal, over_rounds

ENDS = Path(__file__).parent / "stream_ends.py"
SIZES = {"1k": (512, 1024, 320), "2k": (1024, 2048, 80)}  # height, width, bundles a round
LONGER = {"memcpy": 8, "shared memory": 8}
"""Times as many bundles a round, so that the fast ones too run for a good half second and not for their first steps."""
OURS = ("shared memory", "ipc", "tcp", "tcp+CURVE")
BARE = ("bare socket, ipc", "bare socket, tcp")
RIVALS = ("without credit, ipc", "without credit, tcp", "pickle", "pickle, malloc tuned", "gRPC")
FILES = ("npy files", "png files")
TUNED = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
GOALS: dict[str, tuple[tuple[str, str, float], ...]] = {
    "shared memory": (("1k", "of_memcpy", 0.6), ("2k", "of_memcpy", 0.9)),
    "ipc": (("2k", "of_memcpy", 0.3), ("both", "cpu_s_per_gb", 0.6), ("both", "of_no_credit", 0.95)),
    "tcp": (("2k", "of_memcpy", 0.25), ("both", "of_pickle", 3.0), ("both", "of_no_credit", 0.95)),
}
"""What a method is to reach, by size; credit is to cost under 5 %. `cpu_s_per_gb` is to stay under its goal."""
WAIT_MS = 0.1
"""The median wait for a bundle is to stay under this when supply suffices."""
UNITS = {
    "of_memcpy": "of memcpy",
    "of_pickle": "times the pickle stream",
    "cpu_s_per_gb": "CPU s/GB, both processes",
    "of_no_credit": "of the same without credit",
}

Counts = dict[str, float]
Summary = dict[str, dict[str, tuple[float, float, float]]]


def run_pair(method: str, height: int, width: int, count: int) -> Counts:
    """Run a method's two ends and return what they took together."""
    environment = dict(os.environ) | (TUNED if method.endswith("tuned") else {})
    with tempfile.TemporaryDirectory() as folder:
        common = [method, str(height), str(width), str(count), str(count // 5), folder]
        if method == "memcpy" or method in FILES:
            done = subprocess.run([sys.executable, str(ENDS), "alone", *common], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{method}: {done.stderr}")
            return json.loads(done.stdout.splitlines()[-1])
        consumer = subprocess.Popen(
            [sys.executable, str(ENDS), "consume", *common], stdout=subprocess.PIPE, text=True, env=environment
        )
        endpoint = consumer.stdout.readline().strip()
        producer = subprocess.Popen(
            [sys.executable, str(ENDS), "produce", *common, endpoint],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip
        try:
            got = json.loads(consumer.stdout.readline() or "null")
            if got is None:
                raise RuntimeError(f"{method}: the consumer ended")
            made = json.loads(producer.stdout.readline())
        finally:
            for process in (producer, consumer):
                process.kill()
                process.wait()
                process.stdout.close()
        return got | {"cpu_s": got.get("cpu_s", 0.0) + made["cpu_s"], "faults": got.get("faults", 0.0) + made["faults"]}


def measured(rounds: int = 6, sizes: tuple[str, ...] = ("1k", "2k")) -> tuple[dict[str, object], list[Goal]]:
    """Measure all methods in turn, print the table, and return it."""
    results: dict[str, object] = {}
    goals: list[Goal] = []
    for name in sizes:
        height, width, count = SIZES[name]
        size_bytes = height * width * 13
        methods = ("memcpy", *OURS, *BARE, *RIVALS)
        rows: dict[str, list[Counts]] = {method: [] for method in (*methods, *FILES)}
        for turn in range(rounds + 1):
            print(f"stream {name}: round {turn}/{rounds}", file=sys.stderr)
            for method in methods if turn % 2 else reversed(methods):
                slow = method.startswith(("pickle", "gRPC", "tcp+CURVE"))
                bundles = count // 2 if slow else count * LONGER.get(method, 1)
                rows[method].append(run_pair(method, height, width, bundles))
        for method in FILES:
            few = (24 if "npy" in method else 6) // (1 if name == "1k" else 3)
            rows[method] = [run_pair(method, height, width, few) for _ in range(3)]
        rows = {method: each[1:] for method, each in rows.items()}  # the first round is warm-up
        waits = [run_pair("waiting", height, width, 50) for _ in range(3)]
        found = summary(rows, size_bytes)
        results[name] = found
        results[f"{name} waiting"] = waits
        reached = reached_by(name, found)
        show(name, found, size_bytes, reached)
        middle, low, high = over_rounds(each["p50_ms"] for each in waits)
        wait = Goal(f"stream {name}: wait for a bundle, p50, ms", middle, WAIT_MS, False, (low, high), ".3f")
        late = max(each["p95_ms"] for each in waits)
        print(
            f"  wait for a bundle when supply suffices: p50 {wait.shown} ms  ({wait.words}), p95 {late:.3f} ms at most"
        )
        goals += [*(goal for each in reached.values() for goal in each), wait]
    return results, goals


def reached_by(size: str, found: Summary) -> dict[str, list[Goal]]:
    """Return the goals of each method for bundles of a size."""
    reached: dict[str, list[Goal]] = {}
    for method, goals in GOALS.items():
        for which, key, bound in goals:
            if which in (size, "both"):
                middle, low, high = found[method][key]
                what = f"stream {size}: {method}, {UNITS[key]}"
                reached.setdefault(method, []).append(Goal(what, middle, bound, key != "cpu_s_per_gb", (low, high)))
    return reached


def summary(rows: dict[str, list[Counts]], size_bytes: int) -> Summary:
    """Return what each method reached, as median, smallest and largest.

    Rates, CPU per GB, page faults a bundle, and ratios to other methods in the same round.
    """
    found: Summary = {}
    for method, each in rows.items():
        found[method] = {
            "per_s": over_rounds(one["per_s"] for one in each),
            "cpu_s_per_gb": over_rounds(one["cpu_s"] / size_bytes * 1e9 for one in each),
            "faults": over_rounds(one["faults"] for one in each),
        }
        others = {"of_memcpy": "memcpy", "of_pickle": "pickle", "of_tuned": "pickle, malloc tuned"}
        others |= {"of_no_credit": f"without credit, {method}", "of_bare": f"bare socket, {method}"}
        for key, other in others.items():
            if other in rows:
                pairs = zip(each, rows[other], strict=False)
                found[method][key] = over_rounds(one["per_s"] / base["per_s"] for one, base in pairs)
    return found


def show(name: str, found: Summary, size_bytes: int, reached: dict[str, list[Goal]]) -> None:
    """Print one size's table."""
    print(f"\nstream, bundles of 4 x {name} ({size_bytes / 1e6:.1f} MB): medians of ratios within a round [min, max]")
    print("                          bundles/s      of memcpy             of pickle             CPU s/GB  faults")
    for method, row in found.items():
        columns = ["{:.2f} [{:.2f}, {:.2f}]".format(*row[key]) for key in ("of_memcpy", "of_pickle")]
        print(
            f"  {method:24}{row['per_s'][0]:9.1f}  {columns[0]:20}  {columns[1]:20}  {row['cpu_s_per_gb'][0]:8.2f}"
            f"  {row['faults'][0]:6.0f}"
        )
        for goal in reached.get(method, ()):
            print(f"    {goal.what.partition(', ')[2]}: {goal.shown}  ({goal.words})")
        if "of_bare" in row:
            print("    of a bare socket of the kernel: {:.2f} [{:.2f}, {:.2f}]".format(*row["of_bare"]))
    print(
        "  tcp against the pickle stream with malloc tuned on both its sides: {:.2f} [{:.2f}, {:.2f}]".format(
            *found["tcp"]["of_tuned"]
        )
    )
    print("  the pickle and gRPC streams are ours, after pytorch-blender's and gRPC's documentation")


if __name__ == "__main__":
    measured(*(int(each) for each in sys.argv[1:2]))

"""The stream against memcpy and against rivals: rounds in turn, ratios within each round, CPU and page faults."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ENDS = Path(__file__).parent / "stream_ends.py"
SIZES = {"1k": (512, 1024, 160), "2k": (1024, 2048, 50)}  # height, width, bundles a round
OURS = ("shared memory", "ipc", "tcp", "tcp+CURVE")
RIVALS = ("without credit, ipc", "without credit, tcp", "pickle", "pickle, malloc tuned", "gRPC")
FILES = ("npy files", "png files")
TUNED = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
GOALS = {
    ("shared memory", "1k"): 0.6,
    ("shared memory", "2k"): 0.9,
    ("ipc", "2k"): 0.3,
    ("tcp", "2k"): 0.25,
}

Counts = dict[str, float]


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


def measured(rounds: int = 5, sizes: tuple[str, ...] = ("1k", "2k")) -> dict[str, object]:
    """Measure all methods in turn, print the table, and return it."""
    results: dict[str, object] = {}
    for name in sizes:
        height, width, count = SIZES[name]
        size_bytes = height * width * 13
        methods = ("memcpy", *OURS, *RIVALS)
        rows: dict[str, list[Counts]] = {method: [] for method in (*methods, *FILES)}
        for turn in range(rounds + 1):
            print(f"stream {name}: round {turn}/{rounds}", file=sys.stderr)
            for method in methods if turn % 2 else reversed(methods):
                slow = method.startswith(("pickle", "gRPC", "tcp+CURVE"))
                rows[method].append(run_pair(method, height, width, count // 2 if slow else count))
        for method in FILES:
            few = (24 if "npy" in method else 6) // (1 if name == "1k" else 3)
            rows[method] = [run_pair(method, height, width, few) for _ in range(3)]
        rows = {method: each[1:] for method, each in rows.items()}  # the first round is warm-up
        results[name] = summary(rows, size_bytes)
        show(name, results[name], size_bytes)
        waits = [run_pair("waiting", height, width, 60) for _ in range(2)][-1]
        results[f"{name} waiting"] = {key: waits[key] for key in ("p50_ms", "p95_ms")}
        print(f"  wait for a bundle when supply suffices: p50 {waits['p50_ms']:.3f} ms, p95 {waits['p95_ms']:.3f} ms")
    return results


def summary(rows: dict[str, list[Counts]], size_bytes: int) -> dict[str, dict[str, object]]:
    """Return rates, ratios to memcpy and to the pickle stream of the same round, CPU per GB and faults per bundle."""
    found: dict[str, dict[str, object]] = {}
    for method, each in rows.items():
        found[method] = {
            "per_s": median(one["per_s"] for one in each),
            "cpu_s_per_gb": median(one["cpu_s"] for one in each) / size_bytes * 1e9,
            "faults": median(one["faults"] for one in each),
        }
        for other, key in (("memcpy", "of_memcpy"), ("pickle", "of_pickle"), ("pickle, malloc tuned", "of_tuned")):
            ratios = [one["per_s"] / base["per_s"] for one, base in zip(each, rows[other], strict=False)]
            found[method][key] = [median(ratios), min(ratios), max(ratios)]
        plain = f"without credit, {method}"
        if plain in rows:
            ratios = [one["per_s"] / base["per_s"] for one, base in zip(each, rows[plain], strict=False)]
            found[method]["of_no_credit"] = [median(ratios), min(ratios), max(ratios)]
    return found


def show(name: str, found: dict[str, dict[str, object]], size_bytes: int) -> None:
    """Print one size's table."""
    print(f"\nstream, bundles of 4 x {name} ({size_bytes / 1e6:.1f} MB): medians of ratios within a round [min, max]")
    print("                          bundles/s      of memcpy             of pickle             CPU s/GB  faults")
    for method, row in found.items():
        columns = ["{:.2f} [{:.2f}, {:.2f}]".format(*row[key]) for key in ("of_memcpy", "of_pickle")]
        goal = GOALS.get((method, name))
        words = f"  (goal {goal} of memcpy)" if goal else ""
        print(
            f"  {method:24}{row['per_s']:9.1f}  {columns[0]:20}  {columns[1]:20}  {row['cpu_s_per_gb']:8.2f}"
            f"  {row['faults']:6.0f}{words}"
        )
    tuned = found["tcp"]["of_tuned"]
    print("  tcp against the pickle stream with malloc tuned: {:.2f} [{:.2f}, {:.2f}]".format(*tuned))
    for method in ("ipc", "tcp"):
        print(
            f"  {method} with credit, of without: " + "{:.2f} [{:.2f}, {:.2f}]".format(*found[method]["of_no_credit"])
        )
    print("  the pickle and gRPC streams are ours, after pytorch-blender's and gRPC's documentation")


if __name__ == "__main__":
    measured(*(int(each) for each in sys.argv[1:2]))

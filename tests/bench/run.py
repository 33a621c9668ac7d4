"""Print the project's ratios, measured side by side in one run, and which of its goals they meet: `make bench`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from goals import Goal, load, table

Part = Callable[[argparse.Namespace], tuple[dict[str, Any], list[Goal]]]


def main() -> None:
    """Measure part by part; print tables, then all goals, and write everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--scenario", default="town")
    parser.add_argument("--bundles", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--iters", type=int, default=60)
    parser.add_argument("--only", choices=PARTS)
    arguments = parser.parse_args()
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    before = load()
    print(f"{time.strftime('%Y-%m-%d')}, {machine}; before it began {before}, which should be near 0")
    results: dict[str, Any] = {"machine": machine, "load_before": before}
    goals: list[Goal] = []
    took = []
    for name, part in PARTS.items():
        if arguments.only in (None, name):
            began = time.monotonic()
            results[name], reached = part(arguments)
            goals += reached
            took.append(f"{name} {time.monotonic() - began:.0f}")
    print(f"\ngoals: {sum(goal.met for goal in goals)} of {len(goals)} met (median [min, max])")
    print(table(goals))
    print(f"seconds: {', '.join(took)}; before it began {before}, in the end {load()}")
    results["goals"] = [goal.as_json() for goal in goals]
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "bench.json").write_text(json.dumps(results, indent=2))
    print(f"written to {arguments.out / 'bench.json'}")


def measure_world(_: argparse.Namespace) -> tuple[dict[str, Any], list[Goal]]:
    """Measure the simulator on its own."""
    import world

    return world.measured()


def measure_capture(_: argparse.Namespace) -> tuple[dict[str, Any], list[Goal]]:
    """Measure where a bundle's time goes."""
    import capture

    return capture.measured()


def measure_stream(_: argparse.Namespace) -> tuple[dict[str, Any], list[Goal]]:
    """Measure the stream against memcpy and rivals."""
    import stream

    return stream.measured()


def measure_supply(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[Goal]]:
    """Measure simulator, plugin and trainer in a row."""
    import supply

    return supply.measured(arguments.scenario, arguments.bundles, arguments.rounds, arguments.iters), []


def measure_losses(_: argparse.Namespace) -> tuple[dict[str, Any], list[Goal]]:
    """Measure what arms and self-training add to a step."""
    from harness.training import silence

    with silence():  # mmcv and onedl say what else one could install
        import losses

    return losses.measured()


def measure_feeding(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[Goal]]:
    """Measure training from a recording."""
    import feeding

    return feeding.measured(arguments.rounds, scenario=arguments.scenario)


PARTS: dict[str, Part] = {
    "world": measure_world,
    "capture": measure_capture,
    "stream": measure_stream,
    "supply": measure_supply,
    "losses": measure_losses,
    "feeding": measure_feeding,
}


if __name__ == "__main__":
    main()

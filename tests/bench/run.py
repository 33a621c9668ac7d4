"""Print the project's ratios, measured side by side in one run: `make bench`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def main() -> None:
    """Measure the simulator, supply and losses; print a table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/bench"))
    parser.add_argument("--scenario", default="town")
    parser.add_argument("--bundles", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--iters", type=int, default=60)
    parser.add_argument("--only", choices=("world", "capture", "stream", "supply", "losses"))
    arguments = parser.parse_args()
    results: dict[str, object] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    }
    if arguments.only in (None, "world"):
        import world

        results["world"] = world.measured()
    if arguments.only in (None, "capture"):
        import capture

        results["capture"] = capture.measured()
    if arguments.only in (None, "stream"):
        import stream

        results["stream"] = stream.measured()
    if arguments.only in (None, "supply"):
        results["supply"] = measure_supply(arguments)
    if arguments.only in (None, "losses"):
        results["losses"] = measure_losses()
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "bench.json").write_text(json.dumps(results, indent=2))
    print(f"written to {arguments.out / 'bench.json'}")


def measure_supply(arguments: argparse.Namespace) -> dict[str, object]:
    """Measure the three rates in turn, round by round."""
    import supply

    from carla_plugin.scenario import load_scenario

    town = load_scenario(arguments.scenario).town
    rounds = []
    for turn in range(arguments.rounds):
        print(f"round {turn + 1}/{arguments.rounds}", file=sys.stderr)
        with supply.simulator(town) as (server, port):
            first = supply.alone(arguments.scenario, server, port, arguments.bundles)
            second = supply.through_plugin(arguments.scenario, server, port, arguments.bundles)
        rounds.append({"alone": first, "plugin": second})
    trainer = supply.into_trainer(arguments.iters)
    base = sum(each["alone"]["bundles_per_s"] for each in rounds) / len(rounds)
    print(f"\nbundles/s, {arguments.scenario}: simulator alone = 1 ({base:.2f}/s, empty street)")
    for each in rounds:
        print(f"  through the plugin     {each['plugin']['bundles_per_s'] / each['alone']['bundles_per_s']:.2f}")
    print(f"  into the trainer       {trainer['bundles_per_s'] / base:.2f} (training on the same cores)")
    print("CPU-ms per bundle:")
    for each in rounds:
        alone, plugin = each["alone"], each["plugin"]
        print(f"  alone: simulator {alone['simulator']:.0f}, wheel {alone['wheel']:.0f}")
        print(
            f"  plugin: simulator {plugin['simulator']:.0f}, plugin {plugin['plugin']:.0f}, "
            f"receiver {plugin['receiver']:.0f} (traffic planning included)"
        )
    return {"rounds": rounds, "trainer": trainer}


def measure_losses() -> dict[str, object]:
    """Measure what each arm adds to a step, and what one forward for all appearances saves."""
    import losses

    found = losses.shares(rounds=12)
    print("\nCPU time an arm adds to a step of the baseline, small configs (median [min, max] of 12):")
    for arm, (middle, low, high) in found.items():
        print(f"  {arm:8s} {middle:+.1%} [{low:+.1%}, {high:+.1%}]")
    together = losses.batched(rounds=12)
    middle, low, high = together
    print(f"one forward and backward of both appearances over two: {middle:.2f} [{low:.2f}, {high:.2f}]")
    return {"arms": {arm: list(values) for arm, values in found.items()}, "one_forward_over_two": list(together)}


if __name__ == "__main__":
    main()

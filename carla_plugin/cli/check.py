"""`carla-plugin check`: read a scenario as `stream` would, without a server."""

from __future__ import annotations

import argparse
from typing import Any

EXAMPLE = """example:
  carla-plugin check town
  carla-plugin check my/street.yaml
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="check a scenario file without a server",
        description="Check a scenario: every fault is named with file, line and key.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a scenario that ships")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Check the scenario and say what it holds."""
    from carla_plugin.scenario import load_scenario

    scenario = load_scenario(arguments.scenario)
    traffic, camera = scenario.traffic, scenario.camera
    vehicles = sum(getattr(traffic, kind) for kind in ("cars", "vans", "trucks", "buses", "motorcycles", "bicycles"))
    print(
        f"{scenario.name}: ok. {scenario.episodes} episodes of {scenario.bundles} bundles in {scenario.town}, "
        f"seed {scenario.seed}; {camera.width}x{camera.height}, {len(scenario.appearances)} appearances "
        f"({', '.join(scenario.appearances)}); {vehicles} vehicles, {traffic.pedestrians} pedestrians"
    )
    return 0

"""`carla-plugin check`: read a scenario or a layouts file as `stream` would, without a server."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carla_plugin.scenario import Scenario

EXAMPLE = """example:
  carla-plugin check town
  carla-plugin check my/street.yaml
  carla-plugin check town.layouts
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="check a scenario or a layouts file without a server",
        description="Check a scenario: every fault is named with file, line and key. Of a layouts file, every episode.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", metavar="SCENARIO", help="a file of either kind, or the name of one that ships")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Check the file and say what it holds."""
    from carla_plugin.layouts_file import load_source

    source = load_source(arguments.scenario)
    if source.planned is None:
        print(described(source.scenario))
        return 0
    actors = 0
    for episode in range(source.planned.episodes):
        actors = max(actors, len(source.planned.read(episode).actors))
    print(f"{described(source.scenario)}; planned with seed {source.seed}, up to {actors} actors an episode")
    return 0


def described(scenario: Scenario) -> str:
    """Return in a line what a scenario holds."""
    counts = scenario.traffic.counts()
    people = counts.pop("pedestrians")
    cameras = ", ".join(f"{camera.width}x{camera.height}" for camera in scenario.cameras)
    return (
        f"{scenario.name}: ok. {scenario.episodes} episodes of {scenario.bundles} moments in {scenario.town}, "
        f"seed {scenario.seed}; {len(scenario.cameras)} cameras ({cameras}), {len(scenario.appearances)} appearances "
        f"({', '.join(scenario.appearance_names)}); {sum(counts.values())} vehicles, {people} pedestrians"
    )

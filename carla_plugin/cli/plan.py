"""`carla-plugin plan`: run a scenario's traffic on a server, and write every moment to a layouts file."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from carla_plugin.scenario import Scenario

EXAMPLE = """example:
  carla-plugin plan town --server 127.0.0.1:2000 -o town.layouts
  carla-plugin stream town.layouts --server gpu-box:2000 --to tcp://127.0.0.1:5555
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "plan",
        help="write a scenario's moments to a layouts file",
        description="Run a scenario's traffic on a CARLA 0.9.16 server and write every moment: actors, transforms, "
        "people's bones, lights, cameras. `stream` gives them again, on any server with that map.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("scenario", metavar="SCENARIO", help="a file, or the name of a scenario that ships")
    parser.add_argument("-o", "--out", metavar="FILE", required=True, help="the layouts file, replaced when done")
    parser.add_argument("--server", metavar="HOST:PORT", default="127.0.0.1:2000", help="the simulator (%(default)s)")
    parser.add_argument("--episodes", metavar="N", type=int, help="episodes (default: as the scenario says)")
    parser.add_argument("--seed", metavar="N", type=int, help="seed of the run (default: the scenario's)")
    parser.add_argument("--town", metavar="NAME", help="map to load (default: the scenario's)")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Plan, and say what was written."""
    import msgspec

    from carla_plugin.cli.stream import leave_when_told, server_address
    from carla_plugin.layouts_file import write_layouts
    from carla_plugin.scenario import load_scenario
    from protocols.errors import InputError

    host, port = server_address(arguments.server)
    scenario = load_scenario(arguments.scenario)
    changes = {"seed": arguments.seed, "episodes": arguments.episodes, "town": arguments.town}
    try:
        # through the types once more, so that what the command line changes keeps to their ranges
        values = msgspec.to_builtins(scenario) | {key: value for key, value in changes.items() if value is not None}
        scenario = msgspec.convert(values, type(scenario))
    except msgspec.ValidationError as error:
        raise InputError(f"--seed, --episodes, --town: {str(error).replace('`', '')}") from None

    from carla_plugin.crew import Job
    from carla_plugin.planner import Planner

    leave_when_told(False)
    told = _Progress(scenario)
    with Planner.ready(Job(host=host, port=port, scenario=scenario, seed=scenario.seed)) as planner, told:
        plans = (planner.plan(episode, partial(told.tell, episode)) for episode in range(scenario.episodes))
        size = write_layouts(arguments.out, scenario, scenario.seed, planner.town, plans)
    print(
        f"{arguments.out}: {scenario.episodes} episodes of {scenario.bundles} moments in {scenario.town}, "
        f"seed {scenario.seed}, {size / 1e6:.1f} MB",
        file=sys.stderr,
    )
    return 0


class _Progress:
    """Tell how far the plan is on stderr: a bar on a terminal, else a line for each episode."""

    def __init__(self, scenario: Scenario) -> None:
        from rich.console import Console
        from rich.progress import Progress

        console = Console(stderr=True)
        self._moments, self._episodes = scenario.bundles, scenario.episodes
        self._bar = Progress(console=console, transient=True) if console.is_terminal else None
        self._task = self._bar.add_task("planning", total=scenario.bundles * scenario.episodes) if self._bar else None

    def __enter__(self) -> _Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, episode: int, kept: int) -> None:
        """Show that so many moments of an episode are kept."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=episode * self._moments + kept)
        elif kept == self._moments:
            print(
                f"carla-plugin: episode {episode + 1} of {self._episodes}: {kept} moments", file=sys.stderr, flush=True
            )

"""`carla-harness demo`: simulator, plugin and trainer from one command."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness.cli.counts import minutes, positive, seed

EXAMPLE = """example:
  carla-harness demo --out out/demo
  carla-harness demo --minutes 2 --seed 3 --preview
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo",
        help="simulator, plugin and trainer from one command",
        description=(
            "Start the embedded simulator and a plugin, train a small network on their live stream, and test it in a "
            "town it never saw. Writes curves.png, samples.png, report.json, weights.pth and logs."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("out/demo"), help="results (%(default)s)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--iters", metavar="N", type=positive, help="iterations (default: the config's)")
    length.add_argument("--minutes", metavar="M", type=minutes, help="minutes of training instead")
    parser.add_argument(
        "--seed", metavar="S", type=seed, default=1, help="of network and training traffic (%(default)s)"
    )
    parser.add_argument("--preview", action="store_true", help="show the stream in a window")
    parser.add_argument("--config", metavar="CONFIG", default="daformer_dg_cosine_small", help=argparse.SUPPRESS)
    parser.add_argument("--cfg-options", metavar="KEY=VALUE", nargs="+", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--train-scenario", default="town", help=argparse.SUPPRESS)
    parser.add_argument("--test-scenario", default="town_unseen", help=argparse.SUPPRESS)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and print its figures."""
    from harness.cli.signals import leave_on_sigterm
    from harness.demo import Demo

    leave_on_sigterm()
    Demo(
        out=arguments.out,
        iterations=arguments.iters,
        minutes=arguments.minutes,
        seed=arguments.seed,
        preview=arguments.preview,
        config=arguments.config,
        options=arguments.cfg_options,
        train_scenario=arguments.train_scenario,
        test_scenario=arguments.test_scenario,
    ).run()
    return 0

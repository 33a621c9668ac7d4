"""`carla-plugin play`: stream a recording to a trainer, without a simulator."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from carla_plugin.cli.stream import seconds

EXAMPLE = """example:
  carla-plugin play town.rec --to tcp://127.0.0.1:5555
  carla-plugin play town.rec --to ipc:///tmp/train --rate 4
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "play",
        help="stream a recording to a trainer",
        description="Stream a recording: the trainer gets the bundles that it asks for, as they were sent when they "
        "were recorded.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a recording: of `--record`, on either side")
    parser.add_argument("--to", metavar="ENDPOINT", required=True, help="where the trainer listens, a ZeroMQ address")
    parser.add_argument("--rate", metavar="N", type=_rate, help="bundles a second (default: as fast as they are taken)")
    parser.add_argument("--keys", metavar="DIR", help="keys (carla-harness keys DIR), for a trainer on another machine")
    parser.add_argument(
        "--patience", metavar="S", type=seconds, default=30.0,
        help="seconds without a word of the trainer until it counts as gone (%(default)s)",
    )  # fmt: skip
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Play, and say how much was sent; return 1 when something was damaged."""
    import os

    from carla_plugin.cli.stream import leave_when_told
    from carla_plugin.player import largest_bundle, opened, play
    from carla_plugin.publisher import Publisher
    from carla_plugin.recorder import say_on_stderr

    leave_when_told(False)
    with opened(arguments.file) as recording:
        for start, end in recording.damaged:
            say_on_stderr(f"{arguments.file}: leaves out damage, bytes {start} to {end}")
        if recording.tail:
            say_on_stderr(f"{arguments.file}: leaves out the last {recording.tail} bytes, a record never finished")
        name = f"{arguments.file.stem}@{os.getpid()}"
        size = max(1, largest_bundle(recording))
        publisher = Publisher(arguments.to, name, size, arguments.patience, keys=arguments.keys)
        try:
            sent, damaged = play(recording, publisher, rate=arguments.rate, say=say_on_stderr)
            publisher.close()
        except BaseException:
            publisher.abandon()
            raise
    print(f"{arguments.file}: {sent} of {len(recording.distinct)} bundles sent", file=sys.stderr)
    return 1 if damaged else 0


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.0 < rate < 1e6:
        raise argparse.ArgumentTypeError(f"expected bundles a second above 0, got {text!r}")
    return rate

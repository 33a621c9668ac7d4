"""`carla-plugin preview`: a window with all appearances and the mask of a running stream."""

from __future__ import annotations

import argparse
from typing import Any

EXAMPLE = """example:
  carla-plugin stream town --to tcp://127.0.0.1:5555 --monitor tcp://127.0.0.1:5556 &
  carla-plugin preview --from tcp://127.0.0.1:5556
  SDL_VIDEODRIVER=dummy carla-plugin preview --from tcp://127.0.0.1:5556 --snapshot bundle.png
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "preview",
        help="show a running stream in a window",
        description="Show the newest bundle of a running stream; it never holds the stream up. Esc closes.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--from",
        dest="source",
        metavar="ENDPOINT",
        required=True,
        help="the `--monitor` address of `carla-plugin stream`",
    )
    parser.add_argument("--snapshot", metavar="FILE", help="write the last picture as PNG, then leave")
    parser.add_argument("--frames", metavar="N", type=int, help="leave after N bundles (1 with --snapshot)")
    parser.add_argument("--keys", metavar="DIR", help="keys (carla-harness keys DIR), for a plugin on another machine")
    parser.add_argument("--stay-with-stdin", action="store_true", help="leave when standard input ends")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Show the stream until the window is closed."""
    if arguments.stay_with_stdin:
        from carla_plugin.cli.stream import leave_when_told

        leave_when_told(True)
    from carla_plugin.preview import show

    show(arguments.source, snapshot=arguments.snapshot, frames=arguments.frames, keys=arguments.keys)
    return 0

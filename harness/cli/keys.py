"""`carla-harness keys`: make keys for streams between machines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  carla-harness keys keys                       # makes keys/trainer and keys/plugin
  carla-harness keys keys --plugin gpu-1 gpu-2  # one each for two plugins; the trainer's stay as they are

Copy keys/plugin to the plugin's machine by a safe way (scp -r) and keep the rest here. Then:
  carla-harness train CONFIG --from tcp://0.0.0.0:5555 --keys keys/trainer
  carla-plugin stream town --to tcp://TRAINER:5555 --keys plugin
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "keys",
        help="make keys for streams between machines",
        description="Make a folder of keys for the trainer and one for each plugin. Only plugins whose public key is "
        "in the trainer's folder are heard; take a file out of its peers/ and its owner is not, after a restart.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="where to make them; what is there is kept")
    parser.add_argument("--plugin", metavar="NAME", nargs="+", default=["plugin"], help="plugins (%(default)s)")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Make the keys, and say which folders are new."""
    from harness.keys import make_keys

    made = make_keys(arguments.folder, arguments.plugin)
    for folder in made:
        print(f"made {folder}")
    if not made:
        print(f"{arguments.folder}: all keys are there already")
    return 0

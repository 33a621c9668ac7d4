"""`carla-harness compare`: train and score arms x seeds, and say which differences are more than chance."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  carla-harness compare my_comparison.py --out out/comparison      # again after a stop: it goes on where it was

  my_comparison.py:
    arms = dict(baseline="daformer_dg_baseline_small", cosine="daformer_dg_cosine_small")  # others against the first
    seeds = [1, 2, 3]
    source = "file:train.rec"        # what `carla-harness train --from` takes; a recording gives all arms the same
    iterations = 300
    tests = dict(
        seen=dict(data="recording", root="unseen_town.rec", groups=["noon", "sunset", "fog"]),
        held_out=dict(data="recording", root="unseen_town.rec", groups=["night", "rain"]),
        photographs=dict(data="folder", root="data/streets"),
    )
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "compare",
        help="train and score several configs over several seeds",
        description=(
            "Train each arm with each seed, score it on each test, print mean and standard deviation over seeds, and "
            "each arm's difference from the first one, paired by seed, with t intervals and Holm's correction. "
            "Restartable: what is done is not done again, what was interrupted is resumed."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("spec", metavar="SPEC", type=Path, help="what to compare: a Python file, see below")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("out/comparison"), help="results (%(default)s)")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run what is not done yet, and print the table."""
    from harness.cli.signals import note_sigterm
    from harness.experiment import run

    run(arguments.spec, arguments.out, note_sigterm())
    return 0

"""`carla-harness compare`: train and score arms x seeds, and say which differences are more than chance."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  carla-harness compare my_comparison.py --out out/comparison      # again after a stop: it goes on where it was
  carla-harness compare my_comparison.py --gpus 0,1,2,3            # a run on each, then the next
  OMP_NUM_THREADS=4 carla-harness compare my_comparison.py --jobs 4

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

  an arm may have a source and options of its own:
    arms = dict(
        gta=dict(config="daformer_dg_gta_small", source="gta:data/gta"),
        ours=dict(config="daformer_dg_cosine_small", options={"model.consistency.loss_weight": 0.2}),
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
            "Restartable: what is done is not done again, what was interrupted is resumed. With --gpus or --jobs each "
            "run is a process of its own, several at a time, with the same results: a run that fails is told, the "
            "others go on; Ctrl-C or SIGTERM has all of them write a checkpoint and leave."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("spec", metavar="SPEC", type=Path, help="what to compare: a Python file, see below")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("out/comparison"), help="results (%(default)s)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--gpus",
        metavar="N,N,...",
        type=_numbers,
        default=[],
        help="one run at a time on each of these GPUs; a number twice: two at a time on that one",
    )
    how.add_argument(
        "--jobs",
        metavar="N",
        type=_positive,
        default=1,
        help="so many runs at a time (%(default)s); OMP_NUM_THREADS says how many threads each takes",
    )
    how.add_argument("--only", metavar="ARM:SEED", type=_arm_and_seed, help="this run alone, and no table")
    parser.add_argument("--stay-with-stdin", action="store_true", help=argparse.SUPPRESS)
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Run what is not done yet, and print the table."""
    from harness.cli.signals import note_sigterm, stay_with_stdin
    from harness.experiment import run, run_one

    told = note_sigterm()
    if arguments.stay_with_stdin:
        stay_with_stdin()
    if arguments.only is not None:
        run_one(arguments.spec, arguments.out, *arguments.only, told=told)
        return 0
    workers: list[dict[str, str]] = [{}] * arguments.jobs if arguments.jobs > 1 else []
    if arguments.gpus:
        from harness.gpus import variables

        workers = variables(arguments.gpus)
    run(arguments.spec, arguments.out, told, workers=workers)
    return 0


def _numbers(text: str) -> list[int]:
    parts = text.split(",")
    if not all(part.isdigit() for part in parts):
        raise argparse.ArgumentTypeError(f"expected numbers of GPUs, such as 0,1, got {text!r}")
    return [int(part) for part in parts]


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text!r}")
    return int(text)


def _arm_and_seed(text: str) -> tuple[str, int]:
    arm, _, seed = text.rpartition(":")
    if not arm or not seed.removeprefix("-").isdigit():
        raise argparse.ArgumentTypeError(f"expected ARM:SEED, such as cosine:1, got {text!r}")
    return arm, int(seed)

"""`carla-harness evaluate`: score a trained network on photographs, on a recording, or on a live stream."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness.cli.counts import positive

DATA = ("recording", "stream", "cityscapes", "acdc", "dark_zurich", "folder")

EXAMPLE = """example:
  carla-harness evaluate daformer_dg_cosine_small out/train/weights.pth --data folder --root data/mystreets
  carla-harness evaluate daformer_dg_cosine out/train/checkpoints/checkpoint_0040000.pth --data acdc --root data/ACDC \\
      --json acdc.json
  carla-harness evaluate daformer_dg_cosine_small out/train/weights.pth --data recording --root unseen.rec
  carla-harness evaluate daformer_dg_cosine_small out/train/weights.pth --data stream --root tcp://127.0.0.1:5555
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "evaluate",
        help="score a trained network",
        description=(
            "Score a network: IoU of each class, mIoU and mAcc over 16 classes by two conventions (strict: pixels of "
            "terrain, bus and train count as errors; ignore: they are left out) and over 19, for all images and for "
            "each condition or appearance."
        ),
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", metavar="CONFIG", help="what it was trained with: a file, or a name that ships")
    parser.add_argument("checkpoint", metavar="CHECKPOINT", type=Path, help="weights.pth, or a checkpoint of a run")
    parser.add_argument(
        "--data",
        metavar="NAME",
        required=True,
        help=f"what kind of data: {', '.join(DATA)} (anything in Cityscapes' layout), or one that the config adds",
    )
    parser.add_argument(
        "--root", metavar="DIR", required=True, help="its folder; of a recording the file, of a stream the address"
    )
    parser.add_argument("--split", metavar="NAME", default="val", help="part of a data set (%(default)s)")
    parser.add_argument(
        "--size",
        metavar="WxH",
        type=_size,
        help="bring images to this size first (default: 1024x512 for cityscapes, 960x540 for acdc and dark_zurich, "
        "else as they are)",
    )
    parser.add_argument(
        "--count", metavar="N", type=positive, default=100, help="bundles to take from a stream (%(default)s)"
    )
    parser.add_argument(
        "--keys", metavar="DIR", type=Path, help="keys (carla-harness keys DIR), for a stream that others reach"
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all scores here, too")
    parser.add_argument(
        "--cfg-options", metavar="KEY=VALUE", nargs="+", default=[], help="change values of the config, by dotted key"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Score, print a table, and write JSON."""
    from harness.cli.signals import leave_on_sigterm
    from harness.scoring import score

    leave_on_sigterm()
    score(
        arguments.config,
        arguments.checkpoint,
        data=arguments.data,
        root=arguments.root,
        split=arguments.split,
        size=arguments.size,
        count=arguments.count,
        keys=arguments.keys,
        json=arguments.json,
        options=arguments.cfg_options,
    )
    return 0


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT in pixels, such as 1024x512, got {text!r}")
    return int(width), int(height)

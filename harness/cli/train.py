"""`carla-harness train`: train on the bundles that come to an address."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from harness.cli.counts import positive, seed

EXAMPLE = """example:
  carla-harness train daformer_dg_cosine_small --from tcp://127.0.0.1:5555
  carla-plugin stream town --server 127.0.0.1:2000 --to tcp://127.0.0.1:5555     # in another terminal

  carla-harness train daformer_dg_cosine_small --from tcp://127.0.0.1:5555 --resume    # after a kill, or a SIGTERM

  carla-harness train my/config.py --from ipc:///tmp/bundles --cfg-options optim_wrapper.optimizer.lr=1e-4

  carla-harness train daformer_dg_gta --from gta:/data/gta    # images/*.png and labels/*.png, as published

  torchrun --nproc-per-node 4 -m harness.cli train daformer_dg_cosine --from tcp://127.0.0.1:5555    # four GPUs
"""


def add_parser(commands: Any) -> argparse.ArgumentParser:
    """Add this command's arguments and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train",
        help="train on the bundles that come to an address",
        description="Bind an address, and train on the bundles that one or more `carla-plugin stream` send there.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", metavar="CONFIG", help="an mmengine config: a file, or the name of one that ships")
    parser.add_argument(
        "--from",
        dest="endpoint",
        metavar="ENDPOINT",
        help="address to bind, of this machine; or what is on disk: file:PATH of a recording, gta:DIR, synthia:DIR, or "
        "export:DIR of `carla-plugin export` (default: the config's, where it is a folder)",
    )
    parser.add_argument(
        "--keys", metavar="DIR", type=Path, help="keys (carla-harness keys DIR), for an address that others reach"
    )
    parser.add_argument(
        "--record", metavar="FILE", type=Path, help="append every bundle to this file as it comes; see `play`, `export`"
    )
    parser.add_argument("--work-dir", metavar="DIR", type=Path, default=Path("out/train"), help="results (%(default)s)")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the newest checkpoint in --work-dir, as if never stopped"
    )
    parser.add_argument("--seed", metavar="S", type=seed, help="seed of the run (default: the config's)")
    parser.add_argument("--iters", metavar="N", type=positive, help="iterations (default: the config's)")
    parser.add_argument(
        "--cfg-options", metavar="KEY=VALUE", nargs="+", default=[], help="change values of the config, by dotted key"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Train, and say where the results are."""
    from harness.cli.signals import note_sigterm
    from harness.endpoint import check_endpoint, on_disk
    from harness.ranks import joined
    from harness.training import find_config, train

    with joined() as ranks:
        if arguments.endpoint is not None and not on_disk(arguments.endpoint):
            check_endpoint(arguments.endpoint, guarded=arguments.keys is not None)
        find_config(arguments.config)
        train(
            arguments.config,
            endpoint=arguments.endpoint,
            work_dir=arguments.work_dir,
            seed=arguments.seed,
            iterations=arguments.iters,
            options=arguments.cfg_options,
            resume=arguments.resume,
            keys=arguments.keys,
            record=arguments.record,
            told=note_sigterm(),
            ranks=ranks,
        )
    return 0

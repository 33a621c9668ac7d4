"""Draw contact sheets of streamed bundles, for eyes: `make look`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import supply

from carla_plugin.scenario import load_scenario
from harness import BundleStream
from protocols.bundle import Bundle
from protocols.labels import NAMES_16, palette, tag_to_class16


def sheet(bundle: Bundle, columns: int = 3) -> np.ndarray:
    """Return a BGR picture of a bundle: its appearances, then the mask."""
    tiles = [*bundle.images, palette()[bundle.mask]]
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[start : start + columns], axis=1) for start in range(0, len(tiles), columns)]
    return np.concatenate(rows)[..., ::-1]


def main() -> None:
    """Stream some bundles, write a sheet of each, and print how often each class is seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="town")
    parser.add_argument("--bundles", type=int, default=8)
    parser.add_argument("--out", type=Path, default=Path("out/look"))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    pixels, present = np.zeros(16), np.zeros(16)
    with (
        supply.simulator(load_scenario(arguments.scenario).town) as (_, port),
        BundleStream("tcp://127.0.0.1:*") as stream,
    ):
        command = [
            *supply.PLUGIN,
            "stream",
            arguments.scenario,
            "--server",
            f"127.0.0.1:{port}",
            "--to",
            stream.endpoint,
        ]
        command += ["--bundles", str(arguments.bundles), "--stay-with-stdin"]
        plugin = subprocess.Popen(command, stdin=subprocess.PIPE)
        try:
            for number, bundle in zip(range(arguments.bundles), stream, strict=False):
                cv2.imwrite(str(arguments.out / f"{number:03d}.png"), sheet(bundle))
                shares = np.bincount(tag_to_class16()[bundle.mask].ravel(), minlength=256)[:16] / bundle.mask.size
                pixels += shares / arguments.bundles
                present += (shares > 0.001) / arguments.bundles
            plugin.wait(60)
        finally:
            plugin.kill()
            plugin.wait()
    for name, share, seen in zip(NAMES_16, pixels, present, strict=True):
        print(f"{name:14s} {share:7.2%} of the pixels, over 0.1 % in {seen:4.0%} of the bundles")
    print(f"sheets in {arguments.out}")


if __name__ == "__main__":
    main()

"""Training from a recording: share of the time spent waiting, memory; and how many simulators feed that many steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import supply
from goals import Goal, over_rounds
from stream_ends import SOURCES, renumbered, sources

from carla_plugin.scenario import load_scenario
from protocols.bundle import encode_bundle
from protocols.recording import RecordingWriter

CONFIGS = {"dg": "daformer_dg_baseline_small", "uda": "daformer_uda_baseline_small"}
BUNDLE = (256, 512)
"""Height, width of the small configs' bundles."""
TARGET = (1024, 2048)
"""Height, width of Cityscapes' images, which must be read and made smaller."""
BATCH, FIRST, PACE, USES = 2, 8, 0.5, 16
"""Bundles a step, before the first step, and new ones each step, as in the configs; and how often one may be used."""
EPISODE = 25
"""Bundles of `town`'s episodes: with as many, planning one is in what a simulator gives."""
GOAL = 0.02
"""Largest share of the time that may be spent waiting."""

Figures = dict[str, float]


def measured(rounds: int = 2, iterations: int = 40, scenario: str = "town") -> tuple[dict[str, Any], list[Goal]]:
    """Return all of it, and say it: the runs take turns, and have the machine to themselves."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        record(home / "bundles.rec", FIRST + int(PACE * iterations) + 1)
        photograph(home / "target")
        runs: dict[str, list[Figures]] = {kind: [] for kind in CONFIGS}
        for turn in range(rounds):
            print(f"feeding: round {turn + 1}/{rounds}", file=sys.stderr)
            for kind in CONFIGS if turn % 2 == 0 else reversed(CONFIGS):
                runs[kind].append(trained(kind, home, home / f"{kind}_{turn}", iterations))
    with supply.simulator(load_scenario(scenario).town) as (server, port):
        one = supply.through_plugin(scenario, server, port, EPISODE)["bundles_per_s"]
    print(f"\ntraining from a recording, small configs, {iterations} iterations (median [min, max] of {rounds})")
    goals = []
    found: dict[str, Any] = {"runs": runs, "one_simulator_per_s": one, "simulators": {}}
    for kind, each in runs.items():
        figures = {key: over_rounds(one[key] for one in each) for key in each[0]}
        wait, low, high = figures["wait_share"]
        goals.append(Goal(f"feeding: {kind} waits for bundles of a recording", wait, GOAL, False, (low, high), ".2%"))
        wanted = BATCH * figures["it_per_s"][0] / USES
        found["simulators"][kind] = wanted / one
        print(
            f"  {kind:4} waiting {goals[-1].shown}  {goals[-1].words}\n"
            f"       {spread(figures['it_per_s'], '.2f')} it/s; waiting, cutting and reading targets "
            f"{spread(figures['data_share'], '.1%')} of it; memory {spread(figures['rss_mb_max'], '.0f')} MB at most\n"
            f"       wants {wanted:.2f} bundles/s at {USES} uses each, one simulator with all cores gives {one:.2f}: "
            f"{wanted / one:.2f} simulators"
        )
    return found, goals


def spread(values: tuple[float, float, float], form: str) -> str:
    """Return median, smallest and largest in words."""
    return "{} [{}, {}]".format(*(f"{value:{form}}" for value in values))


def record(file: Path, bundles: int) -> None:
    """Write a recording of pictures as a camera's."""
    pictures = sources(*BUNDLE)
    with file.open("x+b", buffering=0) as opened:
        writer = RecordingWriter(opened)
        for index in range(bundles):
            writer.append(encode_bundle(renumbered(pictures[index % SOURCES], index), mask_codec="zstd"))
        writer.close()


def photograph(folder: Path) -> None:
    """Write target images in Cityscapes' layout."""
    place = folder / "leftImg8bit/train/nowhere"
    place.mkdir(parents=True)
    for number, bundle in enumerate(sources(*TARGET)):
        cv2.imwrite(str(place / f"nowhere_{number:06d}_000000_leftImg8bit.png"), bundle.images[0])


def trained(kind: str, home: Path, work_dir: Path, iterations: int) -> Figures:
    """Run the trainer on the recording, and return what its report and its log say."""
    command = [*supply.HARNESS, "train", CONFIGS[kind], "--from", f"file:{home}/bundles.rec"]
    command += ["--work-dir", str(work_dir), "--iters", str(iterations)]
    if kind == "uda":
        command += ["--cfg-options", f"train_dataloader.dataset.target.data_root={home}/target"]
    environment = dict(os.environ) | {"OMP_WAIT_POLICY": "PASSIVE"}  # as the demo: its threads wait without spinning
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-500:]}{done.stderr[-500:]}")
    report = json.loads((work_dir / "report.json").read_text())
    seconds = report["bundles"] / report["bundles_per_s"]
    (log,) = work_dir.glob("logs/*/vis_data/scalars.json")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return {
        "it_per_s": report["iterations"] / seconds,
        "wait_share": report["wait_share"],
        "data_share": sum(line["data_time"] for line in lines) / sum(line["time"] for line in lines),
        "rss_mb_max": report["rss_mb_max"],
    }


if __name__ == "__main__":
    measured()

"""What an arm adds to a training step of its baseline, self-training to one without, and one forward for all to two."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import steps
import torch
from goals import Goal, over_rounds
from mmengine.config import Config
from mmseg.registry import MODELS

from harness.training import find_config

DG = ("baseline", "unpaired", "cosine", "l2", "mmd", "js", "contrast")
UDA = ("baseline", "cosine", "l2", "mmd", "contrast")
GOALS = {"dg cosine": 0.05, "dg l2": 0.05, "dg mmd": 0.10}
"""Largest share that an arm may add to its baseline's step."""

Ratios = dict[str, tuple[float, float, float]]


def measured(rounds: int = 10) -> tuple[dict[str, Any], list[Goal]]:
    """Return all of it, and say it: median, smallest and largest of the ratios within each round.

    A step's time is its CPU time on one thread: what an arm adds, whoever else uses the machine.
    """
    print("losses ...", file=sys.stderr)
    warnings.simplefilter("ignore")
    steps.prepare()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        times = _timed({name: steps.step_of(_config(name)) for name in _names()}, rounds)
        together = batched(rounds)
    finally:
        torch.set_num_threads(threads)
    base = over_rounds(times["dg baseline"])[0]
    found: dict[str, Any] = {"baseline_s": base, "dg": {}, "uda": {}, "one_forward_over_two": together}
    print(f"\nCPU time of a training step, small configs, one thread, median [min, max] of {rounds} rounds in turn")
    print(f"over the DG baseline's ({base:.2f} s): what each arm adds")
    goals = []
    for kind, arms in (("dg", DG), ("uda", UDA)):
        if kind == "uda":
            over = over_rounds(_ratios(times["uda baseline"], times["dg baseline"]))
            found["uda_over_dg"] = over
            print("  self-training's baseline over DG's: {:.2f} [{:.2f}, {:.2f}]".format(*over))
            print("over the UDA baseline's")
        for arm in arms[1:]:
            name = f"{kind} {arm}"
            middle, low, high = over_rounds(each - 1 for each in _ratios(times[name], times[f"{kind} baseline"]))
            found[kind][arm] = (middle, low, high)
            words = ""
            if name in GOALS:
                goals.append(Goal(f"losses: {name} adds to a step", middle, GOALS[name], False, (low, high), "+.1%"))
                words = goals[-1].words
            print(f"  {arm:9} {middle:+7.1%} [{low:+.1%}, {high:+.1%}]  {words}")
    print("one forward and backward of both appearances over two: {:.2f} [{:.2f}, {:.2f}]".format(*together))
    return found, goals


def batched(rounds: int) -> tuple[float, float, float]:
    """Return one forward and backward of all images over one for each appearance: median, minimum, maximum."""
    config = _config("dg baseline")
    torch.manual_seed(0)
    model: Any = MODELS.build(config.model).train()
    inputs = torch.randn(2 * config.batch_size, 3, *config.crop_size)

    def run(parts: Sequence[torch.Tensor]) -> None:
        for part in parts:
            model.decode_head(model.extract_feat(part)).sum().backward()
        model.zero_grad()

    times = _timed({"two": lambda _: run([inputs[0::2], inputs[1::2]]), "one": lambda _: run([inputs])}, rounds)
    return over_rounds(_ratios(times["one"], times["two"]))


def _names() -> list[str]:
    return [f"{kind} {arm}" for kind, arms in (("dg", DG), ("uda", UDA)) for arm in arms]


def _config(name: str) -> Config:
    return Config.fromfile(str(find_config(f"daformer_{name.replace(' ', '_')}_small")))


def _timed(each: dict[str, Callable[[int], None]], rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of each step in each round; the order turns round by round, the first is warm-up."""
    times: dict[str, list[float]] = {name: [] for name in each}
    for turn in range(rounds + 1):
        for name in list(each) if turn % 2 == 0 else reversed(list(each)):
            began = time.process_time()
            each[name](turn + 1)
            times[name].append(time.process_time() - began)
    return {name: values[1:] for name, values in times.items()}


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [one / other for one, other in zip(ours, theirs, strict=True)]


if __name__ == "__main__":
    measured()

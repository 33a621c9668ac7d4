"""What each arm adds to a training step of the baseline, and one forward for all appearances against one for each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import register_all_modules

from harness.training import find_config

ARMS = ("baseline", "cosine", "l2", "mmd", "js", "contrast")
Ratios = dict[str, tuple[float, float, float]]


def shares(rounds: int, arms: tuple[str, ...] = ARMS, suffix: str = "_small") -> Ratios:
    """Return each arm's added share of a baseline step: median, minimum, maximum over rounds.

    The step is forward and backward of the config's own batch, in CPU time; the arms take turns.
    """
    register_all_modules(init_default_scope=True)
    torch.manual_seed(0)
    steps = {arm: _step(arm, suffix) for arm in arms}
    found = _ratios(steps, arms[0], rounds)
    return {arm: tuple(value - 1 for value in values) for arm, values in found.items()}


def batched(rounds: int) -> tuple[float, float, float]:
    """Return one forward and backward of all images over one for each appearance: median, minimum, maximum."""
    register_all_modules(init_default_scope=True)
    torch.manual_seed(0)
    config = Config.fromfile(str(find_config("daformer_dg_baseline_small")))
    model, (inputs, _) = MODELS.build(config.model).train(), _batch(config)

    def run(parts: list[torch.Tensor]) -> None:
        for part in parts:
            model.decode_head(model.extract_feat(part)).sum().backward()
        model.zero_grad()

    steps = {"two": lambda: run([inputs[0::2], inputs[1::2]]), "one": lambda: run([inputs])}
    return _ratios(steps, "two", rounds)["one"]


def _ratios(steps: dict[str, Callable[[], None]], base: str, rounds: int) -> Ratios:
    for step in steps.values():
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds):
        for name in list(steps) if turn % 2 == 0 else reversed(list(steps)):
            began = time.process_time()
            steps[name]()
            times[name].append(time.process_time() - began)
    found = {}
    for name in steps:
        if name != base:
            ratios = [ours / theirs for ours, theirs in zip(times[name], times[base], strict=True)]
            found[name] = (statistics.median(ratios), min(ratios), max(ratios))
    return found


def _step(arm: str, suffix: str) -> Callable[[], None]:
    config = Config.fromfile(str(find_config(f"daformer_dg_{arm}{suffix}")))
    model: Any = MODELS.build(config.model).train()
    inputs, samples = _batch(config)

    def step() -> None:
        losses = model.loss(inputs, samples)
        sum(value for key, value in losses.items() if "loss" in key).backward()
        model.zero_grad()

    return step


def _batch(config: Config) -> tuple[torch.Tensor, list[SegDataSample]]:
    """Return a batch of the config's size: noise, under labels in blocks of 16 px, as streets have surfaces."""
    height, width = config.crop_size
    blocks = torch.randint(0, 16, (config.batch_size, height // 16, width // 16))
    labels = blocks.repeat_interleave(16, 1).repeat_interleave(16, 2)
    samples = []
    for place in range(2 * config.batch_size):
        sample = SegDataSample(metainfo={"view": place % 2, "appearance": ("noon", "night")[place % 2]})
        sample.gt_sem_seg = PixelData(data=labels[place // 2][None])
        samples.append(sample)
    return torch.randn(len(samples), 3, height, width), samples

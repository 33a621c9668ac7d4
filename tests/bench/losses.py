"""What each consistency loss adds to a training step: steps with and without it, in turn, in one process."""

from __future__ import annotations

import statistics
import time

import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import register_all_modules

from harness.training import find_config

ARMS = ("none", "cosine", "l2", "mmd")


def shares(config_name: str, rounds: int) -> dict[str, tuple[float, float, float]]:
    """Return each arm's added share of a step without consistency loss: median, minimum, maximum over rounds."""
    register_all_modules(init_default_scope=True)
    config = Config.fromfile(str(find_config(config_name)))
    torch.manual_seed(0)
    steps = {arm: _step(config, arm) for arm in ARMS}
    for step in steps.values():
        step()
    times: dict[str, list[float]] = {arm: [] for arm in ARMS}
    for turn in range(rounds):
        for arm in ARMS if turn % 2 == 0 else reversed(ARMS):
            began = time.process_time()
            steps[arm]()
            times[arm].append(time.process_time() - began)
    found = {}
    for arm in ARMS[1:]:
        ratios = [with_loss / without - 1 for with_loss, without in zip(times[arm], times["none"], strict=True)]
        found[arm] = (statistics.median(ratios), min(ratios), max(ratios))
    return found


def _step(config: Config, arm: str):
    settings = config.model.copy()
    settings["consistency"] = None if arm == "none" else {"type": "ConsistencyLoss", "distance": arm}
    settings["data_preprocessor"] = None
    model = MODELS.build(settings).train()
    height, width = config.crop_size
    inputs = torch.randn(2 * config.batch_size, 3, height, width)
    samples = []
    for _ in range(len(inputs)):
        sample = SegDataSample()
        sample.gt_sem_seg = PixelData(data=torch.randint(0, 16, (1, height, width)))
        samples.append(sample)

    def step() -> None:
        losses = model.loss(inputs, samples)
        total = sum(value for key, value in losses.items() if "loss" in key)
        total.backward()
        model.zero_grad()

    return step

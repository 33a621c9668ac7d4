"""Probe: the margin of every stage on a few fixed pairs of unseen streets, taken again and again during training."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from harness.losses import margin
from protocols.bundle import Bundle


@HOOKS.register_module()
class MarginProbe(Hook):
    """Measure on the first test bundles, before training and every so many iterations.

    Attributes:
        measured: one dict a measurement: `iteration`, `stage_1` to `stage_4`.
    """

    priority = "NORMAL"

    def __init__(self, interval: int = 25, bundles: int = 6) -> None:
        """Set how often, and on how much.

        Args:
            interval: iterations between two measurements.
            bundles: of the test set; of bundle k appearances k and k + 1 are compared.
        """
        self.interval = interval
        self.bundles = bundles
        self.measured: list[dict[str, float]] = []

    def before_train(self, runner: Any) -> None:
        """Measure the network as it starts."""
        self._measure(runner, 0)

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Measure every `interval` iterations."""
        if (runner.iter + 1) % self.interval == 0:
            self._measure(runner, runner.iter + 1)

    def after_train(self, runner: Any) -> None:
        """Measure the network as it ends."""
        if not self.measured or self.measured[-1]["iteration"] != runner.iter:
            self._measure(runner, runner.iter)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs."""
        return {"measured": self.measured}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        self.measured = list(state["measured"])

    def _measure(self, runner: Any, iteration: int) -> None:
        bundles = runner.val_dataloader.dataset.bundles[: self.bundles] if runner.val_loop is not None else []
        if not bundles:
            return
        training = runner.model.training
        runner.model.eval()
        values = probe(runner.model, bundles)
        runner.model.train(training)
        self.measured.append(
            {"iteration": iteration} | {f"stage_{stage}": value for stage, value in enumerate(values, start=1)}
        )


@torch.no_grad()
def probe(model: Any, bundles: list[Bundle]) -> list[float]:
    """Return the mean margin of each stage.

    Args:
        model: a segmentor in evaluation mode.
        bundles: each with at least 2 appearances.
    """
    sums: list[float] = []
    for number, bundle in enumerate(bundles):
        count = len(bundle.images)
        pair = bundle.images[[number % count, (number + 1) % count]]
        inputs = torch.from_numpy(pair).permute(0, 3, 1, 2)
        features = model.extract_feat(model.data_preprocessor({"inputs": list(inputs)}, False)["inputs"])
        dice = torch.Generator().manual_seed(number)
        found = [float(margin(feature[:1], feature[1:], generator=dice)) for feature in features]
        sums = [old + new for old, new in zip(sums or [0.0] * len(found), found, strict=True)]
    return [total / len(bundles) for total in sums]

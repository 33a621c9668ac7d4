"""Hooks, in mmengine's registry: the live line, the history for the report, and one checkpoint of weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS


@HOOKS.register_module()
class SaveWeights(Hook):
    """Write the network's weights once, when training has ended: `weights.pth`, readable with `weights_only=True`."""

    def after_train(self, runner: Any) -> None:
        """Write the file."""
        torch.save(runner.model.state_dict(), Path(runner.work_dir) / "weights.pth")

"""Cross entropy that lets rare classes speak: weights from the class frequencies seen so far, in mmseg's registry.

In a run of a few minutes plain cross entropy learns road, sky and walls of houses, and nothing else.
"""

from __future__ import annotations

from typing import Any

import torch
from mmengine.dist import all_reduce
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional


def class_weights(pixels: Tensor, power: float, limit: float) -> Tensor:
    """Return `(C,)` weights proportional to frequency^-power, with mean 1 over the labelled pixels.

    Args:
        pixels: `(C,)` counts; a class never seen has weight 1, for no pixel asks for it.
        power: 0 = plain cross entropy, 1 = all classes weigh the same.
        limit: no weight is more than `limit` times another.
    """
    shares = pixels / pixels.sum().clamp_min(1)
    seen = shares > 0
    weights = torch.where(seen, shares.clamp_min(1e-12) ** -power, torch.zeros_like(shares))
    weights = weights.clamp_max(limit * weights[seen].min()) if bool(seen.any()) else weights
    mean = (weights * shares).sum().clamp_min(1e-12)
    return torch.where(seen, weights / mean, torch.ones_like(weights))


@MODELS.register_module()
class BalancedCrossEntropy(nn.Module):
    """Weigh each pixel by its class, divide by all pixels, as DAFormer's cross entropy does."""

    def __init__(
        self,
        num_classes: int = 16,
        power: float = 0.5,
        limit: float = 20.0,
        loss_weight: float = 1.0,
        loss_name: str = "loss_ce",
    ) -> None:
        """Start with no class seen.

        Args:
            num_classes: C.
            power: of the inverse frequency.
            limit: largest ratio of two weights.
            loss_weight: of the whole.
            loss_name: key under which mmseg logs it.
        """
        super().__init__()
        self.power = power
        self.limit = limit
        self.loss_weight = loss_weight
        self._loss_name = loss_name
        self.register_buffer("pixels", torch.zeros(num_classes, dtype=torch.float64))

    @property
    def loss_name(self) -> str:
        """Return the key under which mmseg logs it."""
        return self._loss_name

    @property
    def weights(self) -> Tensor:
        """Return `(C,)` what a pixel of each class weighs by now."""
        return class_weights(self.pixels, self.power, self.limit)

    def forward(self, logits: Tensor, label: Tensor, weight: Any = None, ignore_index: int = 255, **_: Any) -> Tensor:
        """Return the loss, a scalar.

        Args:
            logits: `(N, C, H, W)` float.
            label: `(N, H, W)` int64 classes.
            weight: not used.
            ignore_index: class of the pixels that do not count.
        """
        known = label[label != ignore_index]
        pixels = torch.bincount(known, minlength=len(self.pixels)).to(self.pixels)
        all_reduce(pixels)  # over all ranks, so that they weigh alike, and as one process with their batches would
        self.pixels += pixels
        total = functional.cross_entropy(
            logits, label, self.weights.to(logits), ignore_index=ignore_index, reduction="sum"
        )
        return self.loss_weight * total / label.numel()

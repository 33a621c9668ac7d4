"""Consistency losses as modules of mmseg's registry: each compares two views of the same bundles.

All are called alike, `loss(first, second, label)`, and return a weighted scalar; a network takes any number of them.
With `inside`, a region of the label's pixels, only cells that lie mostly in it count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from harness.losses.cells import IGNORED, cell_classes, mostly_inside
from harness.losses.contrast import pixel_contrast, sample_positions, take
from harness.losses.distances import cosine_distance, js_distance, l2_distance, mmd_distance, normalise
from harness.losses.views import View, check_stages
from protocols.errors import InputError

DISTANCES = ("cosine", "l2", "mmd")


@MODELS.register_module()
class ConsistencyLoss(nn.Module):
    """Average a distance of features over stages."""

    def __init__(
        self,
        distance: str = "cosine",
        loss_weight: float = 0.1,
        stages: Sequence[int] = (1, 2, 3, 4),
        positions: int = 1024,
        normalised: bool = False,
    ) -> None:
        """Choose distance, weight and stages.

        Args:
            distance: cosine, l2 or mmd.
            loss_weight: 0.1 for cosine and 1 for mmd did no harm; far above they do.
            stages: of the backbone, from 1.
            positions: that mmd samples per image; cosine and l2 use all.
            normalised: whether mmd, too, is taken of channel-normalised features, as l2 always is: for encoders whose
                stages do not end in a layer norm.

        Raises:
            InputError: an unknown distance or stage.
        """
        super().__init__()
        if distance not in DISTANCES:
            raise InputError(f"distance: expected one of {', '.join(DISTANCES)}, got {distance!r}")
        self.name = distance
        self.distance = distance
        self.loss_weight = loss_weight
        self.stages = check_stages(stages)
        self.positions = positions
        self.normalised = normalised

    def forward(self, first: View, second: View, label: Tensor, inside: Tensor | None = None) -> Tensor:
        """Return the weighted mean distance, a scalar.

        Args:
            first: one view of B bundles.
            second: another view of the same.
            label: `(B, H, W)` int64; not looked at.
            inside: `(B, H, W)` bool, the region that counts; None for all.
        """
        measure: Callable[..., Tensor] = {
            "cosine": cosine_distance,
            "l2": l2_distance,
            "mmd": partial(mmd_distance, positions=self.positions),
        }[self.distance]
        total = torch.zeros((), device=label.device)
        for stage in self.stages:
            one, two = first.features[stage - 1], second.features[stage - 1]
            if self.normalised:
                one, two = normalise(one), normalise(two)
            total = total + measure(one, two, where=_cells(inside, one))
        return self.loss_weight * total / len(self.stages)


@MODELS.register_module()
class LogitConsistencyLoss(nn.Module):
    """Compare the predicted distributions: the Jensen-Shannon divergence of the logits' softmaxes."""

    name = "js"

    def __init__(self, loss_weight: float = 10.0) -> None:
        """Set the weight.

        Args:
            loss_weight: 10 as in SHADE, whose second appearance is a hallucinated one.
        """
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, first: View, second: View, label: Tensor, inside: Tensor | None = None) -> Tensor:
        """Return the weighted divergence, a scalar; arguments as `ConsistencyLoss`."""
        return self.loss_weight * js_distance(first.logits, second.logits, _cells(inside, first.logits))


@MODELS.register_module()
class PixelContrastLoss(nn.Module):
    """Pull a place to itself under the other appearance, and from places of other classes."""

    name = "contrast"

    def __init__(
        self,
        loss_weight: float = 0.1,
        temperature: float = 0.1,
        stages: Sequence[int] = (1, 2, 3, 4),
        positions: int = 64,
        min_share: float = 0.5,
        num_classes: int = 16,
    ) -> None:
        """Choose weight, temperature and sample.

        Args:
            loss_weight: 0.1.
            temperature: of the softmax over cosines.
            stages: of the backbone, from 1.
            positions: sampled per image and stage.
            min_share: of a feature's cell, that one class must have for the cell to take part.
            num_classes: of the label.

        Raises:
            InputError: an unknown stage.
        """
        super().__init__()
        self.loss_weight = loss_weight
        self.temperature = temperature
        self.stages = check_stages(stages)
        self.positions = positions
        self.min_share = min_share
        self.num_classes = num_classes

    def forward(self, first: View, second: View, label: Tensor, inside: Tensor | None = None) -> Tensor:
        """Return the weighted mean over stages, a scalar; arguments as `ConsistencyLoss`."""
        if inside is not None:
            label = torch.where(inside, label, IGNORED)
        total = torch.zeros((), device=label.device)
        for stage in self.stages:
            one, two = first.features[stage - 1], second.features[stage - 1]
            classes = cell_classes(label, (one.shape[2], one.shape[3]), self.min_share, self.num_classes)
            chosen = sample_positions(classes, self.positions)
            total = total + pixel_contrast(
                take(one, chosen), take(two, chosen), classes.flatten(1).gather(1, chosen), self.temperature
            )
        return self.loss_weight * total / len(self.stages)


def _cells(inside: Tensor | None, values: Tensor) -> Tensor | None:
    """Return `(B, h, w)` bool: which cells of `(B, C, h, w)` values count; None for all."""
    return None if inside is None else mostly_inside(inside, (values.shape[2], values.shape[3]))

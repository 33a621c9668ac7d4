"""Consistency loss: one of the distances, on chosen stages of the backbone, as a module of mmseg's registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from mmseg.registry import MODELS
from torch import Tensor, nn

from harness.losses.distances import cosine_distance, l2_distance, mmd_distance
from protocols.errors import InputError

DISTANCES = ("cosine", "l2", "mmd")


@MODELS.register_module()
class ConsistencyLoss(nn.Module):
    """Average a distance over stages."""

    def __init__(
        self,
        distance: str = "cosine",
        loss_weight: float = 0.1,
        stages: Sequence[int] = (1, 2, 3, 4),
        positions: int = 1024,
    ) -> None:
        """Choose distance, weight and stages.

        Args:
            distance: cosine, l2 or mmd.
            loss_weight: 0.1 for cosine and 1 for mmd did no harm; far above they do.
            stages: of the backbone, from 1.
            positions: that mmd samples per image; cosine and l2 use all.

        Raises:
            InputError: an unknown distance or stage.
        """
        super().__init__()
        if distance not in DISTANCES:
            raise InputError(f"distance: expected one of {', '.join(DISTANCES)}, got {distance!r}")
        if not stages or not all(1 <= stage <= 4 for stage in stages):
            raise InputError(f"stages: expected some of 1, 2, 3, 4, got {tuple(stages)}")
        self.distance = distance
        self.loss_weight = loss_weight
        self.stages = tuple(stages)
        self.positions = positions

    def forward(self, first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
        """Return the weighted mean distance, a scalar.

        Args:
            first: feature maps `(B, C_l, H_l, W_l)` of all stages.
            second: those of the other appearance.
        """
        measure: Callable[[Tensor, Tensor], Tensor] = {
            "cosine": cosine_distance,
            "l2": l2_distance,
            "mmd": partial(mmd_distance, positions=self.positions),
        }[self.distance]
        total = sum(measure(first[stage - 1], second[stage - 1]) for stage in self.stages)
        return self.loss_weight * total / len(self.stages)

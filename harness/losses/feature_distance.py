"""Feature distance of DAFormer: on things, stay near what ImageNet taught (Hoyer et al. 2022, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from harness.losses.cells import cell_classes
from protocols.errors import InputError
from protocols.labels import NAMES_16

THINGS = ("traffic light", "traffic sign", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle")
"""DAFormer's ids 6, 7 and 11 to 18; of these the 16 classes lack bus and train."""


def feature_distance(student: Tensor, target: Tensor, cells: Tensor) -> Tensor:
    """Return the mean over the chosen cells of the distance of two feature maps; 0, with zero gradient, if none is.

    Args:
        student: `(N, C, h, w)` float.
        target: the same shape; no gradient passes to it.
        cells: `(N, h, w)` bool.
    """
    distances = torch.linalg.vector_norm(student - target.detach(), dim=1)
    return torch.where(cells, distances, torch.zeros_like(distances)).sum() / cells.sum().clamp_min(1)


@MODELS.register_module()
class FeatureDistance(nn.Module):
    """Compare the last stage of the network in training with that of the frozen ImageNet encoder."""

    def __init__(
        self,
        loss_weight: float = 0.005,
        classes: Sequence[str] = THINGS,
        min_share: float = 0.75,
        names: Sequence[str] = NAMES_16,
    ) -> None:
        """Choose weight and classes.

        Args:
            loss_weight: 0.005 for MiT and Lite0.
            classes: names of those whose cells count; those that the network does not know are left out.
            min_share: of a cell, that its class must have.
            names: of all classes of the network, in order.

        Raises:
            InputError: no class is known.
        """
        super().__init__()
        self.loss_weight = loss_weight
        self.min_share = min_share
        self.num_classes = len(names)
        chosen = [number for number, name in enumerate(names) if name in classes]
        if not chosen:
            raise InputError(f"classes: expected some of {', '.join(names)}, got {tuple(classes)}")
        self.register_buffer("things", torch.tensor(chosen), persistent=False)

    def forward(self, student: Tensor, target: Tensor, label: Tensor) -> Tensor:
        """Return the weighted distance, a scalar.

        Args:
            student: `(N, C, h, w)` float, last stage.
            target: the same shape, of the frozen encoder.
            label: `(N, H, W)` int64.
        """
        size = (student.shape[2], student.shape[3])
        cells = cell_classes(label, size, self.min_share, self.num_classes)
        return self.loss_weight * feature_distance(student, target, torch.isin(cells, self.things))

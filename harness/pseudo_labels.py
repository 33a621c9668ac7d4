"""Pseudo labels: what the teacher says of target images, how sure it is, and how much that weighs (DAFormer 3.1)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class PseudoLabels(NamedTuple):
    """What a batch of N target images is taken to show.

    Attributes:
        label: `(N, H, W)` int64 classes.
        weight: `(N, H, W)` float: the share of sure pixels, 0 where the image is not to be trusted.
        sure: scalar: pixels of the whole batch whose class has at least the threshold's probability, of all pixels.
    """

    label: Tensor
    weight: Tensor
    sure: Tensor


@torch.no_grad()
def pseudo_labels(logits: Tensor, threshold: float, valid: Tensor | None = None) -> PseudoLabels:
    """Return the likeliest classes, all weighed alike by how much of the whole batch is sure.

    Args:
        logits: `(N, K, H, W)` of the teacher.
        threshold: probability from which a pixel counts as sure; 0.968 in DAFormer.
        valid: `(N, H, W)` bool; pixels outside weigh 0, but have a part in the share of sure ones, as in DAFormer.
    """
    probability, label = logits.float().softmax(dim=1).max(dim=1)
    sure = (probability >= threshold).float().mean()
    weight = sure.expand_as(probability)
    return PseudoLabels(label, weight if valid is None else weight * valid, sure)


def weighted_cross_entropy(
    logits: Tensor, label: Tensor, weight: Tensor, class_weights: Tensor | None = None, ignored: int = 255
) -> Tensor:
    """Return the weighted cross entropy, summed and divided by **all** pixels, ignored and weightless ones too.

    The denominator is a part of the weighting: a batch of which little is sure teaches little.

    Args:
        logits: `(N, K, H, W)`.
        label: `(N, H, W)` int64.
        weight: `(N, H, W)` float.
        class_weights: `(K,)` float, times the pixels' own; None for 1.
        ignored: class of pixels that do not count.
    """
    each = functional.cross_entropy(logits, label, class_weights, ignore_index=ignored, reduction="none")
    return (each * weight).mean()

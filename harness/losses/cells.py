"""Labels and regions on the grid of a feature map: what a cell shows, if it shows it clearly."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

IGNORED = 255


@torch.no_grad()
def class_counts(label: Tensor, size: tuple[int, int], num_classes: int = 16) -> Tensor:
    """Return `(N, num_classes + 1, h, w)` float: pixels of each class in each cell of a grid, the ignored ones last.

    Where the label is no multiple of the grid, cells differ by a pixel in size.

    Args:
        label: `(N, H, W)` integer classes, 255 = ignored.
        size: h, w of the grid, at most H, W.
        num_classes: classes count from 0 to this, exclusive.
    """
    count, height, width = label.shape
    rows = torch.arange(height, device=label.device) * size[0] // height
    columns = torch.arange(width, device=label.device) * size[1] // width
    planes = num_classes + 1
    known = torch.where(label == IGNORED, num_classes, label).long()
    image = torch.arange(count, device=label.device)[:, None, None] * planes
    place = ((image + known) * size[0] + rows[:, None]) * size[1] + columns
    counts = torch.zeros(count * planes * size[0] * size[1], device=label.device)
    counts.scatter_add_(0, place.flatten(), torch.ones((), device=label.device).expand(place.numel()))
    return counts.view(count, planes, *size)


def clear_classes(counts: Tensor, min_share: float) -> Tensor:
    """Return `(N, h, w)` int64: the class with the largest share of each cell, 255 where that share is too small.

    Args:
        counts: as `class_counts` gives them; ignored pixels count like a class of their own.
        min_share: smallest share of a cell that counts as clear.
    """
    most, winner = counts.max(dim=1)
    clear = (most >= min_share * counts.sum(dim=1)) & (winner < counts.shape[1] - 1)
    return torch.where(clear, winner, IGNORED)


def cell_classes(label: Tensor, size: tuple[int, int], min_share: float = 0.75, num_classes: int = 16) -> Tensor:
    """Return `(N, h, w)` int64: the class of each cell of a grid, 255 where none is clear.

    Args:
        label: `(N, H, W)` integer classes, 255 = ignored.
        size: h, w of the grid.
        min_share: smallest share of a cell that counts as clear; 0.75 in DAFormer's feature distance.
        num_classes: classes count from 0 to this, exclusive.
    """
    return clear_classes(class_counts(label, size, num_classes), min_share)


@torch.no_grad()
def mostly_inside(inside: Tensor, size: tuple[int, int]) -> Tensor:
    """Return `(N, h, w)` bool: the cells of a grid of which at least half lies inside a region.

    Args:
        inside: `(N, H, W)` bool.
        size: h, w of the grid.
    """
    shares = functional.interpolate(inside[:, None].float(), size, mode="area")
    return shares[:, 0] >= 0.5


def mean_where(values: Tensor, where: Tensor | None) -> Tensor:
    """Return the mean of `(N, h, w)` values, over all positions or those of a region; 0 where it has none.

    Args:
        values: one a position.
        where: `(N, h, w)` bool; None for all.
    """
    if where is None:
        return values.mean()
    return torch.where(where, values, torch.zeros_like(values)).sum() / where.sum().clamp_min(1)

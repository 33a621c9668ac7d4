"""Class-aware pixel contrast: what only a mask shared by all appearances makes exact, as a pure function.

An anchor is a position under one appearance, its positive the same position under the other; negatives are positions
that the mask says are of other classes. So no two places of the same class are ever pushed apart.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from harness.losses.cells import IGNORED


def pixel_contrast(first: Tensor, second: Tensor, classes: Tensor, temperature: float = 0.1) -> Tensor:
    """Return the mean InfoNCE over the anchors of both appearances; 0 where there is no anchor.

    For an anchor i of class c: -log(e_ii / (e_ii + sum over j of another class of e_ij)), e_ij = exp(cos(i, j) / T),
    j from the other appearance, from all images. An anchor is a position of a known class with at least one negative.

    Args:
        first: `(N, P, C)` float features at P positions of N images.
        second: the same shape, the same positions under another appearance.
        classes: `(N, P)` int64, 255 = no anchor and no negative.
        temperature: T.
    """
    one, two = (functional.normalize(side.flatten(0, 1), dim=1) for side in (first, second))
    flat = classes.flatten()
    known = flat != IGNORED
    negative = known[:, None] & known[None, :] & (flat[:, None] != flat[None, :])
    anchor = negative.any(dim=1)
    cosines = one @ two.T / temperature
    allowed = negative | torch.eye(len(flat), dtype=torch.bool, device=flat.device)
    masked = cosines.masked_fill(~allowed, float("-inf"))
    own = cosines.diagonal()
    both = (masked.logsumexp(dim=1) - own) + (masked.logsumexp(dim=0) - own)
    return (both * anchor).sum() / (2 * anchor.sum()).clamp_min(1)


def sample_positions(classes: Tensor, count: int, generator: torch.Generator | None = None) -> Tensor:
    """Return `(N, P)` int64 positions of each image without repetition, known ones first; P = count or all there are.

    Args:
        classes: `(N, h, w)` int64, 255 = unknown.
        count: positions wanted of each image.
        generator: of the draw.
    """
    flat = classes.flatten(1)
    lots = torch.rand(flat.shape, generator=generator, device=generator.device if generator else flat.device)
    return (lots.to(flat.device) + (flat != IGNORED)).topk(min(count, flat.shape[1]), dim=1).indices


def take(features: Tensor, positions: Tensor) -> Tensor:
    """Return `(N, P, C)` the features `(N, C, h, w)` at positions `(N, P)`."""
    wanted = positions[:, None, :].expand(-1, features.shape[1], -1)
    return features.flatten(2).gather(2, wanted).transpose(1, 2)

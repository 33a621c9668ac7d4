"""Distances between two appearances' features or logits, as pure functions: zero, with zero gradient, where equal.

Each can be taken over a region of the positions alone; a region without a position gives 0.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from harness.losses.cells import mean_where
from harness.losses.kernels import discrepancy

EPSILON = 1e-8
MEDIAN_OF = 256


def cosine_distance(first: Tensor, second: Tensor, where: Tensor | None = None) -> Tensor:
    """Return the mean over positions of 1 - cos, blind to the length of each feature.

    Args:
        first: `(N, C, H, W)` float.
        second: the same shape; position by position the same thing under another appearance.
        where: `(N, H, W)` bool, the positions that count; None for all.
    """
    return mean_where(1 - functional.cosine_similarity(first, second, dim=1, eps=EPSILON), where)


def l2_distance(first: Tensor, second: Tensor, where: Tensor | None = None) -> Tensor:
    """Return the mean over positions and channels of the squared difference of channel-normalised features.

    Each position is brought to zero mean and unit variance over its channels first, as a layer norm does: on raw
    features this loss did harm at any weight.

    Args:
        first: `(N, C, H, W)` float.
        second: the same shape.
        where: `(N, H, W)` bool, the positions that count; None for all.
    """
    return mean_where((normalise(first) - normalise(second)).square().mean(dim=1), where)


def normalise(features: Tensor) -> Tensor:
    """Bring each position of `(N, C, H, W)` features to zero mean and unit variance over the channels."""
    centred = features - features.mean(dim=1, keepdim=True)
    return centred * (centred.square().mean(dim=1, keepdim=True) + 1e-5).rsqrt()


def mmd_distance(
    first: Tensor,
    second: Tensor,
    positions: int = 1024,
    generator: torch.Generator | None = None,
    where: Tensor | None = None,
) -> Tensor:
    """Return the unbiased squared maximum mean discrepancy, averaged over images; where things stand plays no part.

    The kernel is a sum of Gaussians whose bandwidths are multiples of the median distance of the joint sample, which
    is taken per image and passes no gradient. The estimate may be slightly negative.

    Args:
        first: `(N, C, H, W)` float.
        second: the same shape.
        positions: sampled at most, the same ones in both; at least 2 must exist.
        generator: for the sample.
        where: `(N, H, W)` bool, the positions that count; None for all. An image with less than 2 gives 0.
    """
    if where is not None:
        return _mmd_inside(first, second, positions, generator, where)
    one, two = (features.flatten(2).transpose(1, 2) for features in (first, second))  # (N, P, C)
    count = one.shape[1]
    if count < 2:
        raise ValueError(f"mmd: expected at least 2 positions, got {count}")
    if count > positions:
        chosen = torch.randperm(count, generator=generator)[:positions].to(one.device)
        one, two = one[:, chosen], two[:, chosen]
    return discrepancy(one, two, median_square(torch.cat([one, two], dim=1))).mean()


def _mmd_inside(
    first: Tensor, second: Tensor, positions: int, generator: torch.Generator | None, where: Tensor
) -> Tensor:
    """Return the mean over images of the discrepancy inside each one's region, whose sizes differ."""
    total = 0.0 * first.sum()
    for one, two, inside in zip(first, second, where, strict=True):
        if inside.sum() >= 2:
            pair = (side[:, inside][None, :, :, None] for side in (one, two))  # (1, C, P, 1)
            total = total + mmd_distance(*pair, positions=positions, generator=generator)
    return total / len(first)


@torch.no_grad()
def median_square(joint: Tensor) -> Tensor:
    """Return `(N,)` the median of the squared distances between samples, of about 256 of them.

    Args:
        joint: `(N, P, C)` float.
    """
    few = joint[:, :: max(1, joint.shape[1] // MEDIAN_OF)]
    products = few @ few.transpose(1, 2)
    lengths = products.diagonal(dim1=1, dim2=2)
    squares = (lengths[:, :, None] + lengths[:, None, :] - 2 * products).clamp_min(0)
    pairs = torch.triu_indices(few.shape[1], few.shape[1], offset=1, device=joint.device)
    return squares[:, pairs[0], pairs[1]].median(dim=1).values.clamp_min(EPSILON)


def js_distance(first: Tensor, second: Tensor, where: Tensor | None = None) -> Tensor:
    """Return the mean over positions of the Jensen-Shannon divergence of two softmaxes, in nats: 0 to log 2.

    Args:
        first: `(N, K, H, W)` logits.
        second: the same shape.
        where: `(N, H, W)` bool, the positions that count; None for all.
    """
    one, two = functional.log_softmax(first, dim=1), functional.log_softmax(second, dim=1)
    middle = torch.logaddexp(one, two) - torch.log(torch.tensor(2.0, dtype=one.dtype, device=one.device))
    both = one.exp() * (one - middle) + two.exp() * (two - middle)
    return mean_where(both.sum(dim=1), where) / 2

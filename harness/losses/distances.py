"""Distances between two aligned feature maps, as pure functions: zero, with zero gradient, where both are equal."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-8
BANDWIDTHS = (4.0, 2.0, 1.0, 0.5, 0.25)
MEDIAN_OF = 256


def cosine_distance(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean over positions of 1 - cos, blind to the length of each feature.

    Args:
        first: `(N, C, H, W)` float.
        second: the same shape; position by position the same thing under another appearance.
    """
    return (1 - functional.cosine_similarity(first, second, dim=1, eps=EPSILON)).mean()


def l2_distance(first: Tensor, second: Tensor) -> Tensor:
    """Return the mean over positions and channels of the squared difference of channel-normalised features.

    Each position is brought to zero mean and unit variance over its channels first, as a layer norm does: on raw
    features this loss did harm at any weight.

    Args:
        first: `(N, C, H, W)` float.
        second: the same shape.
    """
    return (normalise(first) - normalise(second)).square().mean()


def normalise(features: Tensor) -> Tensor:
    """Bring each position of `(N, C, H, W)` features to zero mean and unit variance over the channels."""
    centred = features - features.mean(dim=1, keepdim=True)
    return centred * (centred.square().mean(dim=1, keepdim=True) + 1e-5).rsqrt()


def mmd_distance(
    first: Tensor, second: Tensor, positions: int = 1024, generator: torch.Generator | None = None
) -> Tensor:
    """Return the unbiased squared maximum mean discrepancy, averaged over images; where things stand plays no part.

    The kernel is a sum of Gaussians whose bandwidths are multiples of the median distance of the joint sample, which
    is taken per image and passes no gradient. The estimate may be slightly negative.

    Args:
        first: `(N, C, H, W)` float.
        second: the same shape.
        positions: sampled at most, the same ones in both; at least 2 must exist.
        generator: for the sample.
    """
    one, two = (features.flatten(2).transpose(1, 2) for features in (first, second))  # (N, P, C)
    count = one.shape[1]
    if count < 2:
        raise ValueError(f"mmd: expected at least 2 positions, got {count}")
    if count > positions:
        chosen = torch.randperm(count, generator=generator)[:positions].to(one.device)
        one, two, count = one[:, chosen], two[:, chosen], positions
    joint = torch.cat([one, two], dim=1)
    products = joint @ joint.transpose(1, 2)
    lengths = products.diagonal(dim1=1, dim2=2)
    squares = (lengths[:, :, None] + lengths[:, None, :] - 2 * products).clamp_min(0)
    with torch.no_grad():
        few = squares[:, :: max(1, 2 * count // MEDIAN_OF), :: max(1, 2 * count // MEDIAN_OF)]
        pairs = torch.triu_indices(few.shape[1], few.shape[2], offset=1, device=one.device)
        scale = few[:, pairs[0], pairs[1]].median(dim=1).values.clamp_min(EPSILON)[:, None, None]
    # bandwidths multiply the median distance, so their squares multiply its square; each is half of the one before,
    # so its kernel is the fourth power, and one exponential serves for all
    power = torch.exp(-squares / (2 * BANDWIDTHS[0] ** 2 * scale))
    kernel = power
    for _ in BANDWIDTHS[1:]:
        power = power.square().square()
        kernel = kernel + power
    within_one, within_two = kernel[:, :count, :count], kernel[:, count:, count:]
    across = kernel[:, :count, count:]
    off = count * (count - 1)
    trace = [block.diagonal(dim1=1, dim2=2).sum(-1) for block in (within_one, within_two, across)]
    total = [block.sum((1, 2)) for block in (within_one, within_two, across)]
    # the paired diagonal is left out across as well: the samples are paired, and equal inputs then give just zero
    return ((total[0] - trace[0] + total[1] - trace[1] - 2 * (total[2] - trace[2])) / off).mean()

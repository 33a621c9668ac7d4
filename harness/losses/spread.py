"""Spread and effective rank of features: both fall when a consistency loss collapses them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


@torch.no_grad()
def directions(features: Tensor, positions: int = 256, generator: torch.Generator | None = None) -> Tensor:
    """Return `(P, C)` unit vectors: features at positions drawn, with repetition, from all images.

    Args:
        features: `(N, C, H, W)`.
        positions: P.
        generator: for the positions, on the CPU.
    """
    flat = features.transpose(0, 1).flatten(1)  # (C, N * H * W)
    chosen = torch.randint(flat.shape[1], (positions,), generator=generator).to(flat.device)
    return functional.normalize(flat[:, chosen].T.float(), dim=1)


@torch.no_grad()
def spread(units: Tensor) -> Tensor:
    """Return the root mean square distance of unit vectors from their mean: 0 where all are one, near 1 where none is.

    Args:
        units: `(P, C)`.
    """
    return (units - units.mean(dim=0)).square().sum(dim=1).mean().sqrt()


@torch.no_grad()
def effective_rank(units: Tensor) -> Tensor:
    """Return in how many directions vectors vary: the participation ratio (sum of l)^2 / sum of l^2, 1 to min(P, C).

    The l are the eigenvalues of their covariance; two traces of the Gram matrix give both sums, so none is solved for.

    Args:
        units: `(P, C)`.
    """
    centred = units - units.mean(dim=0)
    gram = centred @ centred.T
    return gram.diagonal().sum().square() / gram.square().sum().clamp_min(1e-20)

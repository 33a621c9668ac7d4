"""Margin: how much nearer a place is to itself under another appearance than to any other place of its image.

The alarm of every consistency loss: a collapsed network has a high pair cosine and no margin.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


@torch.no_grad()
def margin(first: Tensor, second: Tensor, positions: int = 256, generator: torch.Generator | None = None) -> Tensor:
    """Return the mean cosine of pairs minus the mean cosine of random positions of the same image.

    Args:
        first: `(N, C, H, W)` float.
        second: the same shape, another appearance.
        positions: random pairs of different positions per image.
        generator: for the positions.

    Returns:
        A scalar, at most 2; not a loss, without gradient.
    """
    pair = functional.cosine_similarity(first, second, dim=1).mean()
    flat = first.flatten(2)
    count = flat.shape[2]
    here = torch.randint(count, (positions,), generator=generator)
    there = (here + torch.randint(1, max(count, 2), (positions,), generator=generator)) % count
    other = functional.cosine_similarity(flat[:, :, here.to(flat.device)], flat[:, :, there.to(flat.device)], dim=1)
    return pair - other.mean()

"""A view: what the network makes of one appearance of each bundle of a batch; losses compare two of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from protocols.errors import InputError


class View(NamedTuple):
    """One appearance of B bundles.

    Attributes:
        features: of each stage `(B, C_l, H_l, W_l)`, finest first.
        logits: `(B, K, H_1, W_1)`.
    """

    features: Sequence[Tensor]
    logits: Tensor


def clear_first(first: View, second: View, swap: Tensor) -> tuple[View, View]:
    """Return two views of which the first holds the clearer appearance of each bundle, cut off from the gradient.

    Args:
        first: one view.
        second: the other.
        swap: `(B,)` bool, where the second is the clearer one.
    """

    def choose(one: Tensor, two: Tensor) -> Tensor:
        return torch.where(swap[:, None, None, None], two, one)

    pairs = list(zip(first.features, second.features, strict=True))
    clear = View([choose(one, two).detach() for one, two in pairs], choose(first.logits, second.logits).detach())
    other = View([choose(two, one) for one, two in pairs], choose(second.logits, first.logits))
    return clear, other


def check_stages(stages: Sequence[int]) -> tuple[int, ...]:
    """Return the stages of a loss.

    Raises:
        InputError: none, or one that backbones do not have.
    """
    if not stages or not all(1 <= stage <= 4 for stage in stages):
        raise InputError(f"stages: expected some of 1, 2, 3, 4, got {tuple(stages)}")
    return tuple(stages)

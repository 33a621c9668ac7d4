"""Sums of Gaussian kernels between two samples, with the gradient in closed form: no matrix is kept but one a block."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

BANDWIDTHS = (4.0, 2.0, 1.0, 0.5, 0.25)
"""Multiples of the median distance, each half of the one before."""


def discrepancy(first: Tensor, second: Tensor, median: Tensor) -> Tensor:
    """Return `(N,)` the unbiased squared maximum mean discrepancy of each pair of samples.

    The paired diagonal is left out across the samples as well: they are paired, and equal ones then give just zero.

    Args:
        first: `(N, P, C)` float, P at least 2.
        second: the same shape.
        median: `(N,)` squared distance that the bandwidths' squares multiply.
    """
    found: Tensor = _Discrepancy.apply(first, second, median)
    return found


class _Discrepancy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, first: Tensor, second: Tensor, median: Tensor) -> Tensor:
        ctx.save_for_backward(first, second, *_slopes(first, second, median, ctx))
        return ctx.value

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return 4 * sum over j of slope(i, j) * (z_i - z_j), the slopes across the samples being negative."""
        first, second, one, two, across = ctx.saved_tensors
        to_first = (one.sum(2) - across.sum(2))[:, :, None] * first - one @ first + across @ second
        to_second = (two.sum(2) - across.sum(1))[:, :, None] * second - two @ second + across.transpose(1, 2) @ first
        share = (4 * gradient / (first.shape[1] * (first.shape[1] - 1)))[:, None, None]
        return to_first * share, to_second * share, None


def _slopes(first: Tensor, second: Tensor, median: Tensor, ctx: Any) -> list[Tensor]:
    """Return the derivative of the kernel by the squared distance, within both samples and across; note the value."""
    count = first.shape[1]
    slopes, value = [], torch.zeros_like(median)
    lengths = first.square().sum(2), second.square().sum(2)
    blocks = ((first, first, 0, 0, 1), (second, second, 1, 1, 1), (first, second, 0, 1, -2))
    for rows, columns, of_rows, of_columns, sign in blocks:
        squares = torch.baddbmm(lengths[of_rows][:, :, None], rows, columns.transpose(1, 2), alpha=-2)
        squares += lengths[of_columns][:, None, :]
        total, slope = _kernel(squares.clamp_min_(0), median)
        value += sign * total
        slopes.append(slope)
    ctx.value = value / (count * (count - 1))
    return slopes


def _kernel(squares: Tensor, median: Tensor) -> tuple[Tensor, Tensor]:
    """Return `(N,)` the kernel's sum off the diagonal, and its slope, zero on the diagonal; `squares` is used up.

    The bandwidths halve, so each kernel is the fourth power of the one before: one exponential serves for all.
    """
    power = squares.mul_((-0.5 / BANDWIDTHS[0] ** 2 / median)[:, None, None]).exp_()
    power.diagonal(dim1=1, dim2=2).zero_()
    total, slope = power.sum((1, 2)), power * (1 / BANDWIDTHS[0] ** 2)
    for width in BANDWIDTHS[1:]:
        power.square_().square_()
        total = total + power.sum((1, 2))
        slope.add_(power, alpha=1 / width**2)
    return total, slope.mul_((-0.5 / median)[:, None, None])

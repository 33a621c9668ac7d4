"""Distances against independent implementations in numpy loops, and at their fixed points."""

import numpy as np
import pytest
import torch

from harness.losses import cosine_distance, l2_distance, margin, mmd_distance

SHAPE = (2, 5, 3, 4)
DISTANCES = [cosine_distance, l2_distance, mmd_distance]


def pair(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(SHAPE, generator=generator, dtype=torch.float64) for _ in range(2)]


def positions(tensor):
    """Return `(N, P, C)` numpy features."""
    return tensor.numpy().transpose(0, 2, 3, 1).reshape(SHAPE[0], -1, SHAPE[1])


def cosine_by_loop(one, two):
    values = [
        1 - np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))
        for image_a, image_b in zip(positions(one), positions(two), strict=True)
        for a, b in zip(image_a, image_b, strict=True)
    ]
    return np.mean(values)


def l2_by_loop(one, two):
    def norm(a):
        return (a - a.mean()) / np.sqrt(a.var() + 1e-5)

    values = [
        np.mean((norm(a) - norm(b)) ** 2)
        for image_a, image_b in zip(positions(one), positions(two), strict=True)
        for a, b in zip(image_a, image_b, strict=True)
    ]
    return np.mean(values)


def mmd_by_loop(one, two):
    def kernel(a, b, median):
        return sum(np.exp(-np.sum((a - b) ** 2) / (2 * width**2 * median)) for width in (0.25, 0.5, 1, 2, 4))

    results = []
    for xs, ys in zip(positions(one), positions(two), strict=True):
        joint = np.concatenate([xs, ys])
        squares = sorted(np.sum((a - b) ** 2) for i, a in enumerate(joint) for b in joint[i + 1 :])
        median = squares[(len(squares) - 1) // 2]  # torch's median is the lower one
        n, total = len(xs), 0.0
        for i in range(n):
            for j in range(n):
                if i != j:
                    total += kernel(xs[i], xs[j], median) + kernel(ys[i], ys[j], median)
                    total -= 2 * kernel(xs[i], ys[j], median)
        results.append(total / (n * (n - 1)))
    return np.mean(results)


@pytest.mark.parametrize(
    ("distance", "by_loop"),
    [(cosine_distance, cosine_by_loop), (l2_distance, l2_by_loop), (mmd_distance, mmd_by_loop)],
)
def test_equals_a_loop_over_positions(distance, by_loop):
    one, two = pair()
    assert float(distance(one, two)) == pytest.approx(by_loop(one, two), rel=1e-6)


@pytest.mark.parametrize("distance", DISTANCES)
def test_equal_inputs_have_no_distance_and_no_gradient(distance):
    one = pair()[0].requires_grad_()
    two = one.detach().clone().requires_grad_()
    value = distance(one, two)
    value.backward()
    assert float(value) == pytest.approx(0, abs=1e-12)
    assert float(one.grad.abs().max()) < 1e-9
    assert float(two.grad.abs().max()) < 1e-9


@pytest.mark.parametrize("distance", DISTANCES)
def test_same_either_way_and_positive_for_other_inputs(distance):
    one, two = pair()
    assert float(distance(one, two + 3)) > 0
    assert float(distance(one, two)) == pytest.approx(float(distance(two, one)))


def test_cosine_is_blind_to_length_and_l2_to_gain_and_shift():
    one, two = pair()
    assert float(cosine_distance(one * 7, two)) == pytest.approx(float(cosine_distance(one, two)))
    assert float(l2_distance(one * 7 + 2, two)) == pytest.approx(float(l2_distance(one, two)), rel=1e-3)


def test_mmd_ignores_where_things_stand():
    one, two = pair()
    shuffled = two.flatten(2)[:, :, torch.randperm(12, generator=torch.Generator().manual_seed(1))].reshape(SHAPE)
    # the paired diagonal is left out, so only the estimate changes, not what is estimated
    assert float(mmd_distance(one, shuffled)) == pytest.approx(float(mmd_distance(one, two)), abs=0.5)
    assert float(cosine_distance(one, one.flatten(2).flip(2).reshape(SHAPE))) > 0.1


def test_mmd_samples_positions():
    one, two = (torch.randn(1, 4, 40, 40) for _ in range(2))
    assert torch.isfinite(mmd_distance(one, two, positions=64))
    with pytest.raises(ValueError, match="at least 2"):
        mmd_distance(one[..., :1, :1], two[..., :1, :1])


@pytest.mark.parametrize("distance", DISTANCES)
def test_constant_features_give_no_nan(distance):
    one = torch.zeros(SHAPE, requires_grad=True)
    value = distance(one, torch.zeros(SHAPE))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(one.grad).all()


def test_margin_is_high_for_distinct_places_and_zero_when_collapsed():
    one = torch.randn(2, 64, 8, 8)
    assert float(margin(one, one)) > 0.8
    collapsed = torch.ones(2, 64, 8, 8) + 0.001 * one
    assert abs(float(margin(collapsed, collapsed))) < 0.01
    assert not margin(one.requires_grad_(), one).requires_grad

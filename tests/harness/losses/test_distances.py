"""Distances against independent implementations in numpy loops, and at their fixed points."""

import numpy as np
import pytest
import torch

from harness.losses import cosine_distance, js_distance, l2_distance, margin, mmd_distance
from harness.losses.spread import directions, effective_rank, spread

SHAPE = (2, 5, 3, 4)
DISTANCES = [cosine_distance, l2_distance, mmd_distance, js_distance]


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


def js_by_loop(one, two):
    values = []
    for a, b in zip(positions(one).reshape(-1, SHAPE[1]), positions(two).reshape(-1, SHAPE[1]), strict=True):
        p, q = (np.exp(x) / np.exp(x).sum() for x in (a, b))
        values.append((p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum() / 2)
    return np.mean(values)


@pytest.mark.parametrize(
    ("distance", "by_loop"),
    [
        *((cosine_distance, cosine_by_loop), (l2_distance, l2_by_loop)),
        *((mmd_distance, mmd_by_loop), (js_distance, js_by_loop)),
    ],
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
    assert float(value.detach()) == pytest.approx(0, abs=1e-12)
    assert float(one.grad.abs().max()) < 1e-9
    assert float(two.grad.abs().max()) < 1e-9


@pytest.mark.parametrize("distance", DISTANCES)
def test_same_either_way_and_positive_for_other_inputs(distance):
    one, two = pair()
    assert float(distance(one, two.flip(1) * 2 + 3)) > 0
    assert float(distance(one, two)) == pytest.approx(float(distance(two, one)))


def test_cosine_is_blind_to_length_and_l2_to_gain_and_shift():
    one, two = pair()
    assert float(cosine_distance(one * 7, two)) == pytest.approx(float(cosine_distance(one, two)))
    assert float(l2_distance(one * 7 + 2, two)) == pytest.approx(float(l2_distance(one, two)), rel=1e-3)


def test_mmd_ignores_where_things_stand():
    one, two = pair()
    shuffled = two.flatten(2)[:, :, torch.randperm(12, generator=torch.Generator().manual_seed(1))].reshape(SHAPE)
    # the paired diagonal is left out, so only the estimate changes, and little beside what another sample changes
    before, after, other = (float(mmd_distance(one, each)) for each in (two, shuffled, two + 1))
    assert 0 < abs(after - before) < 0.1 * abs(other - before)
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


def test_gradients_of_mmd_are_those_of_differences():
    """They are written out by hand; the median passes none, so it is held still."""
    from harness.losses.kernels import discrepancy

    dice = torch.Generator().manual_seed(4)
    one, two = (torch.randn(2, 6, 3, generator=dice, dtype=torch.float64, requires_grad=True) for _ in range(2))
    median = torch.tensor([2.0, 5.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a, b: discrepancy(a, b, median), (one, two))


def test_mmd_of_many_positions_takes_a_median_near_the_whole_ones():
    from harness.losses.distances import median_square

    joint = torch.randn(1, 2048, 6, generator=torch.Generator().manual_seed(5))
    whole = torch.pdist(joint[0]).square().median()
    assert float(median_square(joint)[0]) == pytest.approx(float(whole), rel=0.05)


def test_js_is_at_most_log_two():
    one, two = torch.full((1, 2, 1, 1), -200.0), torch.full((1, 2, 1, 1), -200.0)
    one[0, 0], two[0, 1] = 200.0, 200.0
    assert float(js_distance(one, two)) == pytest.approx(np.log(2))


def test_margin_by_hand():
    """Two images of two places each: pairs at cosine 1 and 0, the two places of an image at cosine 0 and 1."""
    first = torch.tensor([[[[1.0, 0.0]], [[0.0, 1.0]]], [[[1.0, 1.0]], [[0.0, 0.0]]]])  # (2, 2, 1, 2)
    second = first.clone()
    second[1] = torch.tensor([[[0.0, 0.0]], [[1.0, 1.0]]])
    assert float(margin(first, second)) == pytest.approx((1 + 0) / 2 - (0 + 1) / 2)


def test_spread_and_rank_by_eigenvalues():
    dice = np.random.default_rng(6)
    units = dice.normal(size=(50, 8)) * [3, 2, 1, 1, 0.5, 0.1, 0.1, 0.1]
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(np.cov(units.T, bias=True))
    assert float(spread(torch.from_numpy(units))) == pytest.approx(np.sqrt(values.sum()))
    assert float(effective_rank(torch.from_numpy(units))) == pytest.approx(values.sum() ** 2 / (values**2).sum())


def test_spread_and_rank_fall_when_features_collapse():
    healthy = torch.randn(2, 32, 16, 16, generator=torch.Generator().manual_seed(7))
    line = torch.randn(1, 32, 1, 1) * torch.randn(2, 1, 16, 16)
    point = torch.ones(2, 32, 16, 16) + 0.001 * healthy
    found = {name: directions(each) for name, each in (("healthy", healthy), ("line", line), ("point", point))}
    assert float(spread(found["healthy"])) > 0.9 > 0.1 > float(spread(found["point"]))
    assert float(effective_rank(found["healthy"])) > 20 > 1.1 > float(effective_rank(found["line"]))

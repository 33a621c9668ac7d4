"""Balanced cross entropy: weights as worked by hand, and the limit of plain cross entropy."""

import pytest
import torch
from torch.nn import functional

from harness.losses import BalancedCrossEntropy
from harness.losses.balanced import class_weights


def test_weights_by_hand():
    pixels = torch.tensor([90.0, 9.0, 1.0, 0.0])
    found = class_weights(pixels, power=1.0, limit=1e9)
    assert found.tolist() == pytest.approx([1 / 2.7, 1 / 0.27, 1 / 0.03, 1.0])  # 1 / (f * 3 classes)
    limited = class_weights(pixels, power=1.0, limit=5.0)
    assert float(limited[2] / limited[0]) == pytest.approx(5.0)
    assert float((limited * pixels).sum() / pixels.sum()) == pytest.approx(1.0)


def test_power_zero_is_plain_cross_entropy_over_all_pixels():
    logits, label = torch.randn(2, 4, 5, 6), torch.randint(0, 4, (2, 5, 6))
    label[0, 0] = 255
    expected = functional.cross_entropy(logits, label, ignore_index=255, reduction="sum") / label.numel()
    assert float(BalancedCrossEntropy(4, power=0.0)(logits, label)) == pytest.approx(float(expected), rel=1e-5)


def test_frequencies_are_those_seen_so_far():
    loss = BalancedCrossEntropy(3)
    label = torch.zeros(1, 2, 5, dtype=torch.int64)
    label[0, 0, 0] = 255
    for _ in range(3):
        assert torch.isfinite(loss(torch.randn(1, 3, 2, 5), label))
    assert loss.pixels.tolist() == [27, 0, 0]
    assert "pixels" in loss.state_dict()


def test_labels_all_ignored_give_zero():
    value = BalancedCrossEntropy(3)(torch.randn(1, 3, 2, 2), torch.full((1, 2, 2), 255))
    assert float(value) == 0

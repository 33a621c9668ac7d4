"""Pseudo labels and their weights, against numbers worked out by hand and mmseg's own cross entropy."""

import pytest
import torch
from mmseg.models.losses import CrossEntropyLoss

from harness.pseudo_labels import pseudo_labels, weighted_cross_entropy


def logits_of(*probabilities):
    """Return `(1, 2, 1, P)` logits whose first class has the given probabilities."""
    first = torch.tensor(probabilities, dtype=torch.float64)
    return torch.stack([first, 1 - first]).log()[None, :, None, :]


def test_share_of_sure_pixels_is_that_of_the_whole_batch():
    """3 of 4 pixels of one image, 0 of 4 of the other: 3/8 for both."""
    logits = torch.cat([logits_of(0.97, 0.01, 0.968, 0.9), logits_of(0.5, 0.6, 0.7, 0.9)])
    found = pseudo_labels(logits, 0.968 - 1e-9)
    assert float(found.sure) == 3 / 8
    assert torch.equal(found.weight, torch.full((2, 1, 4), 3 / 8))
    assert found.label[0].tolist() == [[0, 1, 0, 0]]
    assert float(pseudo_labels(logits, 0.9689).sure) == 2 / 8


def test_what_is_not_to_be_trusted_weighs_nothing_and_still_counts():
    logits = torch.cat([logits_of(0.99, 0.99, 0.5, 0.5), logits_of(0.5, 0.5, 0.5, 0.5)])
    valid = torch.tensor([[[False, True, True, False]], [[True, True, True, True]]])
    found = pseudo_labels(logits, 0.968, valid)
    assert float(found.sure) == 2 / 8
    assert found.weight.tolist() == [[[0, 0.25, 0.25, 0]], [[0.25] * 4]]


def test_weighted_cross_entropy_as_mmseg_has_it():
    dice = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 6, 7, generator=dice)
    label = torch.randint(0, 5, (2, 6, 7), generator=dice)
    label[:, :2] = 255
    weight = torch.rand(2, 6, 7, generator=dice)
    weight[:, 3] = 0
    theirs = CrossEntropyLoss()(logits, label, weight=weight, ignore_index=255)
    assert float(weighted_cross_entropy(logits, label, weight)) == pytest.approx(float(theirs), rel=1e-6)
    total = 0.0
    for n, row, column in torch.cartesian_prod(torch.arange(2), torch.arange(6), torch.arange(7)).tolist():
        if label[n, row, column] != 255:
            scores = logits[n, :, row, column].double()
            total += float(weight[n, row, column] * (scores.logsumexp(0) - scores[label[n, row, column]]))
    assert float(weighted_cross_entropy(logits, label, weight)) == pytest.approx(total / (2 * 6 * 7), rel=1e-6)


def test_classes_weigh_times_their_pixels():
    dice = torch.Generator().manual_seed(0)
    logits, label = torch.randn(2, 3, 4, 5, generator=dice), torch.randint(0, 3, (2, 4, 5), generator=dice)
    weight, classes = torch.rand(2, 4, 5, generator=dice), torch.tensor([0.5, 1.0, 3.0])
    found = weighted_cross_entropy(logits, label, weight, classes)
    assert float(found) == pytest.approx(
        float(weighted_cross_entropy(logits, label, weight * classes[label])), rel=1e-6
    )
    assert float(found) != pytest.approx(float(weighted_cross_entropy(logits, label, weight)), rel=1e-2)

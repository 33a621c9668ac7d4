"""Class-aware contrast against a loop over anchors, at its fixed points, and its sample of positions."""

import numpy as np
import pytest
import torch

from harness.losses import PixelContrastLoss, View, pixel_contrast
from harness.losses.contrast import sample_positions, take


def by_loop(first, second, classes, temperature):
    """InfoNCE of each anchor of both sides, one at a time."""
    flat = classes.reshape(-1)
    values = []
    for here, there in ((first, second), (second, first)):
        here, there = (side.reshape(-1, side.shape[-1]) for side in (here, there))
        for i, own in enumerate(flat):
            if own == 255:
                continue

            def likeness(j, i=i, here=here, there=there):
                cosine = here[i] @ there[j] / np.linalg.norm(here[i]) / np.linalg.norm(there[j])
                return np.exp(cosine / temperature)

            others = [likeness(j) for j, other in enumerate(flat) if other not in (own, 255)]
            if others:
                values.append(-np.log(likeness(i) / (likeness(i) + sum(others))))
    return np.mean(values) if values else 0.0


def drawn(seed=0, classes=3):
    dice = np.random.default_rng(seed)
    first, second = dice.normal(size=(2, 2, 7, 5))
    label = dice.integers(0, classes, (2, 7))
    label[0, :2] = 255
    return first, second, label


@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_equals_a_loop_over_anchors(seed, temperature):
    first, second, label = drawn(seed)
    found = pixel_contrast(*(torch.from_numpy(each) for each in (first, second, label)), temperature)
    assert float(found) == pytest.approx(by_loop(first, second, label, temperature), rel=1e-9)


def test_gradient_is_that_of_differences():
    first, second, label = (torch.from_numpy(each) for each in drawn())
    first.requires_grad_()
    second.requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: pixel_contrast(a, b, label, 0.3), (first, second))


@pytest.mark.parametrize("label", [np.full((2, 7), 255), np.full((2, 7), 4), np.r_[np.full(13, 255), 4].reshape(2, 7)])
def test_without_negatives_nothing_is_asked(label):
    """All ignored, all of one class, or a single known place: 0, with zero gradient and no nan."""
    first, second, _ = (torch.from_numpy(each) for each in drawn())
    first.requires_grad_()
    value = pixel_contrast(first, second, torch.from_numpy(label))
    value.backward()
    assert float(value.detach()) == 0
    assert float(first.grad.abs().max()) == 0


def test_places_of_the_same_class_are_never_pushed_apart():
    """Turning a place away from another of its own class costs nothing; from one of another class, it pays."""
    units = torch.eye(4, dtype=torch.float64)
    label = torch.tensor([[0, 0, 1]])
    apart = units[[0, 1, 2]][None]
    together = units[[0, 0, 2]][None]
    confused = units[[0, 2, 2]][None]
    values = [float(pixel_contrast(each, each, label)) for each in (apart, together, confused)]
    assert values[0] == pytest.approx(values[1])
    assert values[2] > values[0] + 0.3


def test_ignored_places_change_nothing():
    first, second, label = (torch.from_numpy(each) for each in drawn())
    before = pixel_contrast(first, second, label)
    first[label == 255] = second[label == 255] = 9.0
    assert float(pixel_contrast(first, second, label)) == float(before)


def test_positions_are_known_ones_without_repetition():
    classes = torch.full((3, 4, 5), 255)
    classes[0, :2] = 1
    classes[1] = 2
    classes[2, 0, 0] = 3
    chosen = sample_positions(classes, 8, torch.Generator().manual_seed(1))
    assert all(len(set(row.tolist())) == 8 for row in chosen)
    assert max(chosen[0].tolist()) < 10
    assert 0 in chosen[2].tolist()
    again = sample_positions(classes, 8, torch.Generator().manual_seed(2))
    assert not torch.equal(chosen, again)
    assert sample_positions(classes, 99).shape == (3, 20)


def test_features_are_taken_from_their_places():
    features = torch.randn(2, 3, 4, 5)
    positions = torch.tensor([[0, 19], [7, 3]])
    found = take(features, positions)
    assert torch.equal(found[1, 0], features[1, :, 1, 2])
    assert torch.equal(found[0, 1], features[0, :, 3, 4])


def test_module_reads_the_shared_mask():
    """Features that follow the mask cost next to nothing; the same features under a shuffled mask cost much."""
    dice = torch.Generator().manual_seed(0)
    label = torch.randint(0, 8, (2, 8, 8), generator=dice)
    units = torch.eye(8)[label].permute(0, 3, 1, 2)
    view = View([units], torch.zeros(2, 16, 8, 8))
    loss = PixelContrastLoss(loss_weight=1.0, stages=(1,), positions=64)
    assert float(loss(view, view, label)) < 0.05
    assert float(loss(view, view, label.flatten(1).roll(3, 1).view(2, 8, 8))) > 0.5

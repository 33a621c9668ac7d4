"""Labels on a feature grid against pooled one-hot planes, by hand, and the feature distance that rests on them."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from harness.losses import FeatureDistance, feature_distance
from harness.losses.cells import cell_classes
from protocols.errors import InputError
from protocols.labels import NAMES_16


def by_pooling(label, kernel, min_share):
    """DAFormer's way: one-hot with a class for the ignored, average-pool, arg max, and its share."""
    known = torch.where(label == 255, 16, label)
    planes = functional.one_hot(known, 17).permute(0, 3, 1, 2).float()
    share, winner = functional.avg_pool2d(planes, kernel).max(dim=1)
    return torch.where((share < min_share) | (winner == 16), 255, winner)


@pytest.mark.parametrize("min_share", [0.0, 0.4, 0.75])
def test_equals_pooled_planes(min_share):
    dice = torch.Generator().manual_seed(3)
    label = torch.randint(0, 3, (2, 4, 6), generator=dice).repeat_interleave(3, 1).repeat_interleave(3, 2)[:, :, :16]
    label[:, ::5] = 255
    assert torch.equal(cell_classes(label, (3, 4), min_share), by_pooling(label, 4, min_share))


def test_share_of_three_quarters_by_hand():
    label = torch.zeros(1, 4, 8, dtype=torch.int64)
    label[0, :3, :4] = 5  # 12 of 16 pixels: just enough
    label[0, :3, 4:7] = 5  # 9 of 16: not enough
    assert cell_classes(label, (1, 2), 0.75).tolist() == [[[5, 255]]]
    label[0, 0, 0] = 255
    assert cell_classes(label, (1, 2), 0.75).tolist() == [[[255, 255]]]


def test_grid_that_does_not_divide_the_label():
    label = torch.arange(5)[None, None].expand(1, 7, 5).contiguous()
    assert cell_classes(label, (2, 2), 0.3).tolist() == [[[0, 3], [0, 3]]]


def test_distance_equals_a_loop_over_cells():
    dice = np.random.default_rng(0)
    one, two = dice.normal(size=(2, 2, 5, 3, 4))
    cells = dice.random((2, 3, 4)) < 0.5
    values = [
        np.sqrt(((one[n, :, y, x] - two[n, :, y, x]) ** 2).sum()) for n, y, x in zip(*np.nonzero(cells), strict=True)
    ]
    found = feature_distance(torch.from_numpy(one), torch.from_numpy(two), torch.from_numpy(cells))
    assert float(found) == pytest.approx(np.mean(values))


def test_no_cell_gives_zero_and_no_gradient():
    student = torch.randn(1, 4, 2, 2, requires_grad=True)
    value = feature_distance(student, torch.randn(1, 4, 2, 2), torch.zeros(1, 2, 2, dtype=torch.bool))
    value.backward()
    assert float(value.detach()) == 0
    assert float(student.grad.abs().max()) == 0


def test_equal_features_give_a_finite_gradient_of_zero():
    student = torch.randn(1, 4, 2, 2, requires_grad=True)
    value = feature_distance(student, student.detach().clone(), torch.ones(1, 2, 2, dtype=torch.bool))
    value.backward()
    assert float(student.grad.abs().max()) == 0


def test_only_things_count():
    names = {name: number for number, name in enumerate(NAMES_16)}
    label = torch.full((1, 64, 64), names["road"])
    label[:, :32, :32] = names["car"]
    label[:, 32:, 32:] = names["sky"]
    student, target = torch.zeros(1, 8, 2, 2), torch.zeros(1, 8, 2, 2)
    target[0, :, 0, 0], target[0, :, 1, 1] = 1.0, 100.0
    found = FeatureDistance(loss_weight=0.005)(student, target, label)
    assert float(found) == pytest.approx(0.005 * 8**0.5)
    assert sorted(FeatureDistance().things.tolist()) == [names[name] for name in NAMES_16 if name in THINGS]


THINGS = {"traffic light", "traffic sign", "person", "rider", "car", "truck", "motorcycle", "bicycle"}


def test_no_known_class_is_refused():
    with pytest.raises(InputError, match="expected some of road"):
        FeatureDistance(classes=("dragon",))

"""The consistency loss chooses distance, weight and stages."""

import pytest
import torch

from harness.losses import ConsistencyLoss, cosine_distance
from protocols.errors import InputError


def maps():
    return [torch.randn(2, 4 * stage, 8 // stage, 8 // stage) for stage in (1, 2, 4, 8)]


def test_average_over_chosen_stages():
    one, two = maps(), maps()
    expected = 0.1 * (cosine_distance(one[1], two[1]) + cosine_distance(one[2], two[2])) / 2
    assert float(ConsistencyLoss("cosine", 0.1, stages=(2, 3))(one, two)) == pytest.approx(float(expected))


@pytest.mark.parametrize("change", [{"distance": "nearness"}, {"stages": ()}, {"stages": (0,)}, {"stages": (5,)}])
def test_unknown_choice_is_refused(change):
    with pytest.raises(InputError, match="expected"):
        ConsistencyLoss(**change)

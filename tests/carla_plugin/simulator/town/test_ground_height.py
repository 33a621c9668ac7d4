"""The height of the ground at many points at once against the same question asked one by one."""

import numpy as np
import pytest

from carla_plugin.simulator.town.ground import GroundHeight
from carla_plugin.simulator.town.plan import make_plan


@pytest.mark.parametrize("seed", [1, 7])
def test_many_points_are_answered_as_each_alone(seed):
    ground = GroundHeight(make_plan(seed))
    points = np.random.default_rng(seed).uniform(-320.0, 320.0, (10, 300, 2))
    together = ground.many(points)
    alone = [[ground(x, y) for x, y in row] for row in points.tolist()]
    assert np.array_equal(together, alone)
    assert 0.02 < np.mean(together == 0.0) < 0.5

"""Wheelchairs: they stand on the ground, and people of every size sit in them."""

import numpy as np
import pytest

from carla_plugin.simulator.assets.walkers import SITTING, WALKER_IDS, figure, walker_height
from carla_plugin.simulator.assets.wheelchair import SEAT_M, wheelchair
from carla_plugin.simulator.body.skeleton import frames_of


@pytest.mark.parametrize("name", WALKER_IDS[::6])
def test_people_sit_in_a_chair_that_stands_on_the_ground(name):
    joints, lift, mesh = figure(name, SITTING)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert low[2] == pytest.approx(0.0, abs=0.01)
    assert SEAT_M + 0.35 * walker_height(name) < high[2] < 0.97 * walker_height(name)
    assert np.abs(mesh.vertices[:, :2]).max() < 0.75
    assert set(mesh.tag.tolist()) == {12}
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-3)
    turn = frames_of(joints, lift).turn
    assert np.allclose(turn @ turn.transpose(0, 2, 1), np.eye(3))


def test_a_chair_is_the_same_left_and_right():
    points = wheelchair(12).vertices
    assert points[:, 1].min() == pytest.approx(-points[:, 1].max(), abs=5e-3), "tyres have five corners"
    assert len(wheelchair(12).triangles) < 800

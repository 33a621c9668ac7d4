"""Buildings and plants: sizes, tags, variety, and the same thing for the same words."""

import numpy as np
import pytest

from carla_plugin.simulator.assets.buildings import STYLES, building
from carla_plugin.simulator.assets.vegetation import TREE_KINDS, bush, hedge, tree
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh


def sound(mesh: Mesh) -> None:
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-3)
    assert 0 <= mesh.triangles.min() <= mesh.triangles.max() < len(mesh.vertices)
    assert np.isfinite(mesh.vertices).all()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("seed", range(6))
def test_buildings_keep_to_their_lots(style, seed):
    width, depth, floors = 14.0, 12.0, 4
    mesh = building(width, depth, floors, style, seed)
    sound(mesh)
    assert set(mesh.tag.tolist()) == {3}
    assert len(mesh.triangles) < 1200
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert low[2] == pytest.approx(0.0, abs=1e-6)
    assert floors * 2.8 < high[2] < floors * 3.2 + 9.0
    assert high[0] <= depth / 2 + 1.2, "the front"
    assert low[0] >= -depth / 2 - 0.5
    assert abs(mesh.vertices[:, 1]).max() <= width / 2 + 0.5
    walls = mesh.triangles[mesh.material == Material.FACADE]
    assert np.ptp(mesh.uvw[walls].reshape(-1, 3)[:, 2]) < 20, "w is a wall's length in metres"


def test_facades_know_their_metres():
    mesh = building(10.0, 8.0, 2, "suburban", 0)
    corners = mesh.triangles[mesh.material == Material.FACADE]
    height = mesh.vertices[corners][..., 2]
    assert np.allclose(mesh.uvw[corners][..., 1], height, atol=1e-5)
    assert {round(float(value)) for value in mesh.uvw[corners][..., 2].ravel()} == {8, 10}


def test_seeds_give_variety():
    for style in STYLES:
        shapes = {building(14.0, 12.0, 4, style, seed).colour.tobytes() for seed in range(6)}
        assert len(shapes) >= 5


@pytest.mark.parametrize("kind", TREE_KINDS)
@pytest.mark.parametrize("height", [5.0, 9.0])
def test_trees_have_their_height_and_leave_room_beneath(kind, height):
    for seed in range(3):
        mesh = tree(kind, height, seed)
        sound(mesh)
        assert set(mesh.tag.tolist()) == {9}
        assert len(mesh.triangles) < 600
        assert 0.7 * height < mesh.vertices[:, 2].max() <= height * 1.1
        leaves = mesh.vertices[mesh.triangles[mesh.material == Material.FOLIAGE]]
        assert len(leaves)
        if kind != "conifer":
            assert leaves[..., 2].min() > 0.3 * height
    assert tree(kind, height, 1) is tree(kind, height, 1)
    assert tree(kind, height, 0).vertices.tobytes() != tree(kind, height, 1).vertices.tobytes()


def test_hedges_and_bushes_stay_in_bounds():
    low = hedge(6.0, 1.2, 0)
    sound(low)
    assert abs(low.vertices[:, 0]).max() == pytest.approx(3.0)
    assert low.vertices[:, 2].max() <= 1.2
    round_one = bush(0.8, 2)
    sound(round_one)
    assert np.hypot(round_one.vertices[:, 0], round_one.vertices[:, 1]).max() <= 0.85

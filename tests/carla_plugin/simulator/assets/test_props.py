"""Props: every one as large as it says, closed toward the outside, in its own tag."""

from __future__ import annotations

import numpy as np
import pytest

from carla_plugin.simulator.assets.props import PROP_IDS, prop, prop_of, prop_size, prop_tag

TRIANGLES_AT_MOST = 500


@pytest.mark.parametrize("name", PROP_IDS)
def test_a_prop_fills_its_box_and_stands_on_the_ground(name):
    mesh = prop(name)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    np.testing.assert_allclose(high - low, prop_size(name), atol=1e-4)
    np.testing.assert_allclose([*(low + high)[:2], low[2]], 0.0, atol=1e-4)
    assert 10 <= len(mesh.triangles) <= TRIANGLES_AT_MOST
    assert set(mesh.part.tolist()) == {0}


@pytest.mark.parametrize("name", PROP_IDS)
def test_its_faces_look_outward(name):
    mesh = prop(name)
    corners = mesh.vertices[mesh.triangles].astype(np.float64)
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    agree = np.einsum("ti,ti->t", facing, mesh.normals[mesh.triangles].mean(axis=1))
    area = np.linalg.norm(facing, axis=1)
    assert (agree[area > 1e-9] > 0.0).mean() > 0.99


@pytest.mark.parametrize("name", PROP_IDS)
def test_most_of_it_has_its_tag(name):
    mesh = prop(name)
    tags, counts = np.unique(mesh.tag, return_counts=True)
    assert prop_tag(name) in tags
    if "plantpot" not in name and "tree" not in name and "palm" not in name:
        assert tags[counts.argmax()] == prop_tag(name)


def test_a_mesh_that_we_do_not_have_is_a_block():
    block = prop_of("static.prop.mesh", (1.0, 2.0, 0.5))
    np.testing.assert_allclose(block.vertices.max(axis=0), [1.0, 2.0, 1.0])
    np.testing.assert_allclose(block.vertices.min(axis=0), [-1.0, -2.0, 0.0])

"""People: bodies within their boxes, a gait that repeats and is the same left and right."""

import numpy as np
import pytest

from carla_plugin.simulator.assets.people import walking
from carla_plugin.simulator.assets.walkers import (
    PHASES,
    WALKER_IDS,
    stride_length,
    walker,
    walker_age,
    walker_extent,
)


@pytest.mark.parametrize("name", WALKER_IDS)
def test_a_whole_cycle_of_the_gait_stays_within_the_box(name):
    ex, ey, ez = walker_extent(name)
    for phase in range(-1, PHASES):
        points = walker(name, phase / PHASES).vertices
        assert (np.abs(points[:, :2]) <= (ex, ey)).all()
        assert points[:, 2].min() == pytest.approx(0.0, abs=1e-5)
        assert points[:, 2].max() <= 2 * ez * 1.05, "hair and hats may stand out"


@pytest.mark.parametrize("name", WALKER_IDS)
def test_bodies_stand_on_the_ground_within_their_box(name):
    mesh, (_, ey, ez) = walker(name), walker_extent(name)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert low[2] == pytest.approx(0.0, abs=1e-5)
    assert high[2] == pytest.approx(2 * ez, rel=0.08)
    assert high[1] <= ey * 1.1
    assert set(mesh.tag.tolist()) == {12}
    assert len(mesh.triangles) < 900
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-3)


def test_all_kinds_of_people():
    assert {walker_age(name) for name in WALKER_IDS} == {"adult", "child", "elderly"}
    assert 0.8 < min(map(stride_length, WALKER_IDS)) < max(map(stride_length, WALKER_IDS)) < 1.7


def test_people_are_told_apart_by_size_and_clothes():
    heights = {age: [walker_extent(name)[2] * 2 for name in WALKER_IDS if walker_age(name) == age]
               for age in ("adult", "child")}  # fmt: skip
    assert max(heights["child"]) < min(heights["adult"]) - 0.2
    wardrobes = {frozenset(map(tuple, walker(name).colour.tolist())) for name in WALKER_IDS}
    assert len(wardrobes) > 40


def test_trunks_and_limbs_face_outward():
    mesh = walker("walker.pedestrian.0001")
    corners = mesh.vertices[mesh.triangles].astype(np.float64)
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("tj,tj->t", flat, mesh.normals[mesh.triangles].mean(axis=1)) > 0).all()
    chest = (np.abs(corners.mean(axis=1) - (0, 0, 0.7 * corners[..., 2].max())) < (0.12, 0.1, 0.1)).all(axis=1)
    away = corners.mean(axis=1)[chest] * (1, 1, 0)
    assert (np.einsum("tj,tj->t", flat[chest], away) > 0).mean() > 0.9


def test_gait_repeats_after_a_cycle():
    assert walker("walker.pedestrian.0003", 0.3) is walker("walker.pedestrian.0003", 1.3)
    shapes = {walker("walker.pedestrian.0003", phase / PHASES).vertices.tobytes() for phase in range(PHASES)}
    assert len(shapes) == PHASES
    assert walker("walker.pedestrian.0003", -1).vertices.tobytes() not in shapes


@pytest.mark.parametrize("phase", [0.0, 0.1, 0.37, 0.8])
def test_half_a_cycle_later_left_is_right(phase):
    now, later = walking(1.75, phase), walking(1.75, phase + 0.5)
    for joint, mirrored in zip(now.sides[0], later.sides[1], strict=True):
        assert joint * [1, -1, 1] == pytest.approx(mirrored)


@pytest.mark.parametrize("phase", [-1.0, 0.0, 0.25, 0.6])
def test_bones_keep_their_length(phase):
    for side in walking(1.8, phase).sides:
        assert np.linalg.norm(side.knee - side.hip) == pytest.approx(0.245 * 1.8)
        assert np.linalg.norm(side.foot - side.knee) == pytest.approx(0.245 * 1.8)

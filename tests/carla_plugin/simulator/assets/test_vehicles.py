"""Vehicles: every blueprint has its shape, its size, its tags and its lamps."""

import numpy as np
import pytest

from carla_plugin.simulator.assets.vehicles import (
    VEHICLE_IDS,
    vehicle,
    vehicle_colours,
    vehicle_extent,
    vehicle_lamps,
    vehicle_tag,
    vehicle_wheelbase,
)
from carla_plugin.simulator.materials import Material

MIRRORS_M = 0.16  # they may stand out on both sides
CAR, TRUCK, BUS, MOTORCYCLE, BICYCLE, RIDER = 14, 15, 16, 18, 19, 13


@pytest.fixture(params=VEHICLE_IDS)
def name(request):
    return request.param


def test_shape_fills_its_box(name):
    mesh, (ex, ey, ez) = vehicle(name, vehicle_colours(name)[0]), vehicle_extent(name)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    two_wheels = vehicle_tag(name) in (MOTORCYCLE, BICYCLE)
    assert high[2] <= 2 * ez + 0.05
    assert high[2] >= 2 * ez * 0.9
    assert abs(low[2]) < 0.05, "it stands on the ground"
    assert ex * 0.9 <= high[0] <= ex + 0.1
    assert ex * 0.9 <= -low[0] <= ex + 0.1
    assert high[1] <= ey + MIRRORS_M
    if not two_wheels:
        assert high[1] >= ey * 0.95


def test_arrays_are_as_the_renderer_reads_them(name):
    mesh = vehicle(name, (10, 200, 10))
    assert mesh.vertices.dtype == mesh.normals.dtype == mesh.uvw.dtype == np.float32
    assert mesh.triangles.dtype == np.int32
    assert 0 <= mesh.triangles.min() <= mesh.triangles.max() < len(mesh.vertices)
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-3)
    assert 200 < len(mesh.triangles) < 2500
    assert set(mesh.part) == {0}


def test_tags_are_the_vehicles_and_its_riders(name):
    tag = vehicle_tag(name)
    assert tag in (CAR, TRUCK, BUS, MOTORCYCLE, BICYCLE)
    expected = {tag, RIDER} if tag in (MOTORCYCLE, BICYCLE) else {tag}
    assert set(vehicle(name, (1, 2, 3)).tag.tolist()) == expected


def test_it_has_lamps_at_the_right_ends(name):
    mesh = vehicle(name, (1, 2, 3))
    middle = mesh.vertices[mesh.triangles].mean(axis=1)
    assert (middle[mesh.material == Material.HEAD_LAMP, 0] > 0).all()
    assert (middle[mesh.material == Material.TAIL_LAMP, 0] < 0).all()
    assert (mesh.material == Material.HEAD_LAMP).any()
    assert (mesh.material == Material.TAIL_LAMP).any()
    heads, tails = vehicle_lamps(name)
    assert all(x > 0 for x, _, _ in heads)
    assert all(x < 0 for x, _, _ in tails)


def test_paint_is_the_one_that_was_asked_for(name):
    green = vehicle(name, (11, 201, 13))
    assert (green.colour == (11, 201, 13)).all(axis=1).any() or "ambulance" in name
    assert vehicle(name, (11, 201, 13)) is green, "made once"


def test_axles_lie_within(name):
    assert 0.4 * vehicle_extent(name)[0] < vehicle_wheelbase(name) / 2 < vehicle_extent(name)[0]


def test_unknown_vehicles_have_no_shape():
    with pytest.raises(KeyError):
        vehicle("vehicle.flying.carpet", (0, 0, 0))

"""Two-wheelers: a machine on two wheels, and a rider who sits on it, holds it and can be seen."""

import numpy as np
import pytest

from carla_plugin.simulator.assets.people import seated
from carla_plugin.simulator.assets.people_body import body, look_of
from carla_plugin.simulator.assets.vehicles import (
    VEHICLE_IDS,
    vehicle,
    vehicle_extent,
    vehicle_tag,
    vehicle_wheelbase,
)
from carla_plugin.simulator.assets.vehicles.catalogue import MODELS
from carla_plugin.simulator.assets.vehicles.two_wheeler_parts import wheel
from carla_plugin.simulator.materials import Material

RIDER, MOTORCYCLE, BICYCLE = 13, 18, 19
TWO_WHEELERS = [name for name in VEHICLE_IDS if vehicle_tag(name) in (MOTORCYCLE, BICYCLE)]


def corners(mesh, chosen):
    return mesh.vertices[mesh.triangles[chosen]]


@pytest.fixture(params=TWO_WHEELERS)
def name(request):
    return request.param


@pytest.fixture
def mesh(name):
    return vehicle(name, (40, 90, 180))


def test_there_are_bicycles_and_motorcycles_of_every_family():
    assert {MODELS[name].family for name in TWO_WHEELERS} == {"bicycle", "sportbike", "cruiser", "scooter"}


def test_it_stands_on_two_tyres_a_wheelbase_apart(name, mesh):
    tyres = corners(mesh, (mesh.material == Material.RUBBER) & (mesh.tag != RIDER)).reshape(-1, 3)
    touching = tyres[tyres[:, 2] < 0.01, 0]
    half = vehicle_wheelbase(name) / 2
    assert touching[touching > 0].mean() == pytest.approx(half, abs=0.05)
    assert touching[touching < 0].mean() == pytest.approx(-half, abs=0.05)


def test_the_rider_is_well_seen_from_all_sides(name, mesh):
    rider = corners(mesh, mesh.tag == RIDER).reshape(-1, 3)
    machine = corners(mesh, mesh.tag != RIDER).reshape(-1, 3)
    assert rider[:, 2].max() - rider[:, 2].min() > 1.0, "no dwarf"
    assert rider[:, 2].max() > machine[:, 2].max() + 0.25, "the head is above the machine"
    assert rider[:, 2].min() > 0.1, "the feet are off the ground"
    ex, ey, ez = vehicle_extent(name)
    assert np.abs(rider[:, 0]).max() < ex
    assert np.abs(rider[:, 1]).max() < ey + 0.1
    assert rider[:, 2].max() <= 2 * ez + 1e-3


def test_the_rider_holds_the_handlebar(name, mesh):
    skin = corners(mesh, (mesh.tag == RIDER) & (mesh.material == Material.SKIN)).reshape(-1, 3)
    machine = corners(mesh, mesh.tag != RIDER).mean(axis=1)
    for side in (-1.0, 1.0):
        hand = skin[skin[:, 1] * side > 0.15].mean(axis=0)
        assert hand[0] > 0.0, "the hands are ahead"
        assert np.linalg.norm(machine - hand, axis=1).min() < 0.15


def test_motorcyclists_wear_helmets_and_cyclists_show_their_hair(name, mesh):
    lacquer = (mesh.tag == RIDER) & (mesh.material == Material.CAR_PAINT)
    assert lacquer.any() == (vehicle_tag(name) == MOTORCYCLE)


def test_riders_are_dressed_by_the_paint():
    tops = set()
    for paint in ((200, 40, 40), (40, 90, 180), (30, 34, 32), (236, 236, 232)):
        mesh = vehicle("vehicle.gazelle.omafiets", paint)
        tops.add(frozenset(map(tuple, mesh.colour[mesh.tag == RIDER].tolist())))
    assert len(tops) > 1


@pytest.mark.parametrize("lean", [0.0, 20.0, 45.0])
def test_a_seated_body_keeps_its_bones(lean):
    joints = seated(1.75, (0.0, 0.0, 0.9), lean, (0.45, 0.25, 1.0), ((0.15, 0.12, 0.3), (0.0, -0.12, 0.5)))
    for side in joints.sides:
        assert np.linalg.norm(side.knee - side.hip) == pytest.approx(0.25 * 1.75)
        assert side.knee[0] > side.hip[0], "knees bend forward"
        assert np.linalg.norm(side.elbow - side.shoulder) == pytest.approx(0.165 * 1.75)
    made = body(joints, look_of(3), RIDER)
    assert set(made.tag.tolist()) == {RIDER}
    assert np.isfinite(made.vertices).all()


def test_wheels_are_round():
    tyre = wheel(0.5, 0.35, 0.03, BICYCLE, 4)[0]
    away = np.hypot(tyre.vertices[:, 0] - 0.5, tyre.vertices[:, 2] - 0.35)
    assert away.max() == pytest.approx(0.35, abs=1e-5)
    assert away.min() > 0.35 - 0.061
    middle = tyre.vertices[tyre.triangles].astype(np.float64)
    flat = np.cross(middle[:, 1] - middle[:, 0], middle[:, 2] - middle[:, 0])
    hub_to = middle.mean(axis=1) - (0.5, 0.0, 0.35)
    ring = hub_to * (1, 0, 1)
    ring *= (0.32 / np.linalg.norm(ring, axis=1))[:, None]
    assert (np.einsum("tj,tj->t", flat, hub_to - ring) > 0).all(), "faces look outward"

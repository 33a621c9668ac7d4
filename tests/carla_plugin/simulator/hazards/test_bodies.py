"""Leaves, lamps, people and cars that do not stand still, by hand-made ones."""

from __future__ import annotations

import numpy as np

from carla_plugin.simulator.actors import Signal, Vehicle, Walker
from carla_plugin.simulator.body.figures import drawn
from carla_plugin.simulator.hazards.bodies import blinking, creep, gust, shown_state
from carla_plugin.simulator.hazards.idle import stirring
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.render.swaying import CALM, Swaying
from protocols.carla_rpc.types import (
    ActorDescription,
    Location,
    Rotation,
    TrafficLightState,
    Transform,
    VehicleControl,
)

TIMES_S = [0.05 * tick for tick in range(80)]


def car(**what) -> Vehicle:
    return Vehicle(
        7, ActorDescription(1, "vehicle.tesla.model3"), Transform(Location(), Rotation(0.0, 90.0, 0.0)), **what
    )


def test_idle_cars_are_pushed_along_their_own_axis():
    idle = car()
    creep([idle])
    assert 0.01 < idle.velocity.y < 0.1
    assert abs(idle.velocity.x) < 1e-9
    for other in (
        car(physics=False), car(control=VehicleControl(brake=0.1)), car(control=VehicleControl(throttle=0.1)),
        car(control=VehicleControl(hand_brake=True)), car(constant_velocity=Location()), car(parent=3),
    ):  # fmt: skip
        creep([other])
        assert other.velocity == Location()
    rolling = car(velocity=Location(0.0, 5.0, 0.0))
    creep([rolling])
    assert rolling.velocity == Location(0.0, 5.0, 0.0)


def test_only_brake_lamps_and_indicators_blink():
    shown = {blinking(car(lights=8 | 16 | 2 | 1), at, 3) for at in TIMES_S}
    assert shown == {8 | 16 | 2 | 1, 2 | 1}
    assert {blinking(car(lights=3), at, 3) for at in TIMES_S} == {3}


def test_frozen_traffic_lights_do_not_blink():
    light = Signal(9, ActorDescription(0, "traffic.traffic_light"), Transform(), state=TrafficLightState.GREEN)
    shown = [shown_state(light, at, 3) for at in TIMES_S]
    assert set(shown) == {TrafficLightState.GREEN, TrafficLightState.OFF}
    assert 30 <= shown.count(TrafficLightState.OFF) <= 50
    light.frozen = True
    assert {shown_state(light, at, 3) for at in TIMES_S} == {TrafficLightState.GREEN}


def test_people_breathe_in_few_shapes_but_not_the_posed_nor_the_dead():
    person = Walker(5, ActorDescription(1, "walker.pedestrian.0001"), Transform())
    shapes = [stirring(person, at) for at in TIMES_S]
    assert 20 < len({id(shape) for shape in shapes}) <= 32
    assert stirring(person, 0.4) is stirring(person, 0.4 + 3.2)
    spread = np.abs(shapes[0].vertices - drawn(person).vertices).max()
    assert 0.0 < spread < 0.2
    person.blend = 1.0
    assert stirring(person, 0.4) is drawn(person)
    person.blend, person.died_s = 0.0, 1.0
    assert stirring(person, 0.4) is drawn(person)


def test_leaves_swing_and_come_back_to_the_bit():
    material = np.array([Material.BARK, Material.FOLIAGE, Material.FOLIAGE], np.uint8)
    corners = np.random.default_rng(1).uniform(-20.0, 20.0, (3, 3, 3)).astype(np.float32)
    corners[2] = corners[2, :1]  # hidden: without area
    before = corners.copy()
    swaying = Swaying(material)
    assert gust(0.0, 3.0) == CALM
    swaying.swing(gust(100.0, 3.0), corners)
    np.testing.assert_array_equal(corners[0], before[0])
    assert 0.01 < np.abs(corners[1] - before[1]).max() <= 0.36
    assert (corners[2] == corners[2, :1]).all()
    assert (corners[..., 2] == before[..., 2]).all()
    swaying.settle(corners)
    np.testing.assert_array_equal(corners, before)
    assert swaying.gust == CALM

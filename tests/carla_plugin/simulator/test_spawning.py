"""Blueprints and births in a town without streets: what is listed can live, and what cannot is refused in words."""

from __future__ import annotations

import types

import pytest

from carla_plugin.simulator.actors import Sensor, SimActor, Vehicle, Walker
from carla_plugin.simulator.blueprints import base_type, by_id, definitions
from carla_plugin.simulator.mesh import empty
from carla_plugin.simulator.spawning import CallError, spawn
from carla_plugin.simulator.world import World
from protocols.carla_rpc.types import (
    ActorAttributeValue,
    ActorDescription,
    AttributeType,
    EpisodeSettings,
    Location,
    Rotation,
    Transform,
)

BORN_AS = {"vehicle": Vehicle, "walker": Walker, "sensor": Sensor}


@pytest.fixture
def world() -> World:
    town = types.SimpleNamespace(
        name="Plain", signals=(), ground_height=lambda x, y: 0.0, scene=empty(), opendrive="", signs=()
    )
    return World(1, town, EpisodeSettings(), 0)


def born(world: World, name: str, x: float = 0.0, parent: int = 0, **attributes: str):
    values = tuple(ActorAttributeValue(key, AttributeType.STRING, value) for key, value in attributes.items())
    return spawn(world, ActorDescription(0, name, values), Transform(Location(x, 0.0, 1.0)), parent, 2001)


def test_every_blueprint_that_is_listed_can_be_spawned(world):
    for number, definition in enumerate(definitions()):
        actor = born(world, definition.id, 20.0 * number)
        assert isinstance(actor, BORN_AS.get(definition.id.split(".")[0], SimActor))
        assert len(actor.token) == (24 if isinstance(actor, Sensor) else 0)
    world.step(0.05)
    assert len(world.state_message()) == 4 + 48 + 36 + 119 * len(world.actors)


def test_every_body_and_every_prop_is_drawn_and_seen_under_its_own_number(world):
    bodies = [d.id for d in definitions() if d.id.split(".")[0] in ("vehicle", "walker") or "static.prop" in d.id]
    born_ids = {born(world, name, 40.0 * number).id for number, name in enumerate(bodies)}
    placed = world.still().placed
    assert {each.actor_id for each in placed} == born_ids
    assert all(len(each.mesh.triangles) >= 10 for each in placed)


def test_blueprints_are_told_apart_and_never_leave_a_choice_empty():
    assert len({definition.uid for definition in definitions()}) == len(definitions()) == len(by_id())
    for definition in definitions():
        assert all(part in definition.tags for part in definition.id.split("."))
        for attribute in definition.attributes:
            assert attribute.recommended_values, f"{definition.id}: {attribute.id}"
            assert attribute.value in attribute.recommended_values


@pytest.mark.parametrize(
    ("vehicle", "kind"),
    [
        ("vehicle.tesla.model3", "car"), ("vehicle.ford.ambulance", "van"), ("vehicle.carlamotors.firetruck", "truck"),
        ("vehicle.mitsubishi.fusorosa", "bus"), ("vehicle.yamaha.yzf", "motorcycle"),
        ("vehicle.bh.crossbike", "bicycle"),
    ],
)  # fmt: skip
def test_base_types(vehicle, kind):
    assert base_type(vehicle) == kind


@pytest.mark.parametrize(
    ("name", "parent", "attributes", "words"),
    [
        ("vehicle.no.such", 0, {}, "Spawn failed because of invalid actor description"),
        ("sensor.camera.rgb", 999, {}, "parent actor not found"),
        ("sensor.camera.rgb", 0, {"image_size_x": "-4"}, "image_size_x must be 1 to 8192, not '-4'"),
        ("sensor.camera.rgb", 0, {"fov": "nan"}, "fov must be"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(world, name, parent, attributes, words):
    before = set(world.actors)
    with pytest.raises(CallError, match=words):
        born(world, name, parent=parent, **attributes)
    assert set(world.actors) == before


def test_a_taken_place_is_refused_in_carlas_words(world):
    born(world, "vehicle.audi.tt")
    with pytest.raises(CallError, match=r"^Spawn failed because of collision at spawn position$"):
        born(world, "walker.pedestrian.0002", 1.0)
    born(world, "vehicle.audi.tt", 8.0)


def test_whole_numbers_may_come_as_decimals(world):
    camera = born(world, "sensor.camera.depth", image_size_x="64.0", image_size_y="48", fov="70")
    assert tuple(camera.settings)[:3] == (64, 48, 70.0)


def test_colours_are_taken_and_boxes_outlive_their_actors(world):
    car = born(world, "vehicle.audi.tt", color="10, 20,30")
    assert car.colour == (10, 20, 30)
    assert born(world, "vehicle.audi.tt", 20.0, color="red").colour != (10, 20, 30)
    box = world.boxes[car.id]
    world.remove(car.id)
    assert world.boxes[car.id] == box
    assert box.extent.x > box.extent.y > 0.5


def test_what_is_fixed_goes_with_its_parent_and_stays_when_it_dies(world):
    car = born(world, "vehicle.audi.tt")
    car.physics = False
    camera = born(world, "sensor.camera.rgb", 2.0, parent=car.id)
    car.place = Transform(Location(10.0, 5.0, 0.0), Rotation(yaw=180.0))
    world.step(0.05)
    assert camera.place.location == pytest.approx((8.0, 5.0, 1.0))
    world.remove(car.id)
    world.step(0.05)
    assert camera.place.location == pytest.approx((8.0, 5.0, 1.0))


def test_a_world_that_is_held_says_the_same_but_for_the_time(world):
    for number, name in enumerate(("vehicle.audi.tt", "walker.pedestrian.0003", "vehicle.bh.crossbike")):
        actor = born(world, name, 10.0 * number)
        actor.physics = False
    said = []
    for _ in range(3):
        world.step(0.05)
        said.append(world.state_message()[4 + 48 + 36 :])
    assert said[0] == said[1] == said[2]

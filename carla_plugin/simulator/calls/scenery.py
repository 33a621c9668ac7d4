"""Calls about what stands still: its things, their boxes, its layers."""

from __future__ import annotations

from typing import Any

from carla_plugin.simulator.actors import Prop, SimActor, Vehicle, Walker
from carla_plugin.simulator.calls.kinds import value, void
from carla_plugin.simulator.calls.signals import get_light_boxes
from carla_plugin.simulator.pose import compose
from carla_plugin.simulator.scenery import ALL_LAYERS, ANY
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading
from protocols.carla_rpc.types import BoundingBox, Transform

TRAFFIC_LIGHT = 7


def get_names_of_all_objects(simulation: Simulation) -> list[str]:
    """Return the names of all things and actors."""
    world = simulation.world
    actors = [f"{actor.description.id}_{actor.id}" for actor in world.actors.values()]
    return [*(thing.name for thing in world.backdrop.scenery.things), *actors]


def get_environment_objects(simulation: Simulation, label: Any) -> list[Any]:
    """Return the things of one tag, or all: place, box in the world, id, name, tag."""
    things = simulation.world.backdrop.scenery.tagged(reading.integer(label, 0, ANY))
    return [(thing.place, thing.box, thing.id, thing.name, thing.tag) for thing in things]


def enable_environment_objects(simulation: Simulation, numbers: Any, on: Any) -> None:
    """Keep things from pictures, or give them back; masks and depth show them all the same, as CARLA's do."""
    ids = [reading.integer(number) for number in reading.array(numbers)]
    simulation.world.backdrop.show(ids, reading.boolean(on))


def get_all_level_boxes(simulation: Simulation, label: Any) -> list[BoundingBox]:
    """Return the boxes, in the world, of things and actors of one tag, or of all; of traffic lights the housings."""
    world, tag = simulation.world, reading.integer(label, 0, ANY)
    boxes = [thing.box for thing in world.backdrop.scenery.tagged(tag) if thing.tag != TRAFFIC_LIGHT]
    if tag in (ANY, TRAFFIC_LIGHT):
        standing = [signal.id for signal in world.signals if signal.id in world.actors]
        boxes += [box for number in standing for box in get_light_boxes(simulation, number)]
    for actor in world.actors.values():
        if isinstance(actor, (Vehicle, Walker, Prop)) and (tag == ANY or tag in actor.tags):
            boxes.append(_box_in_world(actor))
    return boxes


def _box_in_world(actor: SimActor) -> BoundingBox:
    place = compose(actor.place, Transform(actor.box.location, actor.box.rotation))
    return BoundingBox(place.location, actor.box.extent, place.rotation, actor.id)


def load_map_layer(simulation: Simulation, layers: Any) -> None:
    """Bring layers back."""
    world = simulation.world
    world.set_layers(world.backdrop.layers | reading.integer(layers, 0, ALL_LAYERS))


def unload_map_layer(simulation: Simulation, layers: Any) -> None:
    """Take layers away, from pictures, masks, rays and the way of bodies."""
    world = simulation.world
    world.set_layers(world.backdrop.layers & ~reading.integer(layers, 0, ALL_LAYERS))


CALLS = {
    "get_names_of_all_objects": value(get_names_of_all_objects),
    "get_environment_objects": value(get_environment_objects),
    "enable_environment_objects": void(enable_environment_objects),
    "get_all_level_BBs": value(get_all_level_boxes),
    "load_map_layer": void(load_map_layer),
    "unload_map_layer": void(unload_map_layer),
}

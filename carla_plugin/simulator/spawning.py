"""Spawning: from a client's description to an actor in the world, or a refusal in CARLA's words."""

from __future__ import annotations

from carla_plugin.simulator.actors import Prop, Sensor, SimActor, Vehicle, Walker
from carla_plugin.simulator.assets.props import PROP_IDS, prop_size, prop_tag
from carla_plugin.simulator.assets.vehicles import vehicle_colours, vehicle_extent, vehicle_tag, vehicle_wheelbase
from carla_plugin.simulator.assets.walkers import walker_extent
from carla_plugin.simulator.blueprints import by_id
from carla_plugin.simulator.footprint import solid
from carla_plugin.simulator.pose import compose
from carla_plugin.simulator.refusal import CallError
from carla_plugin.simulator.sensors import KINDS, UNSERVED, Told
from carla_plugin.simulator.sensors.attributes import number as attribute_number
from carla_plugin.simulator.world import World
from protocols.carla_rpc.streaming import token
from protocols.carla_rpc.types import ActorDescription, BoundingBox, Location, Rotation, Transform

COLLISION = "Spawn failed because of collision at spawn position"
UNKNOWN = "Spawn failed because of invalid actor description"
LOW_M = 0.2  # what is lower is driven over
LONGEST_PERIOD_S = 1e6
LARGEST_M = 1e4
VEGETATION = 9

__all__ = ["CallError", "spawn"]


def spawn(world: World, description: ActorDescription, place: Transform, parent: int, port: int) -> SimActor:
    """Make an actor and let it live.

    Args:
        world: where.
        description: blueprint id and attributes.
        place: in the world, or within the parent's axes.
        parent: id of the actor it is fixed to, 0 for none.
        port: of the streams, for a sensor's token.

    Raises:
        CallError: no such blueprint or parent, the place is taken, or an attribute is out of range.
    """
    if description.id in UNSERVED:
        raise CallError(f"{description.id}: this simulator does not have this sensor")
    if description.id not in by_id():
        raise CallError(UNKNOWN)
    if parent and parent not in world.actors:
        raise CallError("unable to attach actor: parent actor not found")
    there = compose(world.actors[parent].place, place) if parent else place
    actor = _make(world, description, there, port)
    if isinstance(actor, (Vehicle, Walker)) and _taken(world, actor, there):
        raise CallError(COLLISION)
    actor.parent, actor.relative = parent, place if parent else Transform()
    if parent and isinstance(actor, Prop):
        actor.collides = False  # what is carried is not in its carrier's way
    world.add(actor)
    return actor


def respawn(world: World, description: ActorDescription, place: Transform, port: int) -> SimActor | None:
    """Make an actor of a recording where it was, whoever stands there, or return None if there is no such blueprint."""
    if description.id not in by_id():
        return None
    actor = _make(world, description, place, port)
    world.add(actor)
    return actor


def _taken(world: World, actor: SimActor, there: Transform) -> bool:
    """Return whether somebody or something is where a body would be; props are put anywhere."""
    return solid(actor) and (bool(world.footprints().overlapping(actor, there)) or world.stands_in_wall(actor, there))


def _make(world: World, description: ActorDescription, place: Transform, port: int) -> SimActor:
    name, number = description.id, world.new_id()
    if name.startswith("vehicle."):
        extent = vehicle_extent(name)
        box = BoundingBox(Location(0.0, 0.0, extent[2]), Location(*extent), Rotation(), number)
        tag = vehicle_tag(name)
        tags = bytes([13, tag]) if tag in (18, 19) else bytes([tag])
        made = Vehicle(number, description, place, box, tags, extent=extent, wheelbase=vehicle_wheelbase(name))
        made.sticky = made.attribute("sticky_control", "true").strip().lower() not in ("false", "0")
        made.colour = _colour(made.attribute("color", ""), vehicle_colours(name)[0])
        return made
    if name.startswith("walker."):
        extent = walker_extent(name)
        box = BoundingBox(Location(), Location(*extent), Rotation(), number)
        person = Walker(number, description, place, box, bytes([12]), half_height=extent[2])
        person.seated = person.attribute("use_wheelchair", "false").strip().lower() in ("true", "1")
        return person
    if name.startswith("static."):
        return _thing(number, description, place)
    if name not in KINDS:
        return SimActor(number, description, place, BoundingBox(actor_id=number))
    return _sensor(Sensor(number, description, place, BoundingBox(actor_id=number), kind=KINDS[name].wire), port)


def _thing(number: int, description: ActorDescription, place: Transform) -> SimActor:
    """Make a prop, or a box in which something holds."""
    name = description.id
    bare = SimActor(number, description, place)
    if name == "static.trigger.friction":
        half = (attribute_number(bare, f"extent_{axis}", "1.0", 0.0, 100.0 * LARGEST_M) / 100.0 for axis in "xyz")
        bare.box = BoundingBox(Location(), Location(*half), Rotation(), number)
        return bare
    if name in PROP_IDS:
        (long, wide, high), tag = prop_size(name), prop_tag(name)
    else:  # a mesh of CARLA's content, which we do not have: a block stands for it
        long = wide = high = attribute_number(bare, "scale", "1.0", 0.0, LARGEST_M)
        tag = 20
    box = BoundingBox(Location(0.0, 0.0, high / 2), Location(long / 2, wide / 2, high / 2), Rotation(), number)
    return Prop(number, description, place, box, bytes([tag]), collides=high > LOW_M and tag != VEGETATION)


def _sensor(sensor: Sensor, port: int) -> Sensor:
    kind = KINDS[sensor.description.id]
    period_s = attribute_number(sensor, "sensor_tick", "0.0", 0.0, LONGEST_PERIOD_S)
    sensor.period_s = 0.0 if isinstance(kind, Told) and kind.events else period_s
    sensor.settings = kind.read(sensor)
    sensor.stream = sensor.id + 1  # 1 is the world's own
    sensor.stream_token = token(sensor.stream, port)
    return sensor


def _colour(text: str, default: tuple[int, int, int]) -> tuple[int, int, int]:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() and int(part) < 256 for part in parts):
        return default
    red, green, blue = (int(part) for part in parts)
    return red, green, blue

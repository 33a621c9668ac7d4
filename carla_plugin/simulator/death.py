"""Death: people whom a client declares dead, or whom a vehicle strikes though they are not invincible, lie down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from carla_plugin.simulator.actors import SimActor, Vehicle, Walker
from carla_plugin.simulator.collisions import Collision
from carla_plugin.simulator.pose import heading
from protocols.carla_rpc.types import Location, Rotation, Transform, WalkerControl

LIES_S = 10.0
"""Simulated seconds after which a body is gone, as in CARLA."""


def die(walker: Walker, now_s: float) -> None:
    """Let a person lie where they stand; nobody stumbles over them."""
    if walker.died_s is None:
        walker.died_s = now_s
    walker.physics = walker.collides = False
    walker.control, walker.led = WalkerControl(walker.control.direction), None
    walker.stop()


def mourn(actors: Mapping[int, SimActor], blows: Iterable[Collision], now_s: float) -> list[int]:
    """Let those die whom a vehicle has struck, and return the ids of bodies that have lain long enough.

    Args:
        actors: by id.
        blows: of this tick.
        now_s: simulated seconds.
    """
    for blow in blows:
        walker = actors.get(blow.actor)
        if (
            isinstance(walker, Walker) and isinstance(actors.get(blow.other), Vehicle)
            and walker.attribute("is_invincible", "true").strip().lower() in ("false", "0")
        ):  # fmt: skip
            die(walker, now_s)
    bodies = ((actor.id, actor.died_s) for actor in actors.values() if isinstance(actor, Walker))
    return [number for number, died_s in bodies if died_s is not None and now_s - died_s >= LIES_S]


def lying(feet: Transform, length: float, thickness: float) -> Transform:
    """Return where an upright body's feet and axes are when it lies on its back about where it stood.

    Args:
        feet: where it stood.
        length: of the body, metres.
        thickness: metres from its back to its middle.
    """
    (x, y, z), turn = feet
    cos, sin = heading(turn.yaw)
    place = Location(x + cos * length / 2, y + sin * length / 2, z + thickness)
    return Transform(place, Rotation(90.0, turn.yaw, 0.0))

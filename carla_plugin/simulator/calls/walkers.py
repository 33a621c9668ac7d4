"""Calls about people's bodies: their bones, the pose that a client sets, and how much of it is shown."""

from __future__ import annotations

from typing import Any

from carla_plugin.simulator.actors import Walker
from carla_plugin.simulator.body.figures import Posture, feet_of, posture_of, shown_pose, taken
from carla_plugin.simulator.body.pose import moved, transforms, with_bones, within_one
from carla_plugin.simulator.body.skeleton import BONES, NUMBER
from carla_plugin.simulator.calls.kinds import actor_as, value, void
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading
from protocols.carla_rpc.types import Transform


def walker_of(simulation: Simulation, number: Any) -> Walker:
    """Return a living person.

    Raises:
        CallError: the actor is none.
    """
    return actor_as(simulation, number, Walker, "walker")


def get_bones_transform(simulation: Simulation, number: Any) -> list[list[list[Any]]]:
    """Return each bone's name and its place in the world, within the body and within its parent."""
    walker = walker_of(simulation, number)
    pose = shown_pose(walker)
    body = within_one(pose)
    world = transforms(moved(body, feet_of(walker)))
    return [[list(row) for row in zip(BONES, world, transforms(body), transforms(pose), strict=True)]]


def set_bones_transform(simulation: Simulation, number: Any, control: Any) -> None:
    """Set some bones within their parents' axes; the others stay as they were set or, at first, as they are."""
    walker = walker_of(simulation, number)
    given: list[tuple[int, Transform]] = []
    for row in reading.array(reading.array(control, 1)[0]):
        name, place = reading.array(row, 2)[:2]
        bone, place = NUMBER.get(reading.text(name)), reading.transform(place)
        if bone is not None:  # as in CARLA, which passes over names it does not know
            given.append((bone, place))
    posture = posture_of(walker)
    walker.posture = Posture(with_bones(posture.pose, given), posture.step)


def blend_pose(simulation: Simulation, number: Any, share: Any) -> None:
    """Show so much of the pose that was set, 0..1, and of the gait what is left."""
    walker_of(simulation, number).blend = min(max(reading.number(share), 0.0), 1.0)


def get_pose_from_animation(simulation: Simulation, number: Any) -> None:
    """Take the pose of the gait just now for the one that is set."""
    walker = walker_of(simulation, number)
    walker.posture = taken(walker)


CALLS = {
    "get_bones_transform": value(get_bones_transform),
    "set_bones_transform": void(set_bones_transform),
    "blend_pose": void(blend_pose),
    "get_pose_from_animation": void(get_pose_from_animation),
}

"""Poses: bones within their parents' axes, between animation and what a client has set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from carla_plugin.simulator.body.skeleton import PARENTS, Frames
from carla_plugin.simulator.pose import angles
from carla_plugin.simulator.render.camera import axes
from protocols.carla_rpc.types import Location, Transform


def within_parents(frames: Frames) -> Frames:
    """Return bones within their parents' axes, of bones within one system of axes."""
    turn, place = frames.turn.copy(), frames.place.copy()
    for bone, parent in enumerate(PARENTS):
        if parent >= 0:
            turn[bone] = frames.turn[bone] @ frames.turn[parent].T
            place[bone] = (frames.place[bone] - frames.place[parent]) @ frames.turn[parent].T
    return Frames(turn, place)


def within_one(pose: Frames) -> Frames:
    """Return bones within the axes of the whole, of bones within their parents' axes."""
    turn, place = pose.turn.copy(), pose.place.copy()
    for bone, parent in enumerate(PARENTS):  # parents come first
        if parent >= 0:
            turn[bone] = pose.turn[bone] @ turn[parent]
            place[bone] = pose.place[bone] @ turn[parent] + place[parent]
    return Frames(turn, place)


def blended(first: Frames, second: Frames, share: float) -> Frames:
    """Return a pose between two: `share` 0 is exactly the first, 1 exactly the second."""
    if share <= 0.0:
        return first
    if share >= 1.0:
        return second
    mixed = (1.0 - share) * first.turn + share * second.turn
    left, _, right = np.linalg.svd(mixed)  # the nearest turn to the mean of two
    left[np.linalg.det(left @ right) < 0.0, :, -1] *= -1.0
    return Frames(left @ right, (1.0 - share) * first.place + share * second.place)


def transforms(frames: Frames) -> list[Transform]:
    """Return bones as clients read them."""
    rows = zip(frames.turn, frames.place.tolist(), strict=True)
    return [Transform(Location(*place), angles(turn)) for turn, place in rows]


def moved(frames: Frames, place: Transform) -> Frames:
    """Return bones in the world, of bones within the axes of something that stands at a place."""
    frame = axes(place.rotation)
    return Frames(frames.turn @ frame, frames.place @ frame + np.asarray(place.location))


def with_bones(pose: Frames, given: Sequence[tuple[int, Transform]]) -> Frames:
    """Return a pose with some of its bones set within their parents' axes.

    Args:
        pose: of bones within their parents' axes.
        given: number and place of each bone that is set.
    """
    turn, place = pose.turn.copy(), pose.place.copy()
    for bone, transform in given:
        turn[bone], place[bone] = axes(transform.rotation), np.asarray(transform.location)
    return Frames(turn, place)

"""Views: where a camera may stand, what is free before it, and what is worth looking at."""

from __future__ import annotations

import math
from collections.abc import Sequence

from carla_plugin.layouts import Footprint
from protocols.carla_rpc.types import Location, Rotation, Transform

SIGHT_M = 250.0
"""From there on a person is a few pixels high, even for the narrowest lens in use."""

STRIDE_M = 2.0


def camera_pose(
    place: Transform, forward_m: float, right_m: float, up_m: float, pitch_deg: float, yaw_deg: float
) -> Transform:
    """Return the pose of a lens mounted on a level place: metres along its axes, degrees added to its yaw."""
    yaw = math.radians(place.rotation.yaw)
    return Transform(
        Location(
            place.location.x + forward_m * math.cos(yaw) - right_m * math.sin(yaw),
            place.location.y + forward_m * math.sin(yaw) + right_m * math.cos(yaw),
            place.location.z + up_m,
        ),
        Rotation(pitch_deg, place.rotation.yaw + yaw_deg, 0.0),
    )


def seen_from(camera: Transform, place: Transform) -> tuple[float, float]:
    """Return where a place lies from a lens: metres ahead and metres to the right."""
    yaw = math.radians(camera.rotation.yaw)
    dx, dy = place.location.x - camera.location.x, place.location.y - camera.location.y
    return dx * math.cos(yaw) + dy * math.sin(yaw), dy * math.cos(yaw) - dx * math.sin(yaw)


def is_free(
    camera: Transform, places: Sequence[Transform], footprints: Sequence[Footprint], ahead_m: float, skip: int = -1
) -> bool:
    """Return whether no actor stands at the lens or in the `ahead_m` metres before it.

    Args:
        camera: pose of the lens.
        places: N transforms.
        footprints: N boxes.
        ahead_m: metres that must be free.
        skip: index of an actor that does not count, or -1.
    """
    for number, (place, box) in enumerate(zip(places, footprints, strict=True)):
        ahead, right = seen_from(camera, place)
        if number == skip or not -8.0 < ahead < ahead_m + 8.0 or abs(right) > 8.0:
            continue
        turn = math.radians(place.rotation.yaw - camera.rotation.yaw)
        cos, sin = abs(math.cos(turn)), abs(math.sin(turn))
        along = cos * box.half_length_m + sin * box.half_width_m
        across = sin * box.half_length_m + cos * box.half_width_m
        if -along - 0.5 < ahead < ahead_m + along and abs(right) < across + 0.8:
            return False
    return True


def may_see(camera: Transform, place: Transform, half_fov_deg: float) -> bool:
    """Return whether a lens may see a person at a place: generously, up to `SIGHT_M` and a stride outside the image."""
    ahead, right = seen_from(camera, place)
    reach = max(ahead, 0.0) * math.tan(math.radians(min(half_fov_deg, 85.0)))
    return -STRIDE_M < ahead < SIGHT_M and abs(right) < reach + STRIDE_M


def worth(
    camera: Transform,
    places: Sequence[Transform],
    kinds: Sequence[str],
    *,
    view_m: float,
    half_fov_deg: float,
    weights: dict[str, float],
    skip: int = -1,
) -> float:
    """Return how much of interest a view holds: each kind counts once, more when near, a little for each more.

    Args:
        camera: pose of the lens.
        places: N transforms.
        kinds: N kinds of actors.
        view_m: metres beyond which an actor is too small to count.
        half_fov_deg: half of the horizontal field of view.
        weights: worth of each kind; a kind without one counts nothing.
        skip: index of an actor that does not count, or -1.
    """
    best: dict[str, float] = {}
    total = 0.0
    slope = math.tan(math.radians(half_fov_deg)) * 0.9
    for number, (place, kind) in enumerate(zip(places, kinds, strict=True)):
        weight = weights.get(kind, 0.0)
        if number == skip or not weight:
            continue
        ahead, right = seen_from(camera, place)
        if 3.0 < ahead < view_m and abs(right) < ahead * slope:
            near = weight * (1.0 - ahead / view_m) ** 2  # a thing twice as far is a quarter as large
            best[kind] = max(best.get(kind, 0.0), near)
            total += 0.1 * near
    return total + sum(best.values())

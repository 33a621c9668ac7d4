"""Layouts: an episode as a plan in memory, from which each moment can be placed and photographed again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from protocols.carla_rpc.types import Location, Rotation, Transform


@dataclass(frozen=True)
class ActorPlan:
    """Say what one actor is.

    Attributes:
        kind: key of the scenario's traffic, such as `cars` or `pedestrians`.
        blueprint: CARLA's blueprint id.
        attributes: chosen attributes, such as the colour.
        parked: whether it stands at the kerb all the time.
    """

    kind: str
    blueprint: str
    attributes: tuple[tuple[str, str], ...] = ()
    parked: bool = False

    @property
    def walks(self) -> bool:
        """Return whether this actor is a walker, not a vehicle."""
        return self.kind == "pedestrians"

    @property
    def drives(self) -> bool:
        """Return whether this actor is a vehicle in the traffic."""
        return not self.walks and not self.parked


@dataclass(frozen=True)
class Moment:
    """Hold all that moves at one tick of the traffic, for N actors in the order of the layouts.

    Attributes:
        tick: ticks since the episode began.
        places: N transforms in world axes.
        speeds_m_s: N speeds; a walker's gives its gait.
        lights: N sets of CARLA's VehicleLightState bits; 0 for walkers.
        signals: state of each traffic light (CARLA's TrafficLightState), in the order of the layouts.
        camera: pose of the lens in world axes.
        hidden: index of the actor whose place the camera takes, or -1.
    """

    tick: int
    places: tuple[Transform, ...]
    speeds_m_s: tuple[float, ...]
    lights: tuple[int, ...]
    signals: tuple[int, ...]
    camera: Transform
    hidden: int = -1


@dataclass(frozen=True)
class Layouts:
    """Hold the plan of one episode: who takes part, and the moments to be photographed.

    Attributes:
        town: the map it was planned in.
        episode: number of the episode.
        actors: N actors.
        signals: OpenDRIVE id of each traffic light.
        moments: in the order in which they happened.
    """

    town: str
    episode: int
    actors: tuple[ActorPlan, ...]
    signals: tuple[str, ...]
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class Footprint:
    """Hold an actor's box on the ground: half length and half width in metres."""

    half_length_m: float
    half_width_m: float


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

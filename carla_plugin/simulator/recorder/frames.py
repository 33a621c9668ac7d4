"""Frames: what a recording holds of one tick."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from protocols.carla_rpc.types import ActorDescription, Location, Transform, VehicleControl

OTHER, VEHICLE, WALKER, TRAFFIC_LIGHT, HERO = 0, 1, 2, 3, 4  # CARLA's numbers for the kinds of actors


class Birth(NamedTuple):
    """An actor that came into the world."""

    actor: int
    kind: int
    place: Transform
    description: ActorDescription


class Blow(NamedTuple):
    """Two actors that touched; 0 for what stands still."""

    number: int
    first: int
    second: int


class Light(NamedTuple):
    """A traffic light: frozen or not, seconds in its state, state."""

    frozen: bool
    elapsed_s: float
    state: int


class Motion(NamedTuple):
    """Speeds of an actor, in m/s and degrees/s."""

    velocity: Location
    angular_velocity: Location


@dataclass
class Frame:
    """Hold one tick; the keys of all mappings are ids of actors.

    Attributes:
        number: counted from 1.
        duration_s: seconds of this tick.
        elapsed_s: seconds since the recording began.
        births: actors that came.
        deaths: ids of those that went.
        parents: whom actors are fixed to.
        blows: collisions.
        places: where everybody is.
        lights: traffic lights.
        vehicles: pedals and wheels.
        walkers: speeds in m/s along their directions.
        lamps: CARLA's light bits of vehicles.
        motions: speeds.
    """

    number: int
    duration_s: float
    elapsed_s: float
    births: list[Birth] = field(default_factory=list)
    deaths: list[int] = field(default_factory=list)
    parents: dict[int, int] = field(default_factory=dict)
    blows: list[Blow] = field(default_factory=list)
    places: dict[int, Transform] = field(default_factory=dict)
    lights: dict[int, Light] = field(default_factory=dict)
    vehicles: dict[int, VehicleControl] = field(default_factory=dict)
    walkers: dict[int, float] = field(default_factory=dict)
    lamps: dict[int, int] = field(default_factory=dict)
    motions: dict[int, Motion] = field(default_factory=dict)


@dataclass
class Recording:
    """Hold a whole recording.

    Attributes:
        map_name: of the town.
        date_s: seconds since 1970 when it began.
        frames: one a tick.
    """

    map_name: str
    date_s: int
    frames: list[Frame]

    @property
    def duration_s(self) -> float:
        """Return the seconds from the first to the last frame."""
        return self.frames[-1].elapsed_s if self.frames else 0.0

"""Layouts: an episode as data, from which each moment can be placed and photographed again, in any order."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from protocols.carla_rpc.types import Transform

BONE_BYTES = 24
"""Bytes of a bone in a pose: x, y, z in metres, pitch, yaw, roll in degrees, as little-endian float32."""

NAME_LIMIT = 200
SIGNAL_STATES = 5


class _Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Refuse unknown keys and changes."""


class ActorPlan(_Plan, frozen=True):
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


class Pose(_Plan, frozen=True):
    """Hold where the bones of a person are, each within its parent's axes.

    Attributes:
        skeleton: which of the layouts' lists of bone names it goes by.
        bones: `(B, 6)` little-endian float32: metres, then pitch, yaw, roll in degrees.
    """

    skeleton: int
    bones: bytes


class Moment(_Plan, frozen=True):
    """Hold all that moves at one tick of the traffic, for N actors in the order of the layouts.

    Attributes:
        tick: ticks since the episode began.
        places: N transforms in world axes.
        lights: N sets of CARLA's VehicleLightState bits; 0 for walkers.
        poses: N numbers of poses in the layouts; -1 for vehicles, and for people who are out of sight and stand.
        signals: state of each traffic light (CARLA's TrafficLightState), in the order of the layouts.
        cameras: pose of each camera's lens in world axes.
        hidden: index of the actor whose place the cameras take, or -1.
    """

    tick: int
    places: tuple[Transform, ...]
    lights: tuple[int, ...]
    poses: tuple[int, ...]
    signals: tuple[int, ...]
    cameras: tuple[Transform, ...]
    hidden: int = -1


class Layouts(_Plan, frozen=True):
    """Hold the plan of one episode: who takes part, and the moments to be photographed.

    Attributes:
        town: the map it was planned in.
        seed: of the run.
        episode: number of the episode.
        actors: N actors.
        signals: OpenDRIVE id of each traffic light.
        skeletons: lists of bone names.
        poses: people's poses, each once.
        moments: in the order in which they happened.
    """

    town: str
    seed: int
    episode: int
    actors: tuple[ActorPlan, ...]
    signals: tuple[str, ...]
    skeletons: tuple[tuple[str, ...], ...]
    poses: tuple[Pose, ...]
    moments: tuple[Moment, ...]

    def faults(self) -> Iterator[str]:
        """Yield what is wrong in words; nothing where each moment can be placed."""
        for number, actor in enumerate(self.actors):
            begin = "walker.pedestrian." if actor.walks else "vehicle."
            if not actor.blueprint.startswith(begin) or len(actor.blueprint) > NAME_LIMIT:
                yield f"actors[{number}].blueprint: expected one that begins with {begin}, got {actor.blueprint[:60]!r}"
        for number, pose in enumerate(self.poses):
            bones = len(self.skeletons[pose.skeleton]) if 0 <= pose.skeleton < len(self.skeletons) else -1
            if len(pose.bones) != bones * BONE_BYTES:
                yield f"poses[{number}]: expected {max(bones, 0)} bones, got {len(pose.bones)} bytes"
        for number, moment in enumerate(self.moments):
            for fault in self._faults_of(moment):
                yield f"moments[{number}].{fault}"

    def _faults_of(self, moment: Moment) -> Iterator[str]:
        count = len(self.actors)
        for name in ("places", "lights", "poses"):
            if len(getattr(moment, name)) != count:
                yield f"{name}: expected {count}, got {len(getattr(moment, name))}"
        if len(moment.signals) != len(self.signals):
            yield f"signals: expected {len(self.signals)}, got {len(moment.signals)}"
        if not all(0 <= state < SIGNAL_STATES for state in moment.signals):
            yield f"signals: expected 0 to {SIGNAL_STATES - 1}, got another"
        if not all(0 <= lights < 1 << 32 for lights in moment.lights):
            yield "lights: expected 32 bits, got more"
        for actor, pose in zip(self.actors, moment.poses, strict=False):
            if not -1 <= pose < (len(self.poses) if actor.walks else 0):
                yield f"poses: expected -1 or one of {len(self.poses)} for people, -1 for vehicles, got {pose}"
                break
        if not -1 <= moment.hidden < count:
            yield f"hidden: expected -1 to {count - 1}, got {moment.hidden}"
        for name in ("places", "cameras"):
            if not all(is_sane(place) for place in getattr(moment, name)):
                yield f"{name}: expected metres within 1e6 and finite degrees, got others"


@dataclass(frozen=True)
class Footprint:
    """Hold an actor's box on the ground: half length and half width in metres."""

    half_length_m: float
    half_width_m: float


def is_sane(place: Transform) -> bool:
    """Return whether a transform is one that a server can be given."""
    return all(math.isfinite(value) and abs(value) <= 1e6 for part in place for value in part)

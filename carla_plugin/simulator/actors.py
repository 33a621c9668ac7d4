"""Actors: what the simulator keeps of each vehicle, walker, sensor, traffic light and onlooker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from protocols.carla_rpc.types import (
    Actor,
    ActorDescription,
    BoundingBox,
    Location,
    TrafficLightState,
    Transform,
    VehicleControl,
    WalkerControl,
)

Colour = tuple[int, int, int]


@dataclass
class SimActor:
    """Keep what all actors have.

    Attributes:
        id: never used again within an episode.
        description: what it was made from.
        place: in the world.
        box: about its origin, in its own axes.
        tags: CARLA tags it is drawn with.
        parent: id of the actor it is fixed to, 0 for none.
        relative: place within the parent's axes.
    """

    id: int
    description: ActorDescription
    place: Transform
    box: BoundingBox = BoundingBox()
    tags: bytes = b""
    parent: int = 0
    relative: Transform = Transform()
    velocity: Location = Location()
    angular_velocity: Location = Location()
    acceleration: Location = Location()
    seen: Transform | None = None  # where the last tick left it, if it was solid then

    @property
    def token(self) -> bytes:
        """Return the token of its stream; only sensors have one."""
        return b""

    def record(self) -> Actor:
        """Return it as the client keeps it."""
        return Actor(self.id, self.parent, self.description, self.box, self.tags, self.token)

    def attribute(self, name: str, default: str) -> str:
        """Return the value of an attribute it was made with."""
        return next((value.value for value in self.description.attributes if value.id == name), default)

    def stop(self) -> None:
        """Take all motion from it."""
        self.velocity = self.angular_velocity = self.acceleration = Location()


@dataclass
class Vehicle(SimActor):
    """Keep a vehicle; `velocity` (world axes) and `angular_velocity` are what physics goes on from at the next tick."""

    extent: tuple[float, float, float] = (2.0, 1.0, 0.8)
    wheelbase: float = 2.7
    colour: Colour = (128, 128, 128)
    control: VehicleControl = VehicleControl()
    lights: int = 0
    physics_control: list[Any] | None = None  # as a client set it
    chassis: Any = None  # what motion has made of it
    physics: bool = True
    gravity: bool = True
    collides: bool = True
    sticky: bool = True  # keeps its control until the next one comes
    gear: int = 0
    constant_velocity: Location | None = None
    force: Location = Location()  # N, until the next tick
    torque: Location = Location()  # N m in degrees, until the next tick
    ackermann: Any = None  # the controller that drives it, if one does
    ackermann_settings: tuple[float, ...] | None = None
    shown_steer_deg: dict[int, float] = field(default_factory=dict)  # wheels turned by hand
    rest: Any = None  # place and control at which the last tick changed nothing
    signal: tuple[int, int] | None = None  # id and state of the traffic light it stands before
    speed_limit_kmh: float = 30.0  # of the last sign it has passed; CARLA begins with this one


@dataclass
class Walker(SimActor):
    """Keep a person; `place` is the middle of the body, as in CARLA."""

    half_height: float = 0.9
    control: WalkerControl = WalkerControl()
    physics: bool = True
    collides: bool = True
    thrown: Location = Location()  # m/s, by what pushes this person just now
    seated: bool = False  # in a wheelchair
    posture: Any = None  # the pose that a client has taken or set
    blend: float = 0.0  # share of that pose in what is drawn, 0..1; the rest is the gait
    died_s: float | None = None  # simulated second of this person's death
    led: Location | None = None  # m/s at which a client has led this person since the last tick
    was_led: bool = False  # in the last tick
    rising: float | None = None  # m/s upward while in the air


@dataclass
class Prop(SimActor):
    """Keep a thing that stands where it was put; `place` is the middle of its foot."""

    collides: bool = True


@dataclass
class Sensor(SimActor):
    """Keep a sensor: its stream, when it is due, and what its kind has read and remembers."""

    kind: int = 0
    stream: int = 0
    stream_token: bytes = b""
    settings: Any = None
    memory: dict[str, Any] = field(default_factory=dict)
    period_s: float = 0.0
    last_s: float = float("-inf")  # when it was due; credit for being late included
    ignored: frozenset[int] = frozenset()  # ids of actors that it does not see

    @property
    def token(self) -> bytes:
        """Return the token of its stream."""
        return self.stream_token


@dataclass
class Signal(SimActor):
    """Keep a traffic light: `index` is its number in the town."""

    index: int = 0
    sign: str = ""
    junction: int = 0
    group: int = 0
    pole: int = 0  # number among the lights of its crossing
    state: int = TrafficLightState.RED
    elapsed_s: float = 0.0
    times_s: list[float] = field(default_factory=lambda: [10.0, 3.0, 2.0])  # green, yellow, red
    frozen: bool = False


@dataclass
class Sign(SimActor):
    """Keep a traffic sign."""

    sign: str = ""  # its OpenDRIVE id
    speed_kmh: float = 0.0  # the limit it sets, 0 for none
    packed: tuple[Transform | None, bytes] = (None, b"")  # its state as it was last sent, and where it stood then

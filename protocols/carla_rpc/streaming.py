"""Sensor streams as the client of CARLA 0.9.16 reads them: tokens, headers, the state of the world, images."""

from __future__ import annotations

import struct
from typing import NamedTuple

from protocols.carla_rpc.types import Location, Transform, VehicleControl, WalkerControl

WORLD_STREAM = 1
"""Stream of the world's state; sensors count up from 2."""


class SensorType:
    """Numbers of the wheel's own registry; a wrong one crashes the client."""

    COLLISION, DEPTH, NORMALS, DVS, GNSS, IMU, LANE_INVASION, OBSTACLE = range(8)
    OPTICAL_FLOW, RADAR, SEMANTIC_LIDAR, LIDAR, RSS, RGB, SEMANTIC, INSTANCE, COSMOS, WORLD = range(8, 18)


class SimulationState:
    """Bits of the world's state."""

    MAP_CHANGED, LIGHTS_PENDING = 1, 2


ACTOR_ACTIVE = 1

_TOKEN = struct.Struct("<IHBB16s")
_HEADER = struct.Struct("<QQd6f")
_EPISODE = struct.Struct("<Qdf3iI")
_ACTOR = struct.Struct("<IB15f54s")
_VEHICLE = struct.Struct("<3f3BifBBIB")
_WALKER = struct.Struct("<4fB")
_SIGNAL = struct.Struct("<32s4fI2B")
_IMAGE = struct.Struct("<2If")
_LENGTH = struct.Struct("<I")


def token(stream: int, port: int) -> bytes:
    """Return the 24 bytes that tell a client where to subscribe; the address is left to the client's own."""
    return _TOKEN.pack(stream, port, 1, 0, bytes(16))


def framed(*parts: bytes) -> bytes:
    """Return a stream message: length, then the parts."""
    return b"".join((_LENGTH.pack(sum(map(len, parts))), *parts))


def subscription(data: bytes) -> int:
    """Return the stream that a client asks for with its first four bytes."""
    (stream,) = _LENGTH.unpack(data)
    return int(stream)


def header(kind: int, frame: int, timestamp_s: float, place: Transform) -> bytes:
    """Return the 48 bytes that open every message of a sensor.

    Args:
        kind: a `SensorType`.
        frame: the tick it belongs to.
        timestamp_s: simulated seconds since the episode began.
        place: of the sensor, in the world.
    """
    return _HEADER.pack(kind, frame, timestamp_s, *place.location, *place.rotation)


def image(width: int, height: int, fov_deg: float) -> bytes:
    """Return the 12 bytes between header and pixels of a camera's message."""
    return _IMAGE.pack(width, height, fov_deg)


def episode_state(episode: int, timestamp_s: float, step_s: float, state: int) -> bytes:
    """Return the 36 bytes between header and actors of the world's state.

    Args:
        episode: changes with every map that is loaded.
        timestamp_s: sent as the platform's time, so that equal runs are equal.
        step_s: seconds of this tick.
        state: bits of `SimulationState`.
    """
    return _EPISODE.pack(episode, timestamp_s, step_s, 0, 0, 0, state)


class ActorState(NamedTuple):
    """What the world's state says of an actor: m/s, deg/s, m/s^2."""

    id: int
    place: Transform
    velocity: Location = Location()
    angular_velocity: Location = Location()
    acceleration: Location = Location()
    details: bytes = b""


def actor_state(state: ActorState) -> bytes:
    """Return the 119 bytes of an actor in the world's state."""
    return _ACTOR.pack(
        state.id, ACTOR_ACTIVE, *state.place.location, *state.place.rotation, *state.velocity,
        *state.angular_velocity, *state.acceleration, state.details,
    )  # fmt: skip


def vehicle_details(control: VehicleControl, speed_limit_km_h: float, light: tuple[int, int] | None) -> bytes:
    """Return what only a vehicle says of itself.

    Args:
        control: as it is applied.
        speed_limit_km_h: at its place.
        light: id and state of the traffic light it stands before, if any; id 0 for a state that no light shows.
    """
    actor, state = light if light is not None else (0, 2)  # CARLA says green where there is none
    return _VEHICLE.pack(
        control.throttle, control.steer, control.brake, control.hand_brake, control.reverse,
        control.manual_gear_shift, control.gear, speed_limit_km_h, state, actor != 0, actor, 0,
    )  # fmt: skip


def walker_details(control: WalkerControl) -> bytes:
    """Return what only a walker says of itself."""
    return _WALKER.pack(*control.direction, control.speed, control.jump)


def signal_details(
    sign: str, times_s: tuple[float, float, float], elapsed_s: float, pole: int, frozen: bool, state: int
) -> bytes:
    """Return what only a traffic light says of itself.

    Args:
        sign: its OpenDRIVE id, at most 31 bytes.
        times_s: how long it is green, yellow and red.
        elapsed_s: since its state began.
        pole: its number within its group.
        frozen: whether it keeps its state.
        state: a `TrafficLightState`.
    """
    return _SIGNAL.pack(sign.encode()[:31], *times_s, elapsed_s, pole, frozen, state)

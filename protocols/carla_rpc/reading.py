"""Read CARLA's values out of unpacked msgpack arrays, checking every type and length on the way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from protocols.carla_rpc.types import (
    ActorAttributeValue,
    ActorDescription,
    EpisodeSettings,
    Location,
    Rotation,
    Transform,
    VehicleControl,
    WalkerControl,
    WeatherParameters,
)
from protocols.errors import RemoteProtocolError

FLOAT32_MAX = 3.4e38
"""The wire carries float32: a larger number could be taken in and never be sent again."""
FARTHEST = 1e7
"""Metres, or metres a second: a thing farther or faster is a mistake, and float32 has no centimetres left there."""


def number(value: Any, limit: float = FLOAT32_MAX) -> float:
    """Return a float between `-limit` and `limit`.

    Raises:
        RemoteProtocolError: not such a number; so for all that follow.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -limit <= value <= limit:
        raise RemoteProtocolError(f"expected a number within +-{limit:g}, got {value!r}"[:200])
    return float(value)


def integer(value: Any, low: int = -(1 << 63), high: int = (1 << 64) - 1) -> int:
    """Return an integer from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise RemoteProtocolError(f"expected an integer from {low} to {high}, got {value!r}"[:200])
    return value


def boolean(value: Any) -> bool:
    """Return a bool."""
    if not isinstance(value, bool):
        raise RemoteProtocolError(f"expected a bool, got {value!r}"[:200])
    return value


def text(value: Any) -> str:
    """Return a string."""
    if not isinstance(value, str):
        raise RemoteProtocolError(f"expected a string, got {value!r}"[:200])
    return value


def array(value: Any, at_least: int = 0) -> Sequence[Any]:
    """Return a sequence of at least so many members."""
    if not isinstance(value, (list, tuple)) or len(value) < at_least:
        raise RemoteProtocolError(f"expected an array of {at_least} or more, got {value!r}"[:200])
    return value


def location(value: Any) -> Location:
    """Return a point or vector."""
    x, y, z = array(value, 3)[:3]
    return Location(number(x, FARTHEST), number(y, FARTHEST), number(z, FARTHEST))


def rotation(value: Any) -> Rotation:
    """Return angles in degrees."""
    pitch, yaw, roll = array(value, 3)[:3]
    return Rotation(number(pitch), number(yaw), number(roll))


def transform(value: Any) -> Transform:
    """Return a place and direction."""
    place, turn = array(value, 2)[:2]
    return Transform(location(place), rotation(turn))


def weather(value: Any) -> WeatherParameters:
    """Return the 14 weather numbers."""
    return WeatherParameters(*(number(item) for item in array(value, 14)[:14]))


def settings(value: Any) -> EpisodeSettings:
    """Return the world's settings."""
    items = array(value, 11)
    step = array(items[2], 1)
    return EpisodeSettings(
        boolean(items[0]),
        boolean(items[1]),
        (True, number(step[1])) if boolean(step[0]) and len(step) > 1 else (False,),
        boolean(items[3]),
        number(items[4]),
        integer(items[5]),
        number(items[6]),
        boolean(items[7]),
        number(items[8]),
        number(items[9]),
        boolean(items[10]),
    )


def vehicle_control(value: Any) -> VehicleControl:
    """Return pedals and wheel, within their ranges."""
    items = array(value, 7)
    return VehicleControl(
        min(max(number(items[0]), 0.0), 1.0),
        min(max(number(items[1]), -1.0), 1.0),
        min(max(number(items[2]), 0.0), 1.0),
        boolean(items[3]),
        boolean(items[4]),
        boolean(items[5]),
        integer(items[6], -(1 << 31), (1 << 31) - 1),
    )


def walker_control(value: Any) -> WalkerControl:
    """Return where a walker goes."""
    direction, speed, jump = array(value, 3)[:3]
    return WalkerControl(location(direction), number(speed, FARTHEST), boolean(jump))


def description(value: Any) -> ActorDescription:
    """Return what an actor is to be made from."""
    uid, name, attributes = array(value, 3)[:3]
    rows = [array(row, 3) for row in array(attributes)]
    return ActorDescription(
        integer(uid, 0, (1 << 32) - 1),
        text(name),
        tuple(ActorAttributeValue(text(row[0]), integer(row[1], 1, 5), text(row[2])) for row in rows),
    )


def physics_control(value: Any) -> list[Any]:
    """Return what a vehicle is built like: CARLA's 17 members, each wheel's ten within them."""
    items = array(value, 17)

    def pairs(rows: Any) -> list[list[float]]:
        return [[number(part) for part in array(row, 2)[:2]] for row in array(rows)]

    gears = [[number(part) for part in array(row, 3)[:3]] for row in array(items[10])]
    wheels = [[*(number(part) for part in array(wheel, 10)[:9]), location(wheel[9])] for wheel in array(items[15], 1)]
    return [
        pairs(items[0]), *(number(item) for item in items[1:6]), boolean(items[6]), *(number(i) for i in items[7:10]),
        gears, number(items[11]), number(items[12]), location(items[13]), pairs(items[14]), wheels, boolean(items[16]),
    ]  # fmt: skip


def light_flags(value: Any) -> int:
    """Return a vehicle's light bits, sent bare or as an array of one."""
    return integer(array(value, 1)[0] if isinstance(value, (list, tuple)) else value) & 0xFFFFFFFF

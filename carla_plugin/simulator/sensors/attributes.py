"""Attributes: a sensor's words turned into numbers at its birth, or refused with expected and got."""

from __future__ import annotations

from carla_plugin.simulator.actors import SimActor
from carla_plugin.simulator.refusal import CallError


def number(sensor: SimActor, name: str, default: str, low: float, high: float) -> float:
    """Return an attribute as a number.

    Args:
        sensor: whose.
        name: of the attribute.
        default: its value where the description has none.
        low: least value allowed.
        high: greatest value allowed.

    Raises:
        CallError: it is no number, or out of range.
    """
    text = sensor.attribute(name, default)
    try:
        value = float(text.strip().removesuffix("f"))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise CallError(f"{sensor.description.id}: {name} must be {low:g} to {high:g}, not '{text}'")
    return value


def whole(sensor: SimActor, name: str, default: str, low: int, high: int) -> int:
    """Return an attribute as an integer; clients also write it as "64.0".

    Raises:
        CallError: it is no number, or out of range.
    """
    return int(number(sensor, name, default, low, high))


def flag(sensor: SimActor, name: str, default: str) -> bool:
    """Return an attribute that is true or false."""
    return sensor.attribute(name, default).strip().lower() in ("true", "1")

"""Reading what stands beside a road: traffic lights and signs."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from carla_plugin.simulator.roads.document import RoadsError, real, whole, word
from carla_plugin.simulator.roads.network import SignalPost


def read_signals(road: Element, length: float, where: str) -> tuple[SignalPost, ...]:
    """Return signals and references to signals of a road.

    Raises:
        RoadsError: one lies off the road.
    """
    found = []
    for element in road.findall("signals/*"):
        if element.tag not in ("signal", "signalReference"):
            continue
        ident = word(element, "id", where)
        there = f"{where}, signal {ident[:20]}"
        if len(ident.encode()) > 32:
            raise RoadsError(f"{there}: id: expected at most 32 bytes")
        s = real(element, "s", there)
        if not -1.0 <= s <= length + 1.0:
            raise RoadsError(f"{there}: s: expected 0 to {length:g}, got {s:g}")
        found.append(
            SignalPost(
                ident,
                min(max(s, 0.0), length),
                real(element, "t", there),
                real(element, "zOffset", there, 0.0),
                element.get("orientation", "none"),
                element.get("type", ""),
                _number(element, there),
                element.get("unit", "km/h"),
                tuple(
                    (whole(each, "fromLane", there), whole(each, "toLane", there))
                    for each in element.findall("validity")
                ),
                element.tag == "signalReference",
            )
        )
    return tuple(found)


def _number(element: Element, where: str) -> float:
    """Return what is written on a sign: its value, else its subtype, else -1."""
    for name in ("value", "subtype"):
        try:
            value = real(element, name, where, -1.0)
        except RoadsError:
            continue
        if value > 0.0:
            return value
    return -1.0

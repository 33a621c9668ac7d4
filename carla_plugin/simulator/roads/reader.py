"""Reading OpenDRIVE 1.4: what is known is read strictly, what is not supported is refused in one line.

What CARLA's clients leave out when they work out waypoints is left out here, too, so that the ground lies where they
believe it: an offset in the header, superelevation, crossfall.
"""

from __future__ import annotations

from math import pi
from xml.etree.ElementTree import Element

import numpy as np

from carla_plugin.simulator.roads.beside import read_signals
from carla_plugin.simulator.roads.curves import MOST_TURN, Clothoid, Cubic, Profile, ReferenceLine, profile
from carla_plugin.simulator.roads.document import RoadsError, parse, real, whole, word
from carla_plugin.simulator.roads.lanes import read_sections
from carla_plugin.simulator.roads.network import DRIVEN, Link, Network, Road

FARTHEST = 100_000.0  # metres from the origin
MOST_LENGTH = 1_000_000.0  # metres of all roads
KM_H = {"km/h": 1.0, "mph": 1.609344, "m/s": 3.6, "": 3.6}


def read(text: str) -> Network:
    """Return the network of an OpenDRIVE text.

    Raises:
        RoadsError: it is none, or holds what is not supported; the message names element and road.
    """
    root = parse(text)
    if root.tag != "OpenDRIVE":
        raise RoadsError(f"OpenDRIVE: expected <OpenDRIVE>, got <{root.tag[:40]}>")
    roads: dict[int, Road] = {}
    total = 0.0
    for element in root.findall("road"):
        road = _road(element)
        if road.number in roads:
            raise RoadsError(f"road {road.number}: there are two of this id")
        roads[road.number] = road
        total += road.length
    if total > MOST_LENGTH:
        raise RoadsError(
            f"OpenDRIVE: expected roads of at most {MOST_LENGTH / 1000:.0f} km in all, got {total / 1000:.0f}"
        )
    lanes = (lane for road in roads.values() for section in road.sections for lane in section.lanes.values())
    if not any(lane.kind in DRIVEN for lane in lanes):
        raise RoadsError("OpenDRIVE: no road has a lane of type driving")
    return Network(roads, _phases(root))


def _phases(root: Element) -> dict[str, int]:
    """Return for each signal that a controller has the number of that controller, in the order of the file."""
    return {
        word(control, "signalId", "controller"): number
        for number, controller in enumerate(root.findall("controller"))
        for control in controller.findall("control")
    }


def _road(element: Element) -> Road:
    number = whole(element, "id", "road")
    where = f"road {number}"
    length = real(element, "length", where)
    if length <= 0.0:
        raise RoadsError(f"{where}: length: expected more than 0, got {length:g}")
    if element.get("rule", "RHT") != "RHT":
        raise RoadsError(f"{where}: rule: only right-hand traffic (RHT) is supported, got '{element.get('rule')}'")
    link = element.find("link")
    limits = []
    for kind in element.findall("type"):
        speed = kind.find("speed")
        if speed is not None and word(speed, "max", where) not in ("no limit", "undefined"):
            factor = KM_H.get(speed.get("unit", ""), 1.0)
            limits.append((real(kind, "s", where, 0.0), real(speed, "max", where) * factor))
    return Road(
        number,
        length,
        whole(element, "junction", where, -1),
        _line(element, length, where),
        cubics(element.findall("elevationProfile/elevation"), "s", where),
        cubics(element.findall("lanes/laneOffset"), "s", where),
        read_sections(element, length, where),
        _link(link, "predecessor", where),
        _link(link, "successor", where),
        read_signals(element, length, where),
        tuple(limits),
    )


def cubics(elements: list[Element], start: str, where: str) -> Profile:
    """Return the profile that elements with a start and a, b, c, d describe."""
    return profile(
        [(real(each, start, where), *(real(each, name, where, 0.0) for name in "abcd")) for each in elements]  # type: ignore[misc]
    )


def _link(link: Element | None, name: str, where: str) -> Link | None:
    end = None if link is None else link.find(name)
    if end is None:
        return None
    return Link(
        word(end, "elementType", where, "road") == "junction",
        whole(end, "elementId", where),
        end.get("contactPoint", "start") == "start",
    )


def _line(road: Element, length: float, where: str) -> ReferenceLine:
    rows, curves = [], []
    for geometry in sorted(road.findall("planView/geometry"), key=lambda each: real(each, "s", where)):
        row = tuple(real(geometry, name, where) for name in ("s", "x", "y", "hdg"))
        if max(abs(row[1]), abs(row[2])) > FARTHEST:
            raise RoadsError(f"{where}: <geometry>: expected x and y within {FARTHEST / 1000:.0f} km of the origin")
        piece = real(geometry, "length", where)
        if piece < 0.0 or piece > length + 1.0:
            raise RoadsError(f"{where}: <geometry length>: expected 0 to the road's {length:g} m, got {piece:g}")
        if piece > 1e-9:
            rows.append(row)
            curves.append(_curve(geometry, piece, where))
    if not curves:
        raise RoadsError(f"{where}: <planView> has no <geometry>")
    return ReferenceLine(np.array(rows, dtype=np.float64), tuple(curves), length)


def _curve(geometry: Element, length: float, where: str) -> Clothoid | Cubic:
    shapes = [each for each in geometry if each.tag != "userData"]
    if len(shapes) != 1:
        raise RoadsError(f"{where}: <geometry>: expected one shape, got {len(shapes)}")
    shape = shapes[0]
    curve: Clothoid | Cubic
    if shape.tag == "line":
        return Clothoid(0.0, 0.0, length)
    if shape.tag == "arc":
        bend = real(shape, "curvature", where)
        curve = Clothoid(bend, bend, length)
    elif shape.tag == "spiral":
        curve = Clothoid(real(shape, "curvStart", where), real(shape, "curvEnd", where), length)
    elif shape.tag == "poly3":
        v = np.array([real(shape, name, where) for name in "abcd"])
        return Cubic(np.array([0.0, 1.0, 0.0, 0.0]), v, length, length)
    elif shape.tag == "paramPoly3":
        reach = word(shape, "pRange", where, "normalized")
        if reach not in ("normalized", "arcLength"):
            raise RoadsError(f"{where}: <paramPoly3 pRange>: expected arcLength or normalized, got '{reach[:40]}'")
        u, v = (np.array([real(shape, name + axis, where) for name in "abcd"]) for axis in "UV")
        return Cubic(u, v, 1.0 if reach == "normalized" else length, length)
    else:
        raise RoadsError(f"{where}: <{shape.tag[:40]}>: not supported; line, arc, spiral, poly3, paramPoly3 are")
    if (abs(curve.begin) + abs(curve.end)) * length > 2.0 * MOST_TURN:
        raise RoadsError(f"{where}: <{shape.tag}>: turns by more than {MOST_TURN / 2 / pi:.0f} circles")
    return curve

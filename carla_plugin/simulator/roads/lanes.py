"""Reading the lanes of a road: sections, widths, paint, heights."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from carla_plugin.simulator.roads.curves import Profile, profile
from carla_plugin.simulator.roads.document import RoadsError, real, whole, word
from carla_plugin.simulator.roads.network import LANE_TYPES, WALKED, Lane, Mark, Section

MOST_LANES = 64
PAVEMENT_M = 0.15  # a sidewalk lies this much higher than the road where the map does not say
MARKS = frozenset(
    (
        "none", "solid", "broken", "solid solid", "solid broken", "broken solid", "broken broken", "botts dots",
        "grass", "curb", "custom", "edge",
    )
)  # fmt: skip
LINE_M = 0.12


def read_sections(road: Element, length: float, where: str) -> tuple[Section, ...]:
    """Return the sections of a road in order.

    Raises:
        RoadsError: there are none, or one holds what is not supported.
    """
    elements = sorted(road.findall("lanes/laneSection"), key=lambda each: real(each, "s", where))
    starts = [real(each, "s", where) for each in elements]
    if not starts:
        raise RoadsError(f"{where}: <lanes> has no <laneSection>")
    if abs(starts[0]) > 1e-3:
        raise RoadsError(f"{where}: <laneSection>: the first one must begin at 0, not {starts[0]:g}")
    found = []
    for element, start, end in zip(elements, starts, [*starts[1:], length], strict=True):
        if end > start + 1e-6:
            found.append(Section(start, min(end, length), _lanes(element, where)))
    return tuple(found)


def _lanes(section: Element, where: str) -> dict[int, Lane]:
    lanes: dict[int, Lane] = {}
    for name, sign in (("left", 1), ("center", 0), ("right", -1)):
        for element in section.findall(f"{name}/lane"):
            number = whole(element, "id", where)
            if number in lanes or (number > 0) - (number < 0) != sign:
                raise RoadsError(f"{where}: lane {number} does not belong in <{name}>, or is there twice")
            lanes[number] = _lane(element, number, f"{where}, lane {number}")
    if len(lanes) > MOST_LANES:
        raise RoadsError(f"{where}: <laneSection>: expected at most {MOST_LANES} lanes, got {len(lanes)}")
    for sign in (1, -1):
        numbers = sorted(abs(number) for number in lanes if number * sign > 0)
        if numbers != list(range(1, len(numbers) + 1)):
            raise RoadsError(f"{where}: <laneSection>: lane ids must count outward from {sign} without a gap")
    return lanes


def _lane(element: Element, number: int, where: str) -> Lane:
    kind = word(element, "type", where)
    if kind not in LANE_TYPES:
        raise RoadsError(f"{where}: <lane type>: '{kind[:40]}' is none of OpenDRIVE's")
    if element.find("border") is not None:
        raise RoadsError(f"{where}: <border> is not supported; give <width>")
    if number and element.find("width") is None:
        raise RoadsError(f"{where}: <width> is missing")
    height = (PAVEMENT_M, PAVEMENT_M) if kind in WALKED else (0.0, 0.0)
    raised = element.find("height")
    if raised is not None:
        height = (real(raised, "inner", where), real(raised, "outer", where))
        if max(map(abs, height)) > 10.0:
            raise RoadsError(f"{where}: <height>: expected at most 10 m")
    marks = tuple(sorted((_mark(each, where) for each in element.findall("roadMark")), key=lambda mark: mark.offset))
    link = element.find("link")
    return Lane(
        number, kind, _widths(element, where), marks, height, _end(link, "predecessor", where),
        _end(link, "successor", where),
    )  # fmt: skip


def _widths(element: Element, where: str) -> Profile:
    pieces = [
        (
            real(each, "sOffset", where), real(each, "a", where), real(each, "b", where, 0.0),
            real(each, "c", where, 0.0), real(each, "d", where, 0.0),
        )
        for each in element.findall("width")
    ]  # fmt: skip
    return profile(pieces)


def _mark(element: Element, where: str) -> Mark:
    kind = word(element, "type", where)
    if kind not in MARKS:
        raise RoadsError(f"{where}: <roadMark type>: '{kind[:40]}' is none of OpenDRIVE's")
    width = real(element, "width", where, LINE_M)
    return Mark(real(element, "sOffset", where), kind, element.get("color", "standard"), min(max(width, 0.0), 1.0))


def _end(link: Element | None, name: str, where: str) -> int | None:
    end = None if link is None else link.find(name)
    return None if end is None else whole(end, "id", where)

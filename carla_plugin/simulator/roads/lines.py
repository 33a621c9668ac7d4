"""Road paint: the marks on the edges of lanes, a little above the road."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.roads.cloth import Cloth
from carla_plugin.simulator.roads.curves import Floats
from carla_plugin.simulator.roads.network import WALKED, Mark
from carla_plugin.simulator.roads.strips import Strip
from carla_plugin.simulator.town.surface import Paint

LIFT = 0.012  # metres; less flickers
DASH, PERIOD = 3.0, 9.0  # metres
APART = 0.1  # metres of either line of a double one from the edge, beyond half its width
COLOURS = {
    "standard": (226, 226, 220), "white": (226, 226, 220), "yellow": (222, 176, 52), "orange": (222, 130, 40),
    "red": (190, 60, 50), "blue": (70, 100, 170), "green": (70, 140, 80),
}  # fmt: skip


def paint_lines(strip: Strip, cloth: Cloth) -> None:
    """Add the marks of a strip; junctions have none, as in the worlds that CARLA makes."""
    if strip.road.junction >= 0:
        return
    for number, lane in strip.section.lanes.items():
        edge = strip.edges[:, strip.outer(number)].copy()
        edge[:, 2] += LIFT + (0.0 if lane.kind in WALKED else lane.height[1])
        aside = _aside(edge)
        ends = [mark.offset + strip.section.start for mark in lane.marks[1:]] + [strip.section.end]
        for mark, end in zip(lane.marks, ends, strict=False):
            start = mark.offset + strip.section.start
            for shift, dashed in _runs(mark, number):
                _run(strip, edge, aside, (max(start, strip.section.start), end), (shift, mark, dashed), cloth)


def _runs(mark: Mark, number: int) -> Iterator[tuple[float, bool]]:
    """Give (metres to the right of the edge, whether dashed) of a mark's lines; its first word is the inner one."""
    words = [word for word in mark.kind.split() if word in ("solid", "broken")]
    if not mark.width:
        return
    if len(words) == 1:
        yield 0.0, words[0] == "broken"
    for word, side in zip(words, (-1.0, 1.0), strict=False) if len(words) == 2 else ():
        out = -1.0 if number > 0 else 1.0  # outward is left on the left side
        yield side * out * (APART + mark.width / 2.0), word == "broken"


def _run(
    strip: Strip, edge: Floats, aside: Floats, span: tuple[float, float], line: tuple[float, Mark, bool], cloth: Cloth
) -> None:
    """Add one line, solid or dashed, between two distances along the road."""
    (low, high), (shift, mark, dashed) = span, line
    colour = Paint(Material.MARKING, 24, COLOURS.get(mark.colour, COLOURS["standard"]))
    begins = np.arange(low, high - 0.5, PERIOD) if dashed else np.array([low])
    s = strip.stations
    for begin in begins.tolist():
        end = min(begin + DASH, high) if dashed else high
        if end - begin < 0.05:
            continue
        inside = s[(s > begin + 1e-3) & (s < end - 1e-3)]
        stops = np.concatenate([[begin], inside, [end]])
        points, right = _between(s, edge, stops), _between(s, aside, stops)
        half = mark.width / 2.0
        cloth.band(points + right * (shift - half), points + right * (shift + half), colour)


def _between(s: Floats, line: Floats, stops: Floats) -> Floats:
    return np.column_stack([np.interp(stops, s, line[:, axis]) for axis in range(3)])


def _aside(edge: Floats) -> Floats:
    """Return `(S, 3)` unit vectors to the right of a line, level."""
    along = np.gradient(edge[:, :2], axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    return np.column_stack([-along[:, 1], along[:, 0], np.zeros(len(edge))])

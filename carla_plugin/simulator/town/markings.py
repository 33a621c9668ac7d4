"""Road paint: lane lines, stop lines, zebras and parking bays, 12 mm above the asphalt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.town.arrows import draw_arrows
from carla_plugin.simulator.town.plan import STOP_LINE, Line, Link, Plan
from carla_plugin.simulator.town.surface import Paint, Surface

LIFT = 0.012  # metres; less flickers
WHITE = Paint(Material.MARKING, 24, (226, 226, 220))
YELLOW = Paint(Material.MARKING, 24, (222, 176, 52))
_HALF_LINE = 0.07


def draw_markings(surface: Surface, plan: Plan) -> None:
    """Add the paint of every street."""
    for link in plan.links:
        line = plan.line(link.start, link.side)
        white, yellow = _street(plan, link, line)
        surface.rects(_turned(white, line, link), LIFT, WHITE)
        surface.rects(_turned(yellow, line, link), LIFT, YELLOW)
    draw_arrows(surface, plan, LIFT, WHITE)


def _turned(boxes: list[tuple[float, float, float, float]], line: Line, link: Link) -> NDArray[np.float64]:
    """Bring (along low, along high, across low, across high) to (x low, x high, y low, y high)."""
    box = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    box[:, 2:] += line.position
    return box if link.side == 0 else box[:, [2, 3, 0, 1]]


def _street(
    plan: Plan, link: Link, line: Line
) -> tuple[list[tuple[float, float, float, float]], list[tuple[float, float, float, float]]]:
    """Return white and yellow boxes of (along low, along high, across low, across high); across from the middle."""
    low, high = plan.span(link)
    white: list[tuple[float, float, float, float]] = []
    yellow: list[tuple[float, float, float, float]] = []
    zebra_low, zebra_high = len(plan.arms(link.start)) > 2, len(plan.arms(link.end)) > 2
    start = low + STOP_LINE if zebra_low else low
    end = high - STOP_LINE if zebra_high else high
    if line.yellow:
        yellow += [(start, end, offset - _HALF_LINE, offset + _HALF_LINE) for offset in (-0.16, 0.16)]
    else:
        white += _dashes(start, end, 0.0, 3.0, 4.5 if line.speed_kmh > 30 else 3.0)
    for sign in (-1.0, 1.0):
        white += [
            box for lane in range(1, line.lanes) for box in _dashes(start, end, sign * lane * line.lane_width, 3.0, 6.0)
        ]
        edge = sign * (line.driving if line.parking else line.half - 0.25)
        if line.parking:
            white += _bays(start, end, line, sign)
        elif line.lanes > 1:
            white.append((start, end, edge - _HALF_LINE, edge + _HALF_LINE))
    for there, at, inward in ((zebra_low, low, 1.0), (zebra_high, high, -1.0)):
        if there:
            white += _zebra(at + inward * 2.2, line)
            stop = sorted((at + inward * STOP_LINE, at + inward * (STOP_LINE - 0.4)))
            hand = -inward if link.side == 0 else inward  # where those drive who arrive: right-hand traffic
            across = sorted((0.1 * hand, hand * (line.driving - 0.15)))
            white.append((stop[0], stop[1], across[0], across[1]))
    return white, yellow


def _dashes(
    start: float, end: float, across: float, length: float, gap: float
) -> list[tuple[float, float, float, float]]:
    return [
        (float(at), float(min(at + length, end)), across - _HALF_LINE, across + _HALF_LINE)
        for at in np.arange(start + gap / 2, end - 1.0, length + gap)
    ]


def _zebra(middle: float, line: Line) -> list[tuple[float, float, float, float]]:
    count = int(line.half * 2 / 1.0)
    first = -count / 2 * 1.0 + 0.25
    return [(middle - 1.5, middle + 1.5, first + stripe, first + stripe + 0.5) for stripe in range(count)]


def _bays(start: float, end: float, line: Line, sign: float) -> list[tuple[float, float, float, float]]:
    """Return the line beside a parking lane and the strokes between its bays."""
    inner, outer = sorted((sign * line.driving, sign * (line.half - 0.05)))
    boxes = [(start + 4.0, end - 4.0, sign * line.driving - 0.05, sign * line.driving + 0.05)]
    boxes += [(float(at) - 0.05, float(at) + 0.05, inner, outer) for at in np.arange(start + 4.0, end - 3.9, 5.8)]
    return boxes

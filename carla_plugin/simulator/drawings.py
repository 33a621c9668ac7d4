"""Drawings: lines that clients draw into the world; pictures show them, masks do not, as in CARLA."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render import Camera
from carla_plugin.simulator.render.camera import axes
from carla_plugin.simulator.render.lines import draw_segment
from protocols.carla_rpc import reading
from protocols.carla_rpc.types import Location

THICKEST_M = 1.0
MOST_STROKES = 5_000
"""Older ones go first: a program that draws for ever must not fill the memory."""
POINT, LINE, ARROW, BOX = range(4)


class Stroke(NamedTuple):
    """Hold one straight line: ends in world metres, sRGB colour, metres of thickness."""

    start: Location
    end: Location
    colour: tuple[int, int, int]
    thickness: float


class Drawings:
    """Keep the strokes of one episode.

    Attributes:
        shown: what pictures of the last tick show; another object only after a change.
    """

    def __init__(self) -> None:
        """Start with a clean sheet."""
        self.shown: tuple[Stroke, ...] = ()
        self._lasting: list[tuple[float, Stroke]] = []  # until when, seconds of the episode
        self._once: list[Stroke] = []

    def add(self, strokes: Sequence[Stroke], life_s: float, now_s: float) -> None:
        """Draw strokes: for some seconds; for ever with 0; for one tick with less."""
        if life_s < 0.0:
            self._once += strokes
        else:
            until = now_s + life_s if life_s else float("inf")
            self._lasting += [(until, stroke) for stroke in strokes]
            del self._lasting[:-MOST_STROKES]
        del self._once[:-MOST_STROKES]

    def tick(self, now_s: float) -> None:
        """Let a tick pass."""
        if not self._lasting and not self._once and not self.shown:
            return
        self._lasting = [held for held in self._lasting if held[0] >= now_s]
        shown = (*(stroke for _, stroke in self._lasting), *self._once)
        self._once = []
        if shown != self.shown:
            self.shown = shown


def strokes_of(shape: Any) -> list[Stroke]:
    """Return the strokes of CARLA's `DebugShape`; writing and what belongs on a screen has none.

    Raises:
        RemoteProtocolError: not such a shape.
    """
    primitive, colour = reading.array(shape, 4)[:2]
    kind, body = reading.array(primitive, 2)[:2]
    red, green, blue = (reading.integer(part, 0, 255) for part in reading.array(colour, 3)[:3])
    paint, parts = (red, green, blue), reading.array(body)
    if kind == POINT:
        place, size = reading.location(reading.array(parts, 2)[0]), reading.number(parts[1])
        return [Stroke(place, place, paint, size)]
    if kind == LINE:
        return [_line(parts, paint)]
    if kind == ARROW:
        shaft = _line(reading.array(reading.array(parts, 2)[0]), paint)
        return [shaft, *_barbs(shaft, reading.number(parts[1]))]
    return _edges(parts, paint) if kind == BOX else []


def _line(parts: Sequence[Any], colour: tuple[int, int, int]) -> Stroke:
    start, end, thickness = reading.array(parts, 3)[:3]
    return Stroke(reading.location(start), reading.location(end), colour, reading.number(thickness))


def _barbs(shaft: Stroke, size: float) -> list[Stroke]:
    """Return the four lines of an arrow's head."""
    along = np.subtract(shaft.end, shaft.start)
    length = float(np.linalg.norm(along))
    if length == 0.0:
        return []
    along = along / length
    aside = np.cross(along, (0.0, 0.0, 1.0) if abs(along[2]) < 0.9 else (1.0, 0.0, 0.0))
    aside /= np.linalg.norm(aside)
    over = np.cross(aside, along)
    feet = [np.asarray(shaft.end) + size * (side - along) for side in (aside, -aside, over, -over)]
    return [shaft._replace(start=Location(*map(float, foot))) for foot in feet]


def _edges(parts: Sequence[Any], colour: tuple[int, int, int]) -> list[Stroke]:
    """Return the twelve edges of a box."""
    box, turn, thickness = reading.array(parts, 3)[:3]
    place, half = (reading.location(part) for part in reading.array(box, 2)[:2])
    frame, wide = axes(reading.rotation(turn)), reading.number(thickness)
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
    corners = [Location(*map(float, corner)) for corner in (signs * half) @ frame + place]
    pairs = [(a, b) for a in range(8) for b in range(a + 1, 8) if (signs[a] != signs[b]).sum() == 1]
    return [Stroke(corners[a], corners[b], colour, wide) for a, b in pairs]


def paint_over(
    image: NDArray[np.uint8], depth: NDArray[np.float32], camera: Camera, strokes: Sequence[Stroke]
) -> NDArray[np.uint8]:
    """Return a picture with strokes in it where nothing stands before them.

    Args:
        image: `(H, W, 4)` uint8 BGRA.
        depth: `(H, W)` float32 metres along the optical axis.
        camera: that took it.
        strokes: what is drawn.
    """
    out, over = image.copy(), depth.copy()
    forward, right, up = axes(camera.transform.rotation)
    turn, eye = np.stack([right, up, forward]).T, np.asarray(camera.transform.location, dtype=np.float64)
    for stroke in strokes:
        red, green, blue = stroke.colour
        draw_segment(
            out, over, (np.asarray(stroke.start) - eye) @ turn, (np.asarray(stroke.end) - eye) @ turn,
            np.array([blue, green, red], dtype=np.float64), float(camera.focal_px),
            min(max(stroke.thickness, 0.0), THICKEST_M),
        )  # fmt: skip
    return out

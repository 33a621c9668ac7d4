"""The skin of a car: cross sections lofted from nose to tail, with wheel arches, glass, lamps and grille in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.assets.shapes import Colour, as_one, grid, mirrored
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

Curve = tuple[tuple[float, float], ...]
Array = NDArray[np.float64]

BLACK: Colour = (22, 23, 25)
PLASTIC: Colour = (40, 41, 44)
GLASS: Colour = (26, 32, 38)
HEAD: Colour = (235, 238, 240)
TAIL: Colour = (170, 16, 18)

# How the ends round off in plan: metres behind the foremost point, share of the half width.
_ROUND: Curve = ((0.0, 0.0), (0.012, 0.36), (0.045, 0.62), (0.13, 0.86), (0.26, 0.945), (0.5, 0.985), (0.9, 1.0))


@dataclass(frozen=True, kw_only=True)
class Shell:
    """Describe the skin of a car; `s` runs from 0 at the nose to 1 at the tail, heights are shares of the height.

    Attributes:
        top: `(s, height)` of the middle line over hood, windscreen, roof, rear window and boot.
        belt: `(s, height)` of the lower edge of the side windows, and of hood and boot edge.
        bottom: `(s, height)` of the lower edge.
        cowl: s where the windscreen begins.
        roof: s where the roof begins and ends.
        deck: s where the rear window ends.
        windows: (s from, s to) of each side window.
        seams: s of the door gaps.
        roof_width: share of the width at the roof's edge.
        shoulder: share of the width at the belt.
        front_round: scale of the rounding of the nose in plan; 1 is an ordinary car.
        rear_round: the same of the tail.
        front_lean: metres by which the hood's lip stands behind the bumper.
        rear_lean: metres by which the boot's lip stands before the bumper.
        lamp: metres of height of head and tail lamps.
        lamp_inner: share of the half width where the lamps begin.
        grille: colour of what is between the head lamps; None = body colour.
        upper: colour above the belt; None = body colour.
        pillars: colour between the side windows; None = body colour.
        cladding: sills and bumpers in dark plastic.
        rear_glass: whether there is a rear window.
        wheel: radius of the wheels in metres.
        arch: metres between tyre and arch.
        crease_deg: edges sharper than this stay sharp.
        tag: CARLA tag.
    """

    top: Curve
    belt: Curve
    bottom: Curve = ((0.0, 0.17), (0.1, 0.13), (0.9, 0.13), (1.0, 0.19))
    cowl: float
    roof: tuple[float, float]
    deck: float
    windows: Curve
    seams: tuple[float, ...] = ()
    roof_width: float = 0.76
    shoulder: float = 0.955
    front_round: float = 1.0
    rear_round: float = 0.8
    front_lean: float = 0.1
    rear_lean: float = 0.06
    lamp: float = 0.15
    lamp_inner: float = 0.62
    grille: Colour | None = BLACK
    upper: Colour | None = None
    pillars: Colour | None = BLACK
    cladding: bool = False
    rear_glass: bool = True
    wheel: float = 0.32
    arch: float = 0.06
    crease_deg: float = 40.0
    tag: int = 14


@dataclass(frozen=True)
class Sized:
    """Hold a shell with its size in metres: length, width, height, wheelbase."""

    shell: Shell
    length: float
    width: float
    height: float
    wheelbase: float

    def ring(self, s: Array, lift: Array) -> Array:
        """Return `(S, 9, 3)` points of the right half of the cross sections at `s`, lower edge raised to `lift`."""
        shell, high = self.shell, self.height
        top = _curve(shell.top, s) * high
        belt = np.minimum(_curve(shell.belt, s) * high, top)
        bottom = np.maximum(_curve(shell.bottom, s) * high, lift)
        half = self.half_width(s)
        raised = lift > 0
        glasshouse = np.interp(s, [shell.cowl, shell.roof[0], shell.roof[1], shell.deck], [0.0, 1.0, 1.0, 0.0])
        middle = self.width / 2 * np.minimum(1.0, half / (self.width / 2) * 1.02)
        rail = half * 0.9 + (middle * shell.roof_width - half * 0.9) * glasshouse
        inner = half * 0.78 + (middle * shell.roof_width - 0.09 - half * 0.78) * glasshouse
        lip = np.interp(s, [0.0, 0.1, 0.9, 1.0], [shell.lamp, 0.05, 0.05, shell.lamp * 1.1])
        low_lip = np.maximum(belt - lip, bottom + 0.03)
        edge = np.where(raised, 0.0, 0.05)
        tall = np.stack(
            [bottom, bottom, bottom + edge, (bottom + edge) * 0.5 + low_lip * 0.5, low_lip, belt,
             np.maximum(top - 0.012 - 0.035 * glasshouse, belt), np.maximum(top - 0.004, belt), top], axis=1,
        )  # fmt: skip
        wide = np.stack(
            [0 * half, half * 0.92, half * np.where(raised, 1.0, 0.975), half, half * (0.5 + 0.5 * shell.shoulder),
             half * shell.shoulder, rail, inner, 0 * half], axis=1,
        )  # fmt: skip
        back = np.array([0.05, 0.03, 0.0, 0.0, 0.35, 1.0, 1.0, 1.0, 1.0])
        fade_front, fade_rear = np.maximum(1 - s / 0.14, 0), np.maximum(1 - (1 - s) / 0.14, 0)
        x = self.length / 2 - s[:, None] * self.length
        x = x - back * shell.front_lean * fade_front[:, None] + back * shell.rear_lean * fade_rear[:, None]
        return np.stack([x, wide, tall], axis=2)

    def half_width(self, s: Array) -> Array:
        """Return the half width in metres at `s`, the ends rounded in plan."""
        shell = self.shell
        ahead = _curve(_ROUND, s * self.length / shell.front_round)
        behind = _curve(_ROUND, (1 - s) * self.length / shell.rear_round)
        return self.width / 2 * np.minimum(ahead, behind)

    def at(self, s: float, height: float) -> tuple[float, float, float]:
        """Return the point (x, y, z) of the right flank at `s` and `height` metres."""
        ring = self.ring(np.array([s]), np.zeros(1))[0]
        y = float(np.interp(height, ring[1:, 2], ring[1:, 1]))
        return float(np.interp(height, ring[1:, 2], ring[1:, 0])), y, height


def _curve(curve: Curve, s: Array) -> Array:
    points = np.asarray(curve)
    return np.asarray(np.interp(s, points[:, 0], points[:, 1]), dtype=np.float64)


def _ends(sized: Sized) -> list[float]:
    """Return the stations at which the ends round off."""
    front = [metres * sized.shell.front_round / sized.length for metres, _ in _ROUND]
    rear = [1 - metres * sized.shell.rear_round / sized.length for metres, _ in _ROUND]
    return front[:-1] + rear[:-1]


def _lower_stations(sized: Sized) -> tuple[Array, Array]:
    """Return stations of the lower body and how high the wheel arches raise its lower edge there (0 elsewhere)."""
    shell = sized.shell
    radius = shell.wheel + shell.arch
    centres = [0.5 - sized.wheelbase / 2 / sized.length, 0.5 + sized.wheelbase / 2 / sized.length]
    span = radius / sized.length
    plain = [s for s in (*_ends(sized), 0.5) if all(abs(s - centre) > span + 0.004 for centre in centres)]
    stations = [(s, 0.0) for s in plain]
    for centre in centres:
        stations += [(centre - span - 0.001, 0.0), (centre + span + 0.001, 0.0)]
        for angle in np.radians((180, 150, 120, 90, 60, 30, 0)):
            stations.append((centre + np.cos(angle) * span, shell.wheel + radius * np.sin(angle)))
    ordered = np.array(sorted(stations))
    return ordered[:, 0], ordered[:, 1]


def _upper_stations(sized: Sized) -> Array:
    shell = sized.shell
    marks = {shell.cowl, *shell.roof, shell.deck, *(s for s, _ in shell.top)}
    marks |= {edge for window in shell.windows for edge in window}
    marks |= set(_ends(sized))
    ordered = np.array(sorted(marks))
    return np.asarray(ordered[np.concatenate([[True], np.diff(ordered) > 1e-4])], dtype=np.float64)


def skin(sized: Sized, paint: Colour) -> Mesh:
    """Make the skin of a car in `paint`.

    Args:
        sized: shape and size.
        paint: sRGB of the body.
    """
    shell = sized.shell
    s, lift = _lower_stations(sized)
    ring = sized.ring(s, lift)[:, :6]
    lower = _cells(len(s) - 1, 5, paint)
    middle = (s[:-1] + s[1:]) / 2
    share = sized.half_width(middle) / (sized.width / 2)
    front, rear = middle < 0.25, middle > 0.75
    lower.paint(np.s_[:, 0], Material.PLAIN, BLACK)
    if shell.cladding:
        lower.paint(np.s_[:, 1:2], Material.PLAIN, PLASTIC)
    lower.paint((front & (share < 0.75), 2), Material.PLAIN, BLACK)
    lower.paint((rear & (share < 0.97), 2), Material.PLAIN, PLASTIC if shell.cladding else BLACK)
    lower.paint((front | rear, 1), Material.PLAIN, PLASTIC)
    if shell.grille is not None:
        chrome = Material.CHROME if sum(shell.grille) > 300 else Material.PLAIN
        lower.paint((front & (share < shell.lamp_inner), 4), chrome, shell.grille)
    lamps = (share > shell.lamp_inner) & (share < 0.97)
    lower.paint((front & lamps, 4), Material.HEAD_LAMP, HEAD)
    lower.paint((rear & lamps, 4), Material.TAIL_LAMP, TAIL)
    upper_s = _upper_stations(sized)
    upper_ring = sized.ring(upper_s, np.zeros(len(upper_s)))[:, 5:]
    upper = _cells(len(upper_s) - 1, 3, paint)
    centre = (upper_s[:-1] + upper_s[1:]) / 2
    house = (centre > shell.cowl) & (centre < shell.deck)
    if shell.upper is not None:
        upper.paint((house, slice(0, 3)), Material.CAR_PAINT, shell.upper)
    if shell.pillars is not None and shell.windows:
        between = (centre > shell.windows[0][0]) & (centre < shell.windows[-1][1])
        upper.paint((between, 0), Material.PLAIN, shell.pillars)
    for first, last in shell.windows:
        upper.paint(((centre > first) & (centre < last), 0), Material.GLASS, GLASS)
    upper.paint(((centre > shell.cowl) & (centre < shell.roof[0]), 2), Material.GLASS, GLASS)
    if shell.rear_glass:
        upper.paint(((centre > shell.roof[1]) & (centre < shell.deck), 2), Material.GLASS, GLASS)
    right = as_one(
        [grid(ring, (lower.material, shell.tag, lower.colour), crease_deg=shell.crease_deg),
         grid(upper_ring, (upper.material, shell.tag, upper.colour), crease_deg=shell.crease_deg)]
    )  # fmt: skip
    return as_one([right, mirrored(right)])


@dataclass
class _Cells:
    """Hold the material `(S, P)` and the colour `(S, P, 3)` of the cells of a sheet while it is painted."""

    material: NDArray[np.uint8]
    colour: NDArray[np.uint8]

    def paint(self, where: Any, material: Material, colour: Colour) -> None:
        """Give the cells at an index `where` a material and a colour."""
        self.material[where] = material
        self.colour[where] = colour


def _cells(stations: int, points: int, paint: Colour) -> _Cells:
    colour = np.empty((stations, points, 3), np.uint8)
    colour[:] = paint
    return _Cells(np.full((stations, points), Material.CAR_PAINT, np.uint8), colour)

"""Reference lines in the plane: line, arc, spiral, poly3 and paramPoly3, at many distances at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TABLE_STEP = 0.25  # metres between the entries of a table of arc lengths
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
MOST_TURN = 30.0  # radians; the quadrature is exact to rounding below


@dataclass(frozen=True, eq=False)
class Clothoid:
    """A curve whose curvature changes evenly: lines, arcs and spirals.

    Attributes:
        begin: curvature at its begin, 1/m, positive to the left.
        end: at its end.
        length: in metres.
    """

    begin: float
    end: float
    length: float

    def at(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        """Return u, v `(S,)` metres and the heading `(S,)` in radians at distances `(S,)`; it starts at 0 along u."""
        change = (self.end - self.begin) / self.length
        turn = s * (self.begin + change * s / 2.0)
        if self.begin == 0.0 == change:
            return s, np.zeros_like(s), turn
        along = s[:, None] * (_NODES + 1.0) / 2.0
        angle = along * (self.begin + change * along / 2.0)
        half = s / 2.0
        return half * (np.cos(angle) @ _WEIGHTS), half * (np.sin(angle) @ _WEIGHTS), turn


@dataclass(frozen=True, eq=False)
class Cubic:
    """A curve given by two cubic polynomials of a parameter, asked by distance along it.

    Attributes:
        u: `(4,)` coefficients, lowest first.
        v: `(4,)`.
        last: the parameter at its end.
        length: in metres.
    """

    u: Floats
    v: Floats
    last: float
    length: float

    def at(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        """Return u, v `(S,)` metres and the heading `(S,)` in radians at distances `(S,)`."""
        count = max(int(self.length / TABLE_STEP), 8) + 1
        p = np.linspace(0.0, self.last, count)
        run = np.hypot(np.diff(polynomial(self.u, p)), np.diff(polynomial(self.v, p)))
        distance = np.concatenate([[0.0], np.cumsum(run)])
        p = np.interp(s, distance, p)
        heading = np.arctan2(slope(self.v, p), slope(self.u, p))
        return polynomial(self.u, p), polynomial(self.v, p), heading


def polynomial(c: Floats, x: Floats) -> Floats:
    """Return c0 + c1 x + c2 x^2 + c3 x^3; coefficients `(4,)` or `(4, S)`."""
    value: Floats = c[0] + x * (c[1] + x * (c[2] + x * c[3]))
    return value


def slope(c: Floats, x: Floats) -> Floats:
    """Return the derivative of `polynomial`."""
    value: Floats = c[1] + x * (2.0 * c[2] + 3.0 * x * c[3])
    return value


@dataclass(frozen=True, eq=False)
class Profile:
    """A function of distance in cubic pieces; 0 where it says nothing.

    Attributes:
        starts: `(P,)` where each piece begins, ascending, metres.
        coefficients: `(4, P)` of each, lowest first, of the distance from its begin.
    """

    starts: Floats
    coefficients: Floats

    def __call__(self, s: Floats) -> Floats:
        """Return `(S,)` values at distances `(S,)`."""
        return self._of(s, polynomial)

    def slope(self, s: Floats) -> Floats:
        """Return `(S,)` derivatives."""
        return self._of(s, slope)

    def _of(self, s: Floats, function: object) -> Floats:
        if not len(self.starts):
            return np.zeros_like(s)
        piece = np.maximum(np.searchsorted(self.starts, s, side="right") - 1, 0)
        value: Floats = function(self.coefficients[:, piece], s - self.starts[piece])  # type: ignore[operator]
        return value

    @property
    def level(self) -> bool:
        """Return whether it is constant."""
        return bool((self.coefficients[1:] == 0.0).all() and len(set(self.coefficients[0].tolist())) < 2)


def profile(pieces: list[tuple[float, float, float, float, float]]) -> Profile:
    """Make a profile of (start, a, b, c, d), in any order."""
    rows = np.array(sorted(pieces, key=lambda piece: piece[0]), dtype=np.float64).reshape(-1, 5)
    return Profile(rows[:, 0].copy(), rows[:, 1:].T.copy())


@dataclass(frozen=True, eq=False)
class ReferenceLine:
    """A road's reference line in OpenDRIVE's axes: pieces of curves placed in the plane.

    Attributes:
        places: `(G, 4)` s, x, y in metres and heading in radians where each piece begins.
        curves: the pieces.
        length: of the road, metres.
    """

    places: Floats
    curves: tuple[Clothoid | Cubic, ...]
    length: float

    def at(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        """Return x, y `(S,)` metres and the heading `(S,)` in radians at distances `(S,)`."""
        piece = np.clip(np.searchsorted(self.places[:, 0], s, side="right") - 1, 0, len(self.curves) - 1)
        x, y, heading = np.empty_like(s), np.empty_like(s), np.empty_like(s)
        for index in np.unique(piece).tolist():
            chosen = piece == index
            start, x0, y0, turn = self.places[index].tolist()
            curve = self.curves[index]
            u, v, bend = curve.at(np.clip(s[chosen] - start, 0.0, curve.length))
            x[chosen] = x0 + u * np.cos(turn) - v * np.sin(turn)
            y[chosen] = y0 + u * np.sin(turn) + v * np.cos(turn)
            heading[chosen] = turn + bend
        return x, y, heading

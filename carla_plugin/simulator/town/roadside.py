"""What stands on the pavements: lamps, trees, railings, signs, furniture; the middle stays free for people."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from carla_plugin.simulator.assets import street
from carla_plugin.simulator.assets.signals import traffic_sign
from carla_plugin.simulator.town.fronts import plant
from carla_plugin.simulator.town.plan import KERB_HEIGHT, STOP_LINE, Line, Link, Node, Plan
from carla_plugin.simulator.town.scatter import Frame, Scatter, pick

SLOT = 6.5  # metres between things along the kerb
RAIL = 2.0  # metres, of one piece of railing


class Kerb(NamedTuple):
    """One side of one street.

    Attributes:
        frame: origin in the middle of the street, its x axis along the traffic of this side, which is at its right.
        line: widths of the street.
        length: of the street in metres.
        arrives: the crossing this side's traffic comes to.
        link: the street.
    """

    frame: Frame
    line: Line
    length: float
    arrives: Node
    link: Link

    @property
    def post(self) -> float:
        """Where posts stand: metres right of the middle of the street."""
        return self.line.half + 0.55

    @property
    def back(self) -> float:
        """Where things lean at the back of the pavement: metres right of the middle of the street."""
        return self.line.reserve - 0.4


def furnish(plan: Plan, scatter: Scatter, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Stand everything along the streets; return where the lamps shine from, in metres of the plan."""
    lamps: list[tuple[float, float, float]] = []
    for link in plan.links:
        line = plan.line(link.start, link.side)
        low, high = plan.span(link)
        middle = (low + high) / 2
        x, y = (middle, line.position) if link.side == 0 else (line.position, middle)
        height = float(rng.choice([6.5, 7.5, 8.5]))
        kinds = (("round", "plane"), ("birch", "plane"), ("poplar",), ("palm", "round"))[int(rng.integers(4))]
        planted = bool(rng.random() < 0.65)
        for side, arrives in ((0, link.end), (1, link.start)):
            frame = Frame(x, y, 90.0 * link.side + 180.0 * side)
            kerb = Kerb(frame, line, high - low, arrives, link)
            railed = rng.random() < 0.4 and not line.verge
            _along(scatter, rng, kerb, height, kinds if planted else (), 1 + 2 * side, lamps)
            if railed:
                _railing(scatter, rng, kerb)
            _signs(plan, scatter, rng, kerb)
    return lamps


def _along(
    scatter: Scatter, rng: np.random.Generator, kerb: Kerb, height: float, kinds: tuple[str, ...], lamp_slot: int,
    lamps: list[tuple[float, float, float]],
) -> None:  # fmt: skip
    """Stand lamps, trees, small signs and furniture slot by slot."""
    count = int((kerb.length - 10.0) / SLOT)
    first = -(count - 1) * SLOT / 2
    for index in range(count):
        ahead = first + index * SLOT
        if index % 4 == lamp_slot:
            lamp = street.street_lamp(height)
            there = scatter.put(lamp.mesh, kerb.frame, ahead, kerb.post, -90.0)
            lamps.append((*there.at(lamp.head[0], lamp.head[1]), lamp.head[2] + KERB_HEIGHT))
        elif kinds and index % 2 == 0:
            plant(scatter, rng, Frame(*kerb.frame.at(ahead, kerb.post + 0.2), 0.0), 0.0, 0.0, kinds, 5.0, 8.0)
        if rng.random() < 0.3:
            _sign(
                scatter,
                rng,
                kerb,
                ahead + SLOT / 2,
                pick(rng, "info", "speed", "info", "no_entry", "priority", "give_way"),
            )
        if rng.random() < 0.4:
            _furniture(scatter, rng, kerb, ahead + 2.0)


def _furniture(scatter: Scatter, rng: np.random.Generator, kerb: Kerb, ahead: float) -> None:
    seed = int(rng.integers(8))
    frame, front, back = kerb.frame, kerb.post, kerb.back
    roomy = kerb.line.walk >= 3.3 and abs(ahead) < kerb.length / 2 - 14.0
    kinds = ["bench", "bin", "hydrant", "planter", "letter_box", "cabinet", "bollards"]
    kind = pick(rng, *kinds, *(["bus_stop", "parasol"] if roomy else []))
    if kind == "bollards":
        for step in (-1.6, 0.0, 1.6):
            scatter.put(street.bollard(), frame, ahead + step, front - 0.2)
    elif kind == "bus_stop":
        scatter.put(street.bus_stop(seed), frame, ahead, back - 0.4, -90.0)
    elif kind == "parasol":
        scatter.put(street.parasol(seed), frame, ahead, back - 0.3, -90.0)
    elif kind == "planter":
        scatter.put(street.planter(seed), frame, ahead, back)
    elif kind in ("bin", "hydrant"):
        scatter.put((street.bin_ if kind == "bin" else street.hydrant)(seed), frame, ahead, front, -90.0)
    else:
        make = {"bench": street.bench, "letter_box": street.letter_box, "cabinet": street.cabinet}[kind]
        scatter.put(make(seed), frame, ahead, back, -90.0)


def _railing(scatter: Scatter, rng: np.random.Generator, kerb: Kerb) -> None:
    """Stand a railing at the kerb, in stretches before and after the crossings or all along."""
    half = kerb.length / 2
    reach = half if rng.random() < 0.4 else float(rng.choice([14.0, 20.0]))
    kind = "bars" if rng.random() < 0.7 else "mesh"
    for ahead in np.arange(-half + 5.0, half - STOP_LINE - RAIL, RAIL).tolist():
        if half - abs(ahead + RAIL / 2) < reach:
            scatter.put(street.fence(RAIL, 1.1, kind), kerb.frame, ahead + RAIL / 2, kerb.line.half + 0.25)


def _signs(plan: Plan, scatter: Scatter, rng: np.random.Generator, kerb: Kerb) -> None:
    """Stand the signs where this side's traffic arrives, and the limit where it begins."""
    if len(plan.arms(kerb.arrives)) > 2:
        before = kerb.length / 2 - STOP_LINE - 0.6
        if kerb.arrives not in plan.signalled:
            crossing = plan.line(kerb.arrives, kerb.link.side + 1)
            main = (kerb.line.lanes, kerb.line.position) >= (crossing.lanes, crossing.position)
            _sign(scatter, rng, kerb, before, "priority" if main else "give_way")
        _sign(scatter, rng, kerb, before - 11.0, pick(rng, "info", "info", "no_entry"))
    _sign(scatter, rng, kerb, -kerb.length / 2 + 7.0, "speed")


def _sign(scatter: Scatter, rng: np.random.Generator, kerb: Kerb, ahead: float, kind: str) -> None:
    """Stand a sign that faces this side's traffic."""
    height = float(rng.choice([2.0, 2.2, 2.5]))
    limit = kerb.line.limit_kmh if kind == "speed" else 0
    sign = traffic_sign(kind, int(rng.integers(4)), height, limit)
    scatter.put(sign, kerb.frame, ahead, kerb.post, 180.0)

"""What stands on the pavements: lamps, trees, signs and furniture; nothing in the middle, where people walk."""

from __future__ import annotations

import numpy as np

from carla_plugin.simulator.assets import street
from carla_plugin.simulator.assets.signals import traffic_sign
from carla_plugin.simulator.assets.vegetation import tree
from carla_plugin.simulator.town.plan import KERB_HEIGHT, STOP_LINE, Link, Plan
from carla_plugin.simulator.town.scatter import Frame, Scatter, pick


def furnish(plan: Plan, scatter: Scatter, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Stand everything along the streets; return where the lamps shine from, in world metres."""
    lamps: list[tuple[float, float, float]] = []
    for link in plan.links:
        _along(plan, scatter, rng, link, lamps)
    return lamps


def _along(
    plan: Plan, scatter: Scatter, rng: np.random.Generator, link: Link, lamps: list[tuple[float, float, float]]
) -> None:
    line = plan.line(link.start, link.side)
    low, high = plan.span(link)
    length = high - low
    middle = (low + high) / 2
    kinds = ("round", "plane", "birch") if rng.random() < 0.7 else ("poplar", "conifer", "palm")
    planted = rng.random() < 0.7
    height = float(rng.choice([6.5, 7.5, 8.5]))
    for sign in (1, -1):
        # A frame in the middle of the street that looks along the traffic of this side; the side is at its right.
        yaw = 90.0 * link.side + (0.0 if sign > 0 else 180.0)
        x, y = (middle, line.position) if link.side == 0 else (line.position, middle)
        frame = Frame(x, y, yaw)
        arrives = link.end if sign > 0 else link.start
        kerb = line.half + 0.55
        back = line.reserve - 0.4
        slot = 6.5
        count = int((length - 10.0) / slot)
        first = -(count - 1) * slot / 2
        for index in range(count):
            ahead = first + index * slot
            if index % 4 == (1 if sign > 0 else 3):
                lamp = street.street_lamp(height)
                there = scatter.put(lamp.mesh, frame, ahead, kerb, -90.0)
                x, y = there.at(lamp.head[0], lamp.head[1])
                lamps.append((x, y, lamp.head[2] + KERB_HEIGHT))
            elif planted and index % 2 == 0:
                mesh = tree(pick(rng, *kinds), float(rng.integers(5, 9)), int(rng.integers(4)))
                scatter.put(mesh.seeded(int(rng.integers(1 << 31))), frame, ahead, kerb + 0.2)
            elif rng.random() < 0.35:
                sign_kind = pick(rng, "info", "speed", "info", "no_entry")
                scatter.put(traffic_sign(sign_kind, int(rng.integers(4))), frame, ahead, kerb, 180.0)
            if rng.random() < 0.3:
                _furniture(scatter, rng, frame, ahead + 2.0, kerb, back)
        _signs(plan, scatter, rng, frame, length, kerb, arrives, link)


def _furniture(
    scatter: Scatter, rng: np.random.Generator, frame: Frame, ahead: float, kerb: float, back: float
) -> None:
    kind = pick(rng, "bench", "bin", "hydrant", "planter", "letter_box", "cabinet", "bollard")
    seed = int(rng.integers(4))
    if kind == "bench":
        scatter.put(street.bench(seed), frame, ahead, back, -90.0)
    elif kind == "cabinet":
        scatter.put(street.cabinet(seed), frame, ahead, back, -90.0)
    elif kind == "planter":
        scatter.put(street.planter(seed), frame, ahead, back)
    elif kind == "bin":
        scatter.put(street.bin_(seed), frame, ahead, kerb, -90.0)
    elif kind == "hydrant":
        scatter.put(street.hydrant(seed), frame, ahead, kerb, -90.0)
    elif kind == "letter_box":
        scatter.put(street.letter_box(seed), frame, ahead, back, -90.0)
    else:
        for step in (-1.6, 0.0, 1.6):
            scatter.put(street.bollard(), frame, ahead + step, kerb - 0.2)


def _signs(
    plan: Plan,
    scatter: Scatter,
    rng: np.random.Generator,
    frame: Frame,
    length: float,
    kerb: float,
    arrives: object,
    link: Link,
) -> None:
    """Stand the signs at the end where this side's traffic arrives, and the limit where it begins."""
    node = link.end if arrives == link.end else link.start
    if len(plan.arms(node)) > 2 and node not in plan.signalled:
        line = plan.line(node, link.side)
        crossing = plan.line(node, link.side + 1)
        main = (line.lanes, line.position) >= (crossing.lanes, crossing.position)
        kind = "priority" if main else "give_way"
        scatter.put(traffic_sign(kind, 0), frame, length / 2 - STOP_LINE - 0.3, kerb, 180.0)
    scatter.put(traffic_sign("speed", int(rng.integers(4))), frame, -length / 2 + 7.0, kerb, 180.0)

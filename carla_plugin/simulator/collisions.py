"""Collisions: who may not go where he wants, and what each blow does to speed and turning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator import contact
from carla_plugin.simulator.obstacles import Obstacles, Touch
from protocols.carla_rpc.types import Location

Floats = NDArray[np.float64]

BOUNCE = 0.1  # share of the closing speed that is given back
SCRAPE = 0.05  # share of the speed that a tick of scraping along a post takes
PUT_M_S = 0.5  # closing speed that is told of bodies put into one another at rest
ROUNDS = 8  # in which those who are held back may be in the way of others


class Collision(NamedTuple):
    """Describe one blow, as one of its parties feels it.

    Attributes:
        actor: id of who feels it.
        other: id of the other party, 0 for what stands still.
        tag: CARLA tag of what stands still, 0 for an actor.
        part: number of what stands still in the town's mesh, -1 for an actor.
        impulse: N s, along the normal of the contact, toward `actor`.
        place: of the contact, metres.
    """

    actor: int
    other: int
    tag: int
    part: int
    impulse: Location
    place: Location


@dataclass
class Crowd:
    """Hold N solid bodies during one tick.

    Attributes:
        ids: of the actors.
        now: `(N, 8)` boxes before the tick.
        then: `(N, 8)` boxes where they want to be; where they may be, in the end.
        velocity: `(N, 2)` m/s on the plan, changed by blows.
        spin: `(N,)` rad/s, changed by blows.
        lightness: `(N,)` 1/kg; 0 for what nothing moves.
        nimbleness: `(N,)` 1/(kg m^2); 0 for what nothing turns.
        gives_way: `(N,)` bool: who is pushed aside by a vehicle rather than stopping it.
    """

    ids: Sequence[int]
    now: Floats
    then: Floats
    velocity: Floats
    spin: Floats
    lightness: Floats
    nimbleness: Floats
    gives_way: NDArray[np.bool_]


def resolve(crowd: Crowd, obstacles: Obstacles, seconds: float) -> tuple[list[Collision], NDArray[np.bool_]]:
    """Let bodies move as far as nothing is in their way; who already overlaps another may go on, so that it can leave.

    Args:
        crowd: changed in place: `then`, `velocity`, `spin`.
        obstacles: what stands still.
        seconds: of the tick.

    Returns:
        The blows in the order of the bodies, each told by both its parties; and `(N,)` bool, who was held back.
    """
    blows: list[Collision] = []
    changed = np.zeros(len(crowd.ids), dtype=np.bool_)
    moved = (crowd.now[:, :4] != crowd.then[:, :4]).any(axis=1)
    for number in np.flatnonzero(obstacles.hit(crowd.then, moved)).tolist():
        if not obstacles.reach(crowd.then[number]):
            continue
        before = {touch.part for touch in obstacles.touches(crowd.now[number])}
        touches = [touch for touch in obstacles.touches(crowd.then[number]) if touch.part not in before]
        if touches:
            blows += _against_walls(crowd, number, touches, obstacles, seconds)
            changed[number] = True
    told: set[tuple[int, int]] = set()
    for _ in range(ROUNDS):
        held = False
        moved = (crowd.now[:, :4] != crowd.then[:, :4]).any(axis=1)
        for one, other in contact.pairs(crowd.then, moved).tolist():
            if contact.overlaps(crowd.now[one], crowd.now[other]):
                continue
            if (one, other) not in told:
                told.add((one, other))
                blows += _against_each_other(crowd, one, other)
            for number in _give_way(crowd, one, other):
                changed[number] = held = True
        if not held:
            break
    else:
        changed |= moved
        crowd.then[:] = crowd.now
    return blows, changed


def met(crowd: Crowd, was: Floats, arrived: NDArray[np.bool_]) -> list[Collision]:
    """Return the blows of those who were put into one another since the last tick; they may leave, but not unfelt.

    Args:
        crowd: before the tick; `velocity` and `spin` are changed.
        was: `(N, 8)` boxes where the last tick left them.
        arrived: `(N,)` bool, who was put somewhere since.
    """
    blows: list[Collision] = []
    for one, other in contact.pairs(crowd.now, arrived).tolist():
        loose = crowd.lightness[one] + crowd.lightness[other] > 0.0
        if loose and not contact.overlaps(was[one], was[other]):
            blows += _against_each_other(crowd, one, other, least=PUT_M_S)
    return blows


def _give_way(crowd: Crowd, one: int, other: int) -> list[int]:
    """Hold back whose own way leads into the other, or push aside who gives way; return whose place has changed."""
    for light, heavy in ((one, other), (other, one)):
        if (
            crowd.gives_way[light]
            and not crowd.gives_way[heavy]
            and contact.overlaps(crowd.then[heavy], crowd.now[light])
        ):
            apart, x, y = contact.gap(crowd.now[light], crowd.then[heavy])
            crowd.then[light, :2] = crowd.now[light, :2] + (0.02 - apart) * np.array([x, y])
            return [light]
    alone = contact.overlaps(crowd.then[one], crowd.now[other]), contact.overlaps(crowd.now[one], crowd.then[other])
    guilty = [number for number, is_guilty in zip((one, other), alone, strict=True) if is_guilty] or [one, other]
    for number in guilty:
        crowd.then[number] = crowd.now[number]
    return guilty


def _against_each_other(crowd: Crowd, one: int, other: int, least: float = 0.0) -> list[Collision]:
    """Exchange the impulse between two bodies along the axis that parted them, told as of `least` m/s at least."""
    _, x, y = contact.gap(crowd.now[one], crowd.now[other])
    point = _between(crowd.then[one], crowd.then[other])
    normal = np.array([x, y])
    size = _strike(crowd, (one, other), point, normal)
    if size <= 0.0 and least > 0.0:
        size = least / float(crowd.lightness[one] + crowd.lightness[other])
    if size <= 0.0:
        return []
    z = float(min(crowd.then[one, 6], crowd.then[other, 6])) + 0.5
    place = Location(float(point[0]), float(point[1]), z)
    push = Location(float(size * x), float(size * y), 0.0)
    back = Location(-push.x, -push.y, 0.0)
    return [
        Collision(crowd.ids[one], crowd.ids[other], 0, -1, push, place),
        Collision(crowd.ids[other], crowd.ids[one], 0, -1, back, place),
    ]


def _against_walls(
    crowd: Crowd, number: int, touches: Sequence[Touch], obstacles: Obstacles, seconds: float
) -> list[Collision]:
    """Stop a body at what stands still, or let it scrape past or slide along."""
    blows = []
    for touch in touches:
        normal = np.array(touch.normal)
        size = _strike(crowd, (number, -1), np.array([touch.x, touch.y]), normal)
        if touch.graze > 0.0 and crowd.lightness[number] > 0.0:
            size += SCRAPE * float(np.hypot(*crowd.velocity[number])) / float(crowd.lightness[number])
            crowd.velocity[number] *= 1.0 - SCRAPE
        if size > 0.0:
            push = Location(float(size * normal[0]), float(size * normal[1]), 0.0)
            place = Location(touch.x, touch.y, float(crowd.now[number, 6]) + 0.5)
            blows.append(Collision(crowd.ids[number], 0, touch.tag, touch.part, push, place))
    if not blows:  # nothing but its turning led it there
        crowd.velocity[number], crowd.spin[number] = 0.0, 0.0
    past, slid = crowd.then[number].copy(), crowd.now[number].copy()
    past[:2] += np.sum([touch.graze * np.array(touch.normal) for touch in touches], axis=0)
    slid[:2] += crowd.velocity[number] * seconds
    ways = [past, slid] if all(touch.graze > 0.0 for touch in touches) else [slid]
    free = ~obstacles.hit(np.array(ways), np.ones(len(ways), dtype=np.bool_))
    crowd.then[number] = ways[int(free.argmax())] if free.any() else crowd.now[number]
    return blows


def _strike(crowd: Crowd, bodies: tuple[int, int], point: Floats, normal: Floats) -> float:
    """Give two bodies (or one and the ground, -1) what stops them from closing in at a point; return it in N s."""
    closing, yielding = 0.0, 0.0
    arms = []
    for number, sign in zip(bodies, (1.0, -1.0), strict=True):
        if number < 0:
            continue
        arm = point - crowd.now[number, :2]
        turning = float(arm[0] * normal[1] - arm[1] * normal[0])
        speed = crowd.velocity[number] + crowd.spin[number] * np.array([-arm[1], arm[0]])
        closing -= sign * float(speed @ normal)
        yielding += float(crowd.lightness[number]) + float(crowd.nimbleness[number]) * turning * turning
        arms.append((number, sign, turning))
    if closing <= 0.0 or yielding <= 0.0:
        return 0.0
    size = (1.0 + BOUNCE) * closing / yielding
    for number, sign, turning in arms:
        crowd.velocity[number] += sign * size * crowd.lightness[number] * normal
        crowd.spin[number] += sign * size * crowd.nimbleness[number] * turning
    return size


def _between(a: Floats, b: Floats) -> Floats:
    """Return the middle of the corners of two boxes that lie in the other, or the middle of both."""
    inside = [corner for box, other in ((a, b), (b, a)) for corner in _corners(box) if _holds(other, corner)]
    return np.asarray(np.mean(inside, axis=0) if inside else (a[:2] + b[:2]) / 2.0)


def _corners(box: Floats) -> list[Floats]:
    forward, right = box[2:4] * box[4], np.array([-box[3], box[2]]) * box[5]
    return [box[:2] + along * forward + across * right for along in (-1, 1) for across in (-1, 1)]


def _holds(box: Floats, point: Floats) -> bool:
    dx, dy = point - box[:2]
    return bool(abs(dx * box[2] + dy * box[3]) <= box[4] and abs(dy * box[2] - dx * box[3]) <= box[5])

"""Settling: tick until pictures of one weather differ by no more than their own grain, and tell what they did."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from carla_plugin.defences import Defences
from carla_plugin.pixels import Shot, difference, ground_of
from carla_plugin.refusals import LateError, UnsettledError
from carla_plugin.scenario_parts import Settle

QUANTUM = 0.2
"""Levels, root mean square, that count as none: 62 dB, a fifth of what rounding to 8 bits can do."""

SPREAD = 1.5
"""How many times the grain between successive pictures those further apart may differ: noise does not add up."""

PATIENCE_S = 2.0
"""Simulated seconds until a weather that shows no difference at all counts as late."""


DRIFT = 1
"""Levels by which any pixel may differ after a second: clouds never rest, and light the ground."""

LONG_CHANGE, SPOT = 3.0, 32
"""How far clouds may have changed the ground after a whole bundle, in levels, and any pixel of it: lamps do more."""

HOPELESS = 2
"""So many second looks in a row at another mask, and what moves is no weather: nobody need wait for the ceiling."""


class Ticking(Protocol):
    """What settling needs of a stage."""

    def tick(self) -> int:
        """Advance by one step and return the frame number."""

    def take(self, frame: int) -> Sequence[Shot]:
        """Return what each camera saw in that frame."""


@dataclass(frozen=True, eq=False)
class Look:
    """Hold pictures that have settled.

    Attributes:
        frame: their frame number.
        shots: one for each camera.
        ticks: it took so many.
        change: how far the last two pictures differed, in levels, of the camera where it was most.
        grain: how far successive pictures differed while nothing else changed, in levels.
    """

    frame: int
    shots: Sequence[Shot]
    ticks: int
    change: float
    grain: float


def apart(one: Sequence[Shot], other: Sequence[Shot], defences: Defences, dead: int = 0) -> float:
    """Return how far two looks of all cameras differ, in levels, of the camera where it is most.

    Args:
        one: V shots.
        other: V shots.
        defences: that are on.
        dead: levels that do not count where clouds are reckoned with, see `difference`.
    """
    return max(_apart(first, second, defences, dead) for first, second in zip(one, other, strict=True))


def _apart(one: Shot, other: Shot, defences: Defences, dead: int) -> float:
    whole = difference(one.image, other.image)
    if whole == 0.0 or not defences.sky_apart:
        return whole
    return difference(one.image, other.image, ground_of(other.tags), dead)


def changed(first: Look, again: Look, defences: Defences) -> tuple[float, bool]:
    """Return how far two looks at one appearance differ, in levels, and whether that is too much.

    Args:
        first: before the other appearances.
        again: after them.
        defences: that are on.
    """
    grain = SPREAD * max(first.grain, again.grain)
    change = apart(first.shots, again.shots, defences)
    if not defences.sky_apart:
        return change, change > max(QUANTUM, grain)
    spots = apart(first.shots, again.shots, defences, SPOT) if change > QUANTUM else 0.0
    return change, change > max(LONG_CHANGE, grain) or spots > max(QUANTUM, grain)


def settled(
    stage: Ticking,
    settle: Settle,
    name: str,
    *,
    step_s: float,
    second_look: bool,
    before: Sequence[Shot] | None,
    defences: Defences,
) -> Look:
    """Tick until the pictures have settled.

    Pictures that do not change from tick to tick are settled, unless a second look is asked for. Those that do change
    are settled when they differ from those of a second ago by no more than from those of a tick ago: that is grain,
    while what drifts adds up.

    Args:
        stage: what is looked at.
        settle: floor, ceiling and the most grain.
        name: of the appearance, for messages.
        step_s: simulated seconds of a tick.
        second_look: whether to look once more a simulated second later.
        before: the last pictures under another weather in the same place, which these must not equal, or None.
        defences: that are on.

    Raises:
        UnsettledError: they still changed after the ceiling of ticks.
        LateError: they never came to differ from those before, or images of another frame were delivered.
    """
    span = max(1, round(settle.second_look_s / step_s)) if settle.second_look_s else 1
    patience = max(settle.floor_ticks, span) + round(PATIENCE_S / step_s)
    ticks, change, late, swaying = 1, 0.0, False, 0
    last = anchor = _taken(stage, name)
    anchored, changes = ticks, list[float]()
    while ticks < max(settle.ceiling_ticks, 2):
        wait = span if second_look or change > QUANTUM else 1
        upto = ticks + 1
        if defences.patient and ticks < settle.floor_ticks - span:
            upto = settle.floor_ticks - span  # what happens before it is of no interest
        elif defences.patient and changes and change <= QUANTUM:  # it rests, and must until the second look
            upto = max(settle.floor_ticks, anchored + wait)
        skipped = max(0, min(upto, settle.ceiling_ticks) - ticks - 1)
        for _ in range(skipped):
            stage.tick()
        taken = _taken(stage, name)
        ticks += skipped + 1
        was, change = change, apart(last[1], taken[1], defences)
        if not defences.patient:
            old = before is not None and apart(before, last[1], defences) <= QUANTUM
            return _hasty(name, taken, ticks, change, old)
        if change <= QUANTUM < was:  # it came to rest: from here on it must stay as it is
            anchor, anchored, changes = last, ticks - 1, []
        if not skipped:
            changes.append(change)
        last = taken
        if ticks <= settle.floor_ticks - span:
            anchor, anchored, changes = taken, ticks, []
        if ticks < settle.floor_ticks or ticks - anchored < (span if second_look or change > QUANTUM else 1):
            continue
        grain = statistics.median(changes or [0.0])
        limit = max(QUANTUM, SPREAD * grain)
        if grain <= settle.grain and apart(anchor[1], taken[1], defences, DRIFT) <= limit:
            late = before is not None and apart(before, taken[1], defences) <= limit
            if not late:
                return Look(*taken, ticks, change, grain)
            if ticks > patience:
                break
            anchor, anchored, changes = taken, ticks, []
        else:
            swaying = swaying + 1 if _masks_differ(anchor[1], taken[1]) else 0
            if swaying >= HOPELESS:
                break
            anchor, anchored, changes, late = taken, ticks, [], False
    if late:
        raise LateError(f"expected {name} to look other than the appearance before, it does not after {ticks} ticks")
    unsettled = UnsettledError(
        f"expected a settled image of {name} within {settle.ceiling_ticks} ticks, "
        f"after {ticks} it still changes by {change:.2f} levels a tick"
    )
    unsettled.masks_too = swaying > 0
    raise unsettled


def _taken(stage: Ticking, name: str) -> tuple[int, Sequence[Shot]]:
    """Tick and return frame and pictures, all of which must be of that frame."""
    frame = stage.tick()
    shots = stage.take(frame)
    foreign = sorted({each for shot in shots for each in shot.frames} - {frame})
    if foreign:
        raise LateError(f"expected images of {name} of frame {frame}, got such of frame {foreign[0]}")
    return frame, shots


def _masks_differ(one: Sequence[Shot], other: Sequence[Shot]) -> bool:
    return any(not np.array_equal(first.tags, second.tags) for first, second in zip(one, other, strict=True))


def _hasty(name: str, taken: tuple[int, Sequence[Shot]], ticks: int, change: float, old: bool) -> Look:
    """Return pictures that were not waited for, if the last two are alike and not those of the weather before."""
    if old:
        raise LateError(f"expected an image of {name}, got one of the appearance before")
    if change > QUANTUM:
        raise UnsettledError(f"expected a settled image of {name} at once, it changes by {change:.2f} levels a tick")
    return Look(*taken, ticks, change, change)

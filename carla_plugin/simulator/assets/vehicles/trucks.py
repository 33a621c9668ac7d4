"""Trucks and buses: a cab or a long coach, what it carries, and wheels under it."""

from __future__ import annotations

from typing import NamedTuple

from carla_plugin.simulator.assets.shapes import Colour, Finish, as_one, box, extruded, mirrored
from carla_plugin.simulator.assets.vehicles.catalogue import Model
from carla_plugin.simulator.assets.vehicles.wheels import wheel
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

DARK: Colour = (38, 40, 43)
GLASS: Colour = (26, 32, 38)
WHITE: Colour = (232, 232, 228)
RED: Colour = (186, 22, 24)
BLUE: Colour = (30, 70, 200)
SILVER: Colour = (176, 180, 184)

TRUCK, BUS = 15, 16
FLOOR_M = 0.55  # of the load, above the ground


class Build(NamedTuple):
    """Describe how a truck is divided; lengths and heights are shares of the whole.

    Attributes:
        cab: length of the cab.
        cab_height: height of the cab.
        nose: length of the slope of the windscreen.
        load: height of the load's body, 0 for none.
        load_colour: of the load; None = the paint's.
        wheel: radius in metres.
        tag: CARLA tag.
    """

    cab: float
    cab_height: float
    nose: float
    load: float
    load_colour: Colour | None
    wheel: float
    tag: int = TRUCK


BUILDS: dict[str, Build] = {
    "boxtruck": Build(0.34, 0.86, 0.10, 1.0, None, 0.42),
    "hgv": Build(0.27, 0.84, 0.02, 1.0, WHITE, 0.50),
    "firetruck": Build(0.30, 0.86, 0.02, 0.94, None, 0.50),
    "ambulance": Build(0.36, 0.78, 0.12, 0.94, WHITE, 0.38),
    "bus": Build(1.0, 0.97, 0.02, 0.0, None, 0.50, BUS),
}


def truck(model: Model, paint: Colour) -> Mesh:
    """Make a truck or bus of a family in `BUILDS`, sized as `model` says, in `paint`."""
    build = BUILDS[model.family]
    front, half = model.length / 2, model.width / 2 - 0.03
    parts = [_chassis(model, build), *_cab(model, build, paint), *_wheels(model, build), *_lamps(model, build)]
    if build.load:
        parts += _load(model, build, paint)
    if model.family in ("firetruck", "ambulance"):
        beacon = Finish(Material.PLAIN, build.tag, BLUE)
        x = front - model.length * build.cab * 0.7
        parts.append(box((x, 0, model.height * build.cab_height + 0.06), (0.3, 1.3, 0.12), beacon))
    if model.family == "firetruck":
        ladder = Finish(Material.METAL, build.tag, SILVER)
        rungs = [
            box((-0.6 + 0.45 * i - front / 2, 0, model.height - 0.05), (0.06, 0.7, 0.05), ladder) for i in range(11)
        ]
        rail = box((-front * 0.3, 0.35, model.height - 0.06), (model.length * 0.6, 0.07, 0.1), ladder)
        parts += [*rungs, rail, mirrored(rail)]
        stripe = Finish(Material.PLAIN, build.tag, WHITE)
        side = box((-0.15 * model.length, half - 0.005, model.height * 0.42), (model.length * 0.66, 0.03, 0.22), stripe)
        parts += [side, mirrored(side)]
    return as_one(parts)


def _chassis(model: Model, build: Build) -> Mesh:
    finish = Finish(Material.PLAIN, build.tag, DARK)
    return box((0, 0, 0.55), (model.length - 0.1, model.width * 0.72, 0.34), finish)


def _cab(model: Model, build: Build, paint: Colour) -> list[Mesh]:
    """Make the cab: its side profile drawn out to the width, with glass on it."""
    tag, top, half = build.tag, model.height * build.cab_height, model.width / 2 - 0.06
    front = model.length / 2 - 0.03
    back, slope, floor = front - model.length * build.cab + 0.02, model.length * build.nose, 0.38
    belt = floor + (top - floor) * (0.36 if build.nose > 0.05 else 0.42)
    hood = front - slope * 0.45
    shape = [(front, floor), (front, belt - 0.12), (hood, belt), (front - slope - 0.08, top - 0.12),
             (front - slope - 0.25, top), (back, top), (back, floor)]  # fmt: skip
    parts = [extruded(shape, half, Finish(Material.CAR_PAINT, tag, paint))]
    glass, dark = Finish(Material.GLASS, tag, GLASS), Finish(Material.PLAIN, tag, DARK)
    high = top - 0.24
    screen = [
        (hood + 0.012, belt + 0.03), (front - slope - 0.06, high), (front - slope - 0.12, high),
        (hood - 0.06, belt + 0.03),
    ]  # fmt: skip
    parts.append(extruded(screen, half - 0.1, glass))
    if build.tag == BUS:
        parts += _coach_windows(model, front, back, top, belt, half, glass)
    else:
        long = min(1.15, front - back - slope - 0.2)
        window = box(
            (front - slope - 0.12 - long / 2, half, (belt + high) / 2), (long, 0.03, high - belt - 0.06), glass
        )
        parts += [window, mirrored(window)]
    mirror = box((front - 0.15, half + 0.0, belt + 0.35), (0.1, 0.06, 0.4), dark)
    grille = box((front, 0, floor + 0.38), (0.04, model.width * 0.55, 0.3), dark)
    bumper = box((front - 0.06, 0, 0.42), (0.16, model.width - 0.08, 0.26), dark)
    return [*parts, mirror, mirrored(mirror), grille, bumper]


def _coach_windows(
    model: Model, front: float, back: float, top: float, belt: float, half: float, glass: Finish
) -> list[Mesh]:
    """Make a bus's row of windows and its doors."""
    high, found = top - 0.35, []
    count = max(4, round((front - back) / 1.4))
    step = (front - back - 0.8) / count
    for number in range(count):
        x = front - 0.6 - step * (number + 0.5)
        door = number in (0, count // 2)
        low = 0.5 if door else belt
        found.append(box((x, half, (low + high) / 2), (step - 0.12, 0.03, high - low), glass))
        window = box((x, half, (belt + high) / 2), (step - 0.12, 0.03, high - belt), glass)
        found.append(mirrored(window))
    found.append(box((back, 0, (belt + high) / 2 + 0.1), (0.03, model.width * 0.75, high - belt - 0.3), glass))
    sign = Finish(Material.PLAIN, BUS, (250, 190, 60))
    found.append(box((front - 0.06, 0, top - 0.12), (0.1, model.width * 0.5, 0.16), sign))
    return found


def _load(model: Model, build: Build, paint: Colour) -> list[Mesh]:
    """Make the box behind the cab, with doors at its end."""
    top, front = model.height * build.load, model.length / 2
    start, end = front - model.length * build.cab - 0.12, -front + 0.04
    colour = build.load_colour or paint
    body = box(
        ((start + end) / 2, 0, (top + FLOOR_M) / 2 + 0.05), (start - end, model.width - 0.05, top - FLOOR_M - 0.1),
        Finish(Material.CAR_PAINT, build.tag, colour), bevel=0.04,
    )  # fmt: skip
    dark = Finish(Material.PLAIN, build.tag, DARK)
    gap = box((end - 0.005, 0, (top + FLOOR_M) / 2), (0.02, 0.03, top - FLOOR_M - 0.3), dark)
    under = box((end + 0.1, 0, 0.42), (0.1, model.width - 0.2, 0.12), dark)
    trim = [
        box(((start + end) / 2, 0, z), (start - end + 0.02, model.width - 0.03, 0.05), dark)
        for z in (FLOOR_M + 0.1, top - 0.03)
    ]
    parts = [body, gap, under, *trim]
    if model.family == "ambulance":
        stripe = box(
            ((start + end) / 2, model.width / 2, top * 0.55), (start - end - 0.1, 0.02, 0.25),
            Finish(Material.PLAIN, build.tag, RED),
        )  # fmt: skip
        parts += [stripe, mirrored(stripe)]
    return parts


def _wheels(model: Model, build: Build) -> list[Mesh]:
    """Make a front axle and one or two behind."""
    breadth = 0.62 * build.wheel
    right = wheel(build.wheel, breadth, build.tag).placed(0, model.width / 2 - breadth / 2, build.wheel)
    pair = as_one([right, mirrored(right)])
    places = [model.wheelbase / 2, -model.wheelbase / 2]
    if model.length > 7.5 and build.tag == TRUCK:
        places.append(-model.wheelbase / 2 - 2.2 * build.wheel)
    return [pair.placed(x, 0) for x in places]


def _lamps(model: Model, build: Build) -> list[Mesh]:
    front, half = model.length / 2, model.width / 2
    head = box(
        (front - 0.01, half - 0.28, 0.78), (0.05, 0.3, 0.18), Finish(Material.HEAD_LAMP, build.tag, (235, 238, 240))
    )
    tail = box(
        (-front + 0.02, half - 0.22, 0.72), (0.04, 0.2, 0.26), Finish(Material.TAIL_LAMP, build.tag, (170, 16, 18))
    )
    return [head, mirrored(head), tail, mirrored(tail)]

"""Bicycles and motorcycles with the people who ride them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from carla_plugin.simulator.assets.people import Joints, seated
from carla_plugin.simulator.assets.people_body import Look, body, look_of
from carla_plugin.simulator.assets.shapes import Colour, Finish, as_one, ball, box, pipe, tube, turned
from carla_plugin.simulator.assets.vehicles.catalogue import Model
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

RIDER, MOTORCYCLE, BICYCLE = 13, 18, 19
BLACK: Colour = (24, 24, 26)
SILVER: Colour = (176, 180, 184)


def two_wheeler(model: Model, paint: Colour) -> Mesh:
    """Make a two-wheeler of a family in `FAMILIES`, sized as `model` says, and its rider."""
    machine, joints, look = FAMILIES[model.family](model, paint)
    rider = body(joints, look, RIDER)
    seat, reach = float(joints.pelvis[2]), float(rider.vertices[:, 2].max())
    if reach > model.height:  # a rider who is taller than the vehicle's box sits lower
        squeeze = np.diag([1.0, 1.0, (model.height - seat) / (reach - seat)])
        upper = rider.vertices[:, 2] > seat
        lower = turned(rider, squeeze, (0.0, 0.0, seat * (1.0 - squeeze[2, 2])))
        rider = replace(rider, vertices=np.where(upper[:, None], lower.vertices, rider.vertices))
    return as_one([*machine, rider])


def _wheel(x: float, radius: float, tyre: float, tag: int, spokes: int) -> list[Mesh]:
    """Make a wheel in the x-z plane: tyre, rim, hub and spokes."""
    angle = np.linspace(0.0, 2 * math.pi, 19)
    ring = np.stack([np.cos(angle), np.zeros_like(angle), np.sin(angle)], axis=1)
    centre = np.array([x, 0.0, radius])
    rubber, metal = Finish(Material.RUBBER, tag, BLACK), Finish(Material.CHROME, tag, SILVER)
    parts = [pipe(centre + ring * (radius - tyre), tyre, rubber, sides=5, caps=False)]
    parts.append(pipe(centre + ring * (radius - 2.1 * tyre), tyre * 0.45, metal, sides=4, caps=False))
    for number in range(spokes):
        turn = 2 * math.pi * number / spokes
        end = centre + np.array([math.cos(turn), 0.0, math.sin(turn)]) * (radius - 2 * tyre)
        parts.append(tube(centre, end, 0.004 + 0.10 * tyre, metal, sides=3, caps=False))
    parts.append(tube(centre - [0, 0.05, 0], centre + [0, 0.05, 0], 0.03 + tyre * 0.3, metal, sides=6))
    return parts


def _bicycle(model: Model, paint: Colour) -> tuple[list[Mesh], Joints, Look]:
    radius = (model.length - model.wheelbase) / 2
    rear, front = -model.wheelbase / 2, model.wheelbase / 2
    frame, black = Finish(Material.CAR_PAINT, BICYCLE, paint), Finish(Material.PLAIN, BICYCLE, BLACK)
    metal = Finish(Material.CHROME, BICYCLE, SILVER)
    crank, saddle = np.array([-0.06, 0.0, 0.29]), np.array([-0.24, 0.0, 0.92])
    head, low = np.array([front - 0.17, 0.0, 0.88]), np.array([front - 0.12, 0.0, 0.66])
    bar = head + [0.04, 0.0, 0.12]
    lines = [(crank, saddle, 0.019), (crank, low, 0.021), (saddle - [-0.03, 0, 0.14], head - [0, 0, 0.04], 0.019)]
    parts = [*_wheel(rear, radius, 0.022, BICYCLE, 10), *_wheel(front, radius, 0.022, BICYCLE, 10)]
    parts += [tube(a, b, r, frame, sides=6) for a, b, r in lines]
    for side in (-0.055, 0.055):
        hub = np.array([rear, side, radius])
        parts += [tube(hub, crank + [0, side * 0.6, 0], 0.011, frame, sides=4),
                  tube(hub, saddle + [0.02, side * 0.4, -0.12], 0.010, frame, sides=4),
                  tube(low + [0, side * 0.7, 0], (front, side, radius), 0.012, frame, sides=4)]  # fmt: skip
    parts += [
        tube(low, bar, 0.02, frame, sides=6),
        tube(bar - [0, 0.27, 0], bar + [0, 0.27, 0], 0.014, black, sides=5),
        box((saddle[0], 0.0, saddle[2] + 0.03), (0.26, 0.14, 0.06), black, bevel=0.03),
        tube(crank - [0, 0.1, 0], crank + [0, 0.1, 0], 0.07, metal, sides=9),
        box(
            (-model.length / 2 + 0.06, 0.0, 0.72),
            (0.04, 0.06, 0.05),
            Finish(Material.TAIL_LAMP, BICYCLE, (170, 16, 18)),
        ),
        box((front - 0.02, 0.0, 0.84), (0.05, 0.07, 0.07), Finish(Material.HEAD_LAMP, BICYCLE, (235, 238, 240))),
    ]
    feet = ((crank[0] + 0.16, 0.11, crank[2] - 0.1), (crank[0] - 0.12, -0.11, crank[2] + 0.13))
    joints = seated(1.74, (saddle[0], 0.0, saddle[2] + 0.1), 28.0, (bar[0] + 0.03, 0.24, bar[2] + 0.03), feet)
    return parts, joints, look_of(paint[0] + 3 * paint[1])._replace(extra="")


def _motorcycle(model: Model, paint: Colour, *, style: str) -> tuple[list[Mesh], Joints, Look]:
    tag, radius = MOTORCYCLE, (model.length - model.wheelbase) / 2
    rear, front = -model.wheelbase / 2, model.wheelbase / 2
    painted, black = Finish(Material.CAR_PAINT, tag, paint), Finish(Material.PLAIN, tag, BLACK)
    metal = Finish(Material.CHROME, tag, SILVER)
    red = Finish(Material.TAIL_LAMP, tag, (170, 16, 18))
    sport, scooter = style == "sportbike", style == "scooter"
    seat = 0.78 if sport else 0.72 if scooter else 0.66
    bar = np.array([front - (0.34 if sport else 0.42), 0.0, 0.92 if sport else 1.0])
    tyre = 0.075 if not scooter else 0.06
    parts = [*_wheel(rear, radius, tyre, tag, 5), *_wheel(front, radius, tyre, tag, 5)]
    for side in (-0.1, 0.1):
        parts.append(tube((front, side, radius), bar + [-0.02, side * 0.6, -0.06], 0.028, metal, sides=6))
        parts.append(tube((rear, side, radius), (-0.05, side, 0.42), 0.03, black, sides=5))
    parts += [
        box((rear + 0.06, 0.0, seat - 0.03), (0.75, 0.26, 0.12), black, bevel=0.05),
        tube(bar - [0, 0.33, 0], bar + [0, 0.33, 0], 0.018, black, sides=5),
        box((front - 0.02, 0.0, 2 * radius + 0.02), (0.4, 0.16, 0.05), painted, bevel=0.03),
        box((rear - 0.2, 0.0, seat - 0.05), (0.3, 0.2, 0.1), painted, bevel=0.04),
        box((-model.length / 2 + 0.1, 0.0, seat - 0.06), (0.05, 0.16, 0.07), red),
        ball((bar[0] + 0.14, 0.0, bar[2] - 0.1), (0.09, 0.11, 0.1), Finish(Material.HEAD_LAMP, tag, (235, 238, 240)),
             sides=8, rings=5),
    ]  # fmt: skip
    if scooter:
        parts += [
            box((0.12, 0.0, 0.27), (0.55, 0.36, 0.08), painted),
            box((front - 0.3, 0.0, 0.6), (0.1, 0.44, 0.7), painted, bevel=0.04),
            box((rear + 0.08, 0.0, 0.48), (0.78, 0.34, 0.38), painted, bevel=0.06),
        ]
        feet = ((0.18, 0.13, 0.36), (0.18, -0.13, 0.36))
        joints = seated(1.72, (rear + 0.22, 0.0, seat + 0.12), 6.0, (bar[0], 0.3, bar[2]), feet)
    else:
        parts += [
            ball((0.14, 0.0, seat + 0.07), (0.3, 0.16, 0.15), painted, sides=10, rings=6),
            box((0.02, 0.0, 0.45), (0.5, 0.3, 0.4), Finish(Material.METAL, tag, (88, 90, 94)), bevel=0.06),
            tube((0.1, 0.18, 0.28), (rear - 0.1, 0.2, 0.38), 0.05, metal, sides=7),
        ]
        if sport:
            parts.append(ball((bar[0] + 0.05, 0.0, 0.8), (0.25, 0.17, 0.21), painted, sides=10, rings=6))
            parts.append(box((0.05, 0.0, 0.38), (0.7, 0.34, 0.3), painted, bevel=0.08))
        feet = ((-0.16, 0.18, 0.34), (-0.16, -0.18, 0.34)) if sport else ((0.34, 0.2, 0.3), (0.34, -0.2, 0.3))
        joints = seated(1.76, (-0.22, 0.0, seat + 0.1), 42.0 if sport else 4.0, (bar[0], 0.3, bar[2]), feet)
    look = look_of(paint[0] + paint[2])
    return parts, joints, look._replace(extra="helmet", legs=(34, 34, 38))


def _sportbike(model: Model, paint: Colour) -> tuple[list[Mesh], Joints, Look]:
    return _motorcycle(model, paint, style="sportbike")


def _cruiser(model: Model, paint: Colour) -> tuple[list[Mesh], Joints, Look]:
    return _motorcycle(model, paint, style="cruiser")


def _scooter(model: Model, paint: Colour) -> tuple[list[Mesh], Joints, Look]:
    return _motorcycle(model, paint, style="scooter")


FAMILIES = {"bicycle": _bicycle, "sportbike": _sportbike, "cruiser": _cruiser, "scooter": _scooter}

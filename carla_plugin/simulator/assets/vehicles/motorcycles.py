"""Motorcycles: sport bikes, cruisers and scooters, with riders who wear helmets."""

from __future__ import annotations

import numpy as np

from carla_plugin.simulator.assets.people import seated
from carla_plugin.simulator.assets.people_body import Look, look_of
from carla_plugin.simulator.assets.shapes import Colour, Finish, Point, ball, box, extruded, pipe, tube
from carla_plugin.simulator.assets.vehicles.catalogue import Model
from carla_plugin.simulator.assets.vehicles.two_wheeler_parts import BLACK, SILVER, Ridden, mudguard, wheel
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

MOTORCYCLE = 18
HEAD = Finish(Material.HEAD_LAMP, MOTORCYCLE, (235, 238, 240))
TAIL = Finish(Material.TAIL_LAMP, MOTORCYCLE, (190, 16, 18))
DARK = Finish(Material.PLAIN, MOTORCYCLE, BLACK)
CHROME = Finish(Material.CHROME, MOTORCYCLE, SILVER)
ENGINE = Finish(Material.METAL, MOTORCYCLE, (88, 90, 94))
LEATHER = Finish(Material.PLAIN, MOTORCYCLE, (58, 40, 30))
PANE = Finish(Material.GLASS, MOTORCYCLE, (40, 46, 54))


def _axles(model: Model) -> tuple[float, float, float]:
    """Return x of the rear and of the front axle and the radius of the wheels, metres."""
    return -model.wheelbase / 2, model.wheelbase / 2, (model.length - model.wheelbase) / 2


def _rider_look(paint: Colour) -> Look:
    look = look_of(paint[0] + paint[2])
    return look._replace(extra="helmet", legs=(34, 34, 38), shoes=(30, 28, 28))


def _both(start: Point, end: Point, radius: float, finish: Finish) -> list[Mesh]:
    """Make a bar on the right side and its mirror image on the left."""
    flip = np.array([1.0, -1.0, 1.0])
    return [tube(start * turn, end * turn, radius, finish, sides=6, caps=False) for turn in (np.ones(3), flip)]


def _handlebar(x: float, z: float, half: float, sweep: float) -> list[Mesh]:
    """Make grips that reach `half` to each side, drawn back by `sweep`, and mirrors."""
    bar = pipe([[x - sweep, -half, z + 0.02], [x, -0.12, z], [x, 0.12, z], [x - sweep, half, z + 0.02]], 0.02, DARK,
               sides=5)  # fmt: skip
    stalks = _both((x, 0.5 * half, z), (x + 0.02, 0.85 * half, z + 0.14), 0.009, DARK)
    mirrors = [ball((x + 0.02, side * 0.85 * half, z + 0.17), (0.02, 0.06, 0.04), DARK, sides=6, rings=3)
               for side in (-1.0, 1.0)]  # fmt: skip
    return [bar, *stalks, *mirrors]


def sportbike(model: Model, paint: Colour) -> Ridden:
    """Make a faired sport bike with a rider bent over its tank."""
    rear, front, radius = _axles(model)
    painted = Finish(Material.CAR_PAINT, MOTORCYCLE, paint)
    nose = [(front - 0.46, 0.58), (front - 0.16, 0.60), (front + 0.02, 0.74), (front - 0.12, 0.90),
            (front - 0.40, 0.92)]  # fmt: skip
    belly = [(-0.30, 0.22), (0.26, 0.22), (front - 0.32, 0.40), (front - 0.34, 0.66), (-0.02, 0.66)]
    tail = [(-0.12, 0.62), (-0.06, 0.78), (rear - 0.06, 0.97), (rear - 0.16, 0.95), (rear - 0.12, 0.86)]
    screen = [(front - 0.40, 0.91), (front - 0.12, 0.89), (front - 0.30, 1.06), (front - 0.34, 1.06)]
    parts = [
        *wheel(rear, radius, 0.085, MOTORCYCLE, 5), *wheel(front, radius, 0.065, MOTORCYCLE, 5),
        *_both((front, 0.10, radius), (front - 0.28, 0.09, 0.90), 0.028, CHROME),
        *_both((rear, 0.11, radius), (-0.08, 0.09, 0.45), 0.035, ENGINE),
        *_handlebar(front - 0.33, 0.92, 0.32, 0.08),
        extruded(nose, 0.19, painted, taper=0.07), extruded(belly, 0.19, painted, taper=0.03),
        extruded(tail, 0.13, painted, taper=0.05), extruded(screen, 0.13, PANE, taper=0.05),
        ball((0.06, 0.0, 0.80), (0.27, 0.16, 0.15), painted, sides=10, rings=6),
        box((-0.28, 0.0, 0.80), (0.38, 0.24, 0.10), DARK, bevel=0.03),
        box((-0.10, 0.0, 0.50), (0.40, 0.22, 0.36), ENGINE),
        box((front + 0.0, 0.0, 0.74), (0.06, 0.24, 0.07), HEAD),
        box((rear - 0.16, 0.0, 0.91), (0.05, 0.15, 0.06), TAIL),
        *_both((rear - 0.02, 0.03, 0.86), (rear - 0.20, 0.03, 0.74), 0.014, DARK),
        box((rear - 0.21, 0.0, 0.74), (0.02, 0.17, 0.12), Finish(Material.PLAIN, MOTORCYCLE, (226, 226, 220))),
        tube((-0.10, 0.19, 0.32), (rear - 0.14, 0.21, 0.56), 0.05, CHROME, end_radius=0.06, sides=8),
        mudguard(front, radius, 0.075, painted, 40.0, 150.0), mudguard(rear, radius, 0.09, DARK, 60.0, 140.0),
    ]  # fmt: skip
    feet = ((-0.36, 0.21, 0.42), (-0.36, -0.21, 0.42))
    joints = seated(1.76, (-0.30, 0.0, 0.92), 46.0, (front - 0.40, 0.29, 0.96), feet)
    return Ridden(parts, joints, _rider_look(paint))


def cruiser(model: Model, paint: Colour) -> Ridden:
    """Make a long, low cruiser with saddle bags and a rider who leans back."""
    rear, front, radius = _axles(model)
    painted = Finish(Material.CAR_PAINT, MOTORCYCLE, paint)
    bar = front - 0.46
    parts = [
        *wheel(rear, radius, 0.085, MOTORCYCLE, 8), *wheel(front, radius, 0.065, MOTORCYCLE, 8),
        *_both((front, 0.10, radius), (bar, 0.09, 1.00), 0.030, CHROME),
        *_both((rear, 0.12, radius), (-0.15, 0.10, 0.40), 0.03, ENGINE),
        *_both((0.30, 0.09, 0.24), (bar, 0.05, 0.86), 0.025, DARK),
        *_both((0.30, 0.09, 0.24), (-0.3, 0.09, 0.26), 0.025, DARK),
        *_handlebar(bar - 0.02, 1.08, 0.40, 0.16),
        ball((0.16, 0.0, 0.77), (0.34, 0.17, 0.14), painted, sides=10, rings=6),
        ball((0.04, 0.0, 0.36), (0.24, 0.17, 0.15), ENGINE, sides=8, rings=4),
        tube((0.08, 0.0, 0.40), (0.22, 0.0, 0.68), 0.10, CHROME, sides=9),
        tube((0.0, 0.0, 0.40), (-0.12, 0.0, 0.66), 0.10, CHROME, sides=9),
        ball((-0.30, 0.0, 0.68), (0.28, 0.18, 0.08), DARK, sides=8, rings=5),
        ball((-0.68, 0.0, 0.76), (0.20, 0.14, 0.07), DARK, sides=8, rings=4),
        mudguard(rear, radius, 0.12, painted, 35.0, 165.0), mudguard(front, radius, 0.085, painted, 40.0, 160.0),
        ball((bar + 0.16, 0.0, 0.92), (0.10, 0.11, 0.11), HEAD, sides=8, rings=5),
        box((rear - 0.33, 0.0, 0.62), (0.08, 0.16, 0.08), TAIL),
    ]  # fmt: skip
    for side in (-1.0, 1.0):
        parts += [box((rear + 0.02, side * 0.23, 0.56), (0.44, 0.14, 0.28), LEATHER, bevel=0.02),
                  box((0.36, side * 0.22, 0.28), (0.26, 0.12, 0.03), DARK)]  # fmt: skip
    for low in (0.24, 0.33):
        parts.append(tube((0.06, 0.2, low), (rear - 0.22, 0.22, low + 0.02), 0.04, CHROME, sides=7))
    feet = ((0.34, 0.22, 0.35), (0.34, -0.22, 0.35))
    joints = seated(1.80, (-0.28, 0.0, 0.82), 4.0, (bar - 0.17, 0.38, 1.12), feet)
    return Ridden(parts, joints, _rider_look(paint))


def scooter(model: Model, paint: Colour) -> Ridden:
    """Make a scooter with a leg shield and a rider whose feet stand side by side."""
    rear, front, radius = _axles(model)
    painted = Finish(Material.CAR_PAINT, MOTORCYCLE, paint)
    shield = [(front - 0.40, 0.26), (front - 0.30, 0.26), (front - 0.19, 0.90), (front - 0.27, 0.92)]
    rump = [(-0.14, 0.24), (-0.06, 0.30), (-0.10, 0.70), (rear - 0.16, 0.72), (rear - 0.27, 0.60), (rear - 0.20, 0.40)]
    parts = [
        *wheel(rear, radius, 0.06, MOTORCYCLE, 5), *wheel(front, radius, 0.06, MOTORCYCLE, 5),
        tube((front, 0.0, radius + 0.12), (front - 0.26, 0.0, 0.95), 0.05, painted, sides=7),
        *_both((front, 0.075, radius), (front - 0.04, 0.06, radius + 0.30), 0.022, CHROME),
        *_handlebar(front - 0.27, 1.02, 0.34, 0.08),
        extruded(shield, 0.24, painted, taper=0.07), extruded(rump, 0.15, painted, taper=0.03),
        box((0.08, 0.0, 0.27), (0.56, 0.36, 0.06), DARK),
        ball((front - 0.26, 0.0, 1.01), (0.14, 0.13, 0.09), painted, sides=9, rings=6),
        ball((front - 0.15, 0.0, 1.01), (0.06, 0.075, 0.065), HEAD, sides=8, rings=5),
        box((-0.34, 0.0, 0.755), (0.60, 0.28, 0.10), DARK, bevel=0.04),
        box((rear - 0.25, 0.0, 0.58), (0.06, 0.15, 0.08), TAIL),
        box((rear - 0.25, 0.0, 0.46), (0.02, 0.16, 0.10), Finish(Material.PLAIN, MOTORCYCLE, (226, 226, 220))),
        mudguard(front, radius, 0.09, painted, 20.0, 165.0),
        tube((-0.20, 0.17, 0.24), (rear - 0.16, 0.19, 0.30), 0.045, CHROME, sides=7),
    ]  # fmt: skip
    parts += [ball((rear + 0.10, side * 0.15, 0.48), (0.37, 0.11, 0.19), painted, sides=10, rings=6)
              for side in (-1.0, 1.0)]  # fmt: skip
    feet = ((0.14, 0.13, 0.34), (0.14, -0.13, 0.34))
    joints = seated(1.72, (-0.30, 0.0, 0.88), 5.0, (front - 0.34, 0.31, 1.06), feet)
    return Ridden(parts, joints, _rider_look(paint))

"""Bicycles: a diamond frame and its rider; long ones are city bicycles with mudguards and an upright seat."""

from __future__ import annotations

import numpy as np

from carla_plugin.simulator.assets.people import seated
from carla_plugin.simulator.assets.people_body import look_of
from carla_plugin.simulator.assets.shapes import Colour, Finish, box, pipe, tube
from carla_plugin.simulator.assets.vehicles.catalogue import Model
from carla_plugin.simulator.assets.vehicles.two_wheeler_parts import BLACK, SILVER, Ridden, mudguard, wheel
from carla_plugin.simulator.materials import Material

BICYCLE = 19
CITY_LENGTH_M = 1.8


def bicycle(model: Model, paint: Colour) -> Ridden:
    """Make a bicycle with a rider who pedals."""
    city = model.length > CITY_LENGTH_M
    radius = (model.length - model.wheelbase) / 2
    rear, front = -model.wheelbase / 2, model.wheelbase / 2
    frame, black = Finish(Material.CAR_PAINT, BICYCLE, paint), Finish(Material.PLAIN, BICYCLE, BLACK)
    metal = Finish(Material.CHROME, BICYCLE, SILVER)
    crank, saddle = np.array([-0.06, 0.0, 0.29]), np.array([-0.24, 0.0, 0.92])
    head, low = np.array([front - 0.17, 0.0, 0.88]), np.array([front - 0.12, 0.0, 0.66])
    bar = head + [0.04, 0.0, 0.12]
    top = np.array([-0.16, 0.0, 0.62]) if city else saddle - [-0.03, 0.0, 0.14]
    parts = [*wheel(rear, radius, 0.024, BICYCLE, 10), *wheel(front, radius, 0.024, BICYCLE, 10)]
    lines = ((crank, saddle, 0.020), (crank, low, 0.023), (top, head - [0, 0, 0.06], 0.020), (low, bar, 0.022))
    parts += [tube(a, b, r, frame, sides=6) for a, b, r in lines]
    for side in (-0.055, 0.055):
        hub = np.array([rear, side, radius])
        parts += [tube(hub, crank + [0, side * 0.6, 0], 0.012, frame, sides=4),
                  tube(hub, saddle + [0.05, side * 0.4, -0.16], 0.011, frame, sides=4),
                  tube(low + [0, side * 0.7, 0], (front, side, radius), 0.014, frame, sides=4)]  # fmt: skip
    half = 0.5 * min(model.width, 0.56)
    back = 0.16 if city else -0.02  # a city handlebar sweeps back to the hands
    grips = np.array([[bar[0] - back, -half, bar[2] + 0.02], [bar[0], -0.12, bar[2]], [bar[0], 0.12, bar[2]],
                      [bar[0] - back, half, bar[2] + 0.02]])  # fmt: skip
    pedals = (crank + [0.12, 0.11, -0.12], crank + [-0.12, -0.11, 0.12])
    parts += [
        pipe(grips, 0.016, black, sides=5),
        box((saddle[0], 0.0, saddle[2] + 0.03), (0.26, 0.15, 0.06), black, bevel=0.03),
        tube(crank + [0, 0.05, 0], crank + [0, 0.06, 0], 0.085, metal, sides=12),
        tube(crank + [0, 0.055, 0.08], (rear, 0.055, radius + 0.04), 0.008, black, sides=3),
        tube(crank + [0, 0.055, -0.08], (rear, 0.055, radius - 0.04), 0.008, black, sides=3),
        box((-0.25, 0.0, 0.74), (0.05, 0.07, 0.06), Finish(Material.TAIL_LAMP, BICYCLE, (190, 16, 18))),
        box((front - 0.10, 0.0, 0.86), (0.08, 0.08, 0.08), Finish(Material.HEAD_LAMP, BICYCLE, (235, 238, 240))),
    ]
    for pedal in pedals:
        shaft = crank * [1, 0, 1] + [0, 0.6 * pedal[1], 0]
        parts += [tube(shaft, pedal * [1, 0, 1] + [0, 0.6 * pedal[1], 0], 0.012, metal, sides=4),
                  box((pedal[0], pedal[1], pedal[2]), (0.1, 0.09, 0.025), black)]  # fmt: skip
    if city:
        parts += [mudguard(rear, radius, 0.035, frame, 60.0, 190.0), mudguard(front, radius, 0.035, frame, 20.0, 150.0),
                  box((rear, 0.0, 2 * radius + 0.045), (0.36, 0.14, 0.03), black),
                  tube((rear, 0.0, radius), (rear - 0.1, 0.0, 2 * radius + 0.04), 0.012, black, sides=4)]  # fmt: skip
    feet = ((pedals[0][0] - 0.05, 0.12, pedals[0][2] + 0.05), (pedals[1][0] - 0.05, -0.12, pedals[1][2] + 0.05))
    hands = (float(grips[-1, 0]), half - 0.04, float(grips[-1, 2]) + 0.02)
    joints = seated(1.74, (saddle[0] - 0.02, 0.0, saddle[2] + 0.12), 12.0 if city else 30.0, hands, feet)
    extra = "backpack" if paint[2] % 3 == 0 else ""
    return Ridden(parts, joints, look_of(paint[0] + 3 * paint[1])._replace(extra=extra))

"""Passenger cars and vans: shells by family, and what is fixed to them."""

from __future__ import annotations

import numpy as np

from carla_plugin.simulator.assets.shapes import Colour, Finish, as_one, box, mirrored, quad
from carla_plugin.simulator.assets.vehicles.catalogue import Model
from carla_plugin.simulator.assets.vehicles.shell import BLACK, Shell, Sized, skin
from carla_plugin.simulator.assets.vehicles.wheels import wheel
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

WHITE: Colour = (232, 232, 228)
SILVER: Colour = (190, 192, 196)

SHELLS: dict[str, Shell] = {
    "sedan": Shell(
        top=((0, 0.50), (0.05, 0.56), (0.27, 0.64), (0.43, 0.975), (0.52, 1.0), (0.64, 0.985), (0.72, 0.94),
             (0.86, 0.71), (0.97, 0.70), (1, 0.66)),
        belt=((0, 0.48), (0.05, 0.53), (0.27, 0.605), (0.8, 0.65), (0.97, 0.66), (1, 0.62)),
        cowl=0.27, roof=(0.43, 0.70), deck=0.86, windows=((0.32, 0.525), (0.545, 0.70)), seams=(0.30, 0.535, 0.70),
        wheel=0.335,
    ),
    "hatchback": Shell(
        top=((0, 0.50), (0.06, 0.555), (0.26, 0.645), (0.43, 0.97), (0.56, 1.0), (0.78, 0.975), (0.87, 0.93),
             (0.965, 0.63), (1, 0.60)),
        belt=((0, 0.47), (0.06, 0.52), (0.26, 0.61), (0.9, 0.66), (0.965, 0.62), (1, 0.58)),
        cowl=0.25, roof=(0.42, 0.87), deck=0.965, windows=((0.29, 0.54), (0.565, 0.77), (0.79, 0.86)),
        seams=(0.28, 0.555, 0.74), wheel=0.31, rear_round=0.75, roof_width=0.77,
    ),
}  # fmt: skip


def car(model: Model, shell: Shell, paint: Colour) -> Mesh:
    """Make a car with the given shell, sized as `model` says, in `paint`."""
    sized = Sized(shell, model.length, model.width, model.height, model.wheelbase)
    return as_one([skin(sized, paint), *fittings(sized, paint)])


def fittings(sized: Sized, paint: Colour) -> list[Mesh]:
    """Make wheels, mirrors, plates, door gaps and handles."""
    return [*wheels(sized), *_mirrors(sized, paint), *_plates(sized), *_doors(sized)]


def wheels(sized: Sized) -> list[Mesh]:
    """Make four wheels in the arches."""
    shell = sized.shell
    breadth = 0.62 * shell.wheel
    right = wheel(shell.wheel, breadth, shell.tag).placed(0, sized.width / 2 - breadth / 2 - 0.012, shell.wheel)
    pair = as_one([right, mirrored(right)])
    return [pair.placed(sized.wheelbase / 2, 0), pair.placed(-sized.wheelbase / 2, 0)]


def _mirrors(sized: Sized, paint: Colour) -> list[Mesh]:
    shell = sized.shell
    s = shell.cowl + 0.045
    belt = float(np.interp(s, *np.asarray(shell.belt).T)) * sized.height
    x, y, z = sized.at(s, belt)
    cap = box((x, y + 0.085, z + 0.07), (0.1, 0.17, 0.11), Finish(Material.CAR_PAINT, shell.tag, paint), bevel=0.015)
    return [cap, mirrored(cap)]


def _plates(sized: Sized) -> list[Mesh]:
    finish = Finish(Material.PLAIN, sized.shell.tag, WHITE)
    ends = []
    for sign, height in ((1.0, 0.3), (-1.0, 0.44)):
        z, x = height * sized.height, sign * (sized.length / 2 - 0.006)
        corners = [(x, -0.25 * sign, z - 0.055), (x, 0.25 * sign, z - 0.055), (x, 0.25 * sign, z + 0.055),
                   (x, -0.25 * sign, z + 0.055)]  # fmt: skip
        ends.append(quad(corners, finish))
    return ends


def _doors(sized: Sized) -> list[Mesh]:
    """Make the gaps around doors and the handles, a hair outside the skin."""
    shell = sized.shell
    dark = Finish(Material.PLAIN, shell.tag, BLACK)
    found: list[Mesh] = []
    for s in shell.seams:
        ring = sized.ring(np.array([s]), np.zeros(1))[0, 2:6] + np.array([0, 0.004, 0])
        before, after = ring + np.array([0.007, 0, 0]), ring - np.array([0.007, 0, 0])
        for k in range(3):
            found.append(quad([before[k], after[k], after[k + 1], before[k + 1]], dark))
    for s in shell.seams[1:]:
        x, y, z = sized.at(s - 0.03, float(np.interp(s, *np.asarray(shell.belt).T)) * sized.height - 0.11)
        found.append(box((x, y, z), (0.17, 0.03, 0.03), dark))
    return [*found, *(mirrored(mesh) for mesh in found)]

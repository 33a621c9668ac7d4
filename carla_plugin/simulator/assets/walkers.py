"""People on foot: `walker.pedestrian.0001` to `0052`."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from carla_plugin.simulator.assets.people import Joints, walking
from carla_plugin.simulator.assets.people_body import GREY, Look, Piece, look_of, pieces
from carla_plugin.simulator.assets.shapes import as_one
from carla_plugin.simulator.assets.wheelchair import sitting, wheelchair
from carla_plugin.simulator.mesh import Mesh

PEDESTRIAN = 12
STANDING = -1.0
SITTING = -2  # in place of the number of a phase: in a wheelchair
HANGING = ("coat", "skirt", "backpack")  # what does not go with a chair
PHASES = 16
WALKER_IDS: tuple[str, ...] = tuple(f"walker.pedestrian.{number:04d}" for number in range(1, 53))

CHILDREN = (9, 10, 11, 12, 13, 14, 48, 49)
ELDERLY = (5, 6, 17, 24, 29, 36)
DIGITS = 4  # of the number that ends a blueprint id


class Figure(NamedTuple):
    """Hold a person at one phase of the gait.

    Attributes:
        joints: of the rig.
        lift: metres by which the rig is raised so that it stands on the ground.
        mesh: the dressed body, feet on the ground about the origin, looking toward +x; tag Pedestrian.
    """

    joints: Joints
    lift: float
    mesh: Mesh


def walker(blueprint_id: str, stride: float = STANDING) -> Mesh:
    """Make a person, feet on the ground about the origin, looking toward +x; tag Pedestrian.

    Args:
        blueprint_id: `walker.pedestrian.NNNN`.
        stride: phase of the gait 0..1 (taken modulo 1, rounded to `PHASES` steps); negative = standing.
    """
    return figure(blueprint_id, step_of(stride)).mesh


def step_of(stride: float) -> int:
    """Return the number of the drawn phase 0..`PHASES` - 1 of a stride, -1 for standing."""
    return -1 if stride < 0 else round(stride * PHASES) % PHASES


@lru_cache(maxsize=2048)
def figure(blueprint_id: str, step: int) -> Figure:
    """Make a person at a drawn phase.

    Args:
        blueprint_id: `walker.pedestrian.NNNN`.
        step: number of the phase, as from `step_of`, or `SITTING` for somebody in a wheelchair.
    """
    height = walker_height(blueprint_id)
    if step == SITTING:
        joints = sitting(height)
        parts = [piece.mesh for piece in dressed(blueprint_id, joints, sits=True)]
        return Figure(joints, 0.0, as_one(parts))
    joints = walking(height, step / PHASES if step >= 0 else STANDING)
    made = as_one([piece.mesh for piece in dressed(blueprint_id, joints)])
    lift = -float(made.vertices[:, 2].min())
    return Figure(joints, lift, made.placed(0.0, 0.0, lift))


def dressed(blueprint_id: str, joints: Joints, *, sits: bool = False) -> list[Piece]:
    """Return the pieces of a person's body over joints, within the axes of the rig.

    Args:
        blueprint_id: `walker.pedestrian.NNNN`.
        joints: of this person.
        sits: whether in a wheelchair, which is the last piece then.
    """
    look = _look(blueprint_id)
    if not sits:
        return pieces(joints, look, PEDESTRIAN)
    bare = look._replace(extra="") if look.extra in HANGING else look
    return [*pieces(joints, bare, PEDESTRIAN), Piece("chair", -1, wheelchair(PEDESTRIAN))]


def _number(blueprint_id: str) -> int:
    return int(blueprint_id[-DIGITS:])


def _look(blueprint_id: str) -> Look:
    look = look_of(_number(blueprint_id))
    return look._replace(hair=GREY) if walker_age(blueprint_id) == "elderly" else look


def walker_height(blueprint_id: str) -> float:
    """Return how tall a person is, metres."""
    number = _number(blueprint_id)
    if number in CHILDREN:
        return 1.15 + 0.05 * (number % 5)
    return 1.62 + 0.03 * (number * 7 % 9) - (0.06 if number in ELDERLY else 0.0)


def walker_extent(blueprint_id: str) -> tuple[float, float, float]:
    """Return half sizes (x, y, z) in metres of the box around a walker; its centre is at z = ez."""
    height = walker_height(blueprint_id)
    return 0.3 * height, 0.19 * height, 0.5 * height  # a full stride fits in


def stride_length(blueprint_id: str) -> float:
    """Return the metres walked in one cycle of the gait (two steps)."""
    return 0.8 * walker_height(blueprint_id)


def walker_age(blueprint_id: str) -> str:
    """Return `adult`, `child` or `elderly`."""
    number = _number(blueprint_id)
    return "child" if number in CHILDREN else "elderly" if number in ELDERLY else "adult"

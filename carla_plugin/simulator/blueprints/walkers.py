"""Walkers' blueprints: what CARLA 0.9.16 says of each person, and the controller that leads one."""

from __future__ import annotations

from carla_plugin.simulator.blueprints.attributes import BOOL, FLOAT, INT, STRING, Row, common, fixed, free

CHILDREN = frozenset((*range(9, 15), 48, 49))
TEENAGERS = frozenset((50, 51))
WOMEN = frozenset((1, *range(5, 12), 15, *range(19, 24), 31, 32, *range(35, 38), *range(40, 45), 48, 49, 50))
STRIDING = frozenset((1, 5, 6, 7, 8, 15))
"""Women who walk a little faster than the other grown-ups."""
ON_FOOT = frozenset((30, 32, 42, 43, 44, 52)) | CHILDREN | TEENAGERS
"""People whom CARLA never seats in a wheelchair."""


def walker_row(name: str) -> Row:
    """Return a person's attributes; the recommended speeds are those of standing, walking and running, m/s."""
    number = int(name.rpartition(".")[2])
    young = number in CHILDREN or number in TEENAGERS
    age = "child" if number in CHILDREN else "teenager" if young else "adult"
    walking = "0.85" if number == 51 else "1.1" if young else "1.8" if number in STRIDING else "1.7"
    attributes = [
        *common(name, "pedestrian"),
        free("is_invincible", BOOL, "true"),
        free("speed", FLOAT, "0.0", walking, "2.0" if young else "4.0"),
        fixed("gender", STRING, "female" if number in WOMEN else "male"),
        fixed("age", STRING, age),
        fixed("generation", INT, "1" if number < 15 else "2" if number < 50 else "3"),
    ]
    if number not in ON_FOOT:
        attributes += [fixed("can_use_wheelchair", BOOL, "true"), free("use_wheelchair", BOOL, "false")]
    return name, tuple(attributes)


def controller_rows() -> list[Row]:
    """Return what leads people, and the actor that is nothing but a place."""
    return [(name, common(name, "default")) for name in ("controller.ai.walker", "util.actor.empty")]

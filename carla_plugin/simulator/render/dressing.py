"""Dressing: what of a town is taken away, kept from pictures, or lit in another way than it was built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class LampState(NamedTuple):
    """Say how a street lamp shines that somebody has touched.

    Attributes:
        lit: True and False switch it; None leaves that to the sun.
        colour: sRGB, None for the one it was built with.
        strength: how many times as bright as it was built.
    """

    lit: bool | None = None
    colour: tuple[int, int, int] | None = None
    strength: float = 1.0


@dataclass(frozen=True, eq=False)
class Dressing:
    """Hold what is changed in a town; equal only to itself, so that pictures can be told apart by it.

    Attributes:
        gone: parts of the town's mesh that nothing sees, no ray and no mask.
        unseen: parts that pictures leave out, while masks and depth show them.
        lamps: states of the lamps that differ, by their number in the town.
    """

    gone: frozenset[int] = frozenset()
    unseen: frozenset[int] = frozenset()
    lamps: Mapping[int, LampState] = field(default_factory=dict)


AS_BUILT = Dressing()

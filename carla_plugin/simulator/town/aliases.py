"""Aliases: CARLA's own town names, each of which stands for a town of ours of a like character."""

from __future__ import annotations

from typing import NamedTuple

from carla_plugin.simulator.town.character import (
    AVENUES,
    CITY,
    COUNTRY,
    DOWNTOWN,
    FAST_ROADS,
    LONG_ROADS,
    SMALL_TOWN,
    VILLAGE,
    Character,
)


class Alias(NamedTuple):
    """Name what stands for a town of CARLA."""

    seed: int
    character: Character
    words: str


OPTIMISED = "_Opt"  # CARLA's towns with layers have a second name
_TOWNS = {
    "Town01": Alias(101, SMALL_TOWN, "a small town of single-lane streets"),
    "Town02": Alias(102, VILLAGE, "a village of single-lane streets"),
    "Town03": Alias(103, CITY, "a city with avenues"),
    "Town04": Alias(104, FAST_ROADS, "fast roads through parks about a small town"),
    "Town05": Alias(105, AVENUES, "a grid of avenues"),
    "Town06": Alias(106, LONG_ROADS, "long, nearly straight roads"),
    "Town07": Alias(107, COUNTRY, "country roads"),
    "Town10HD": Alias(110, DOWNTOWN, "a downtown"),
    "Town11": Alias(111, COUNTRY, "country roads"),
    "Town12": Alias(112, CITY, "a city with avenues"),
    "Town13": Alias(113, LONG_ROADS, "long, nearly straight roads"),
    "Town15": Alias(115, AVENUES, "a grid of avenues"),
}
_WITH_LAYERS = ("Town01", "Town02", "Town03", "Town04", "Town05", "Town06", "Town07", "Town10HD")
ALIASES = _TOWNS | {name + OPTIMISED: _TOWNS[name] for name in _WITH_LAYERS}

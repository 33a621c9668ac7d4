"""The procedural town: a street plan by seed, its OpenDRIVE map, its ground and all that stands on it."""

from carla_plugin.simulator.town.aliases import ALIASES
from carla_plugin.simulator.town.build import TOWN_NAMES, Town, TownNameError, build_town
from carla_plugin.simulator.town.signals import SignalPlacement, TriggerBox
from carla_plugin.simulator.town.signs import SignPlacement

__all__ = [
    "ALIASES",
    "TOWN_NAMES",
    "SignPlacement",
    "SignalPlacement",
    "Town",
    "TownNameError",
    "TriggerBox",
    "build_town",
]

"""Roads: a town made from a user's own OpenDRIVE map."""

from carla_plugin.simulator.roads.build import GENERATED, Making, build_roads
from carla_plugin.simulator.roads.document import RoadsError

__all__ = ["GENERATED", "Making", "RoadsError", "build_roads"]

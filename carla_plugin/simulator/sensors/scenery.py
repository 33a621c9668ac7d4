"""Scenery: how what stands still is named to a client that has run into it or sees it ahead."""

from __future__ import annotations

from carla_plugin.simulator.world import World
from protocols.carla_rpc.types import Actor, ActorDescription, BoundingBox

NAMES = {
    1: "road", 2: "sidewalk", 3: "building", 4: "wall", 5: "fence", 6: "pole", 7: "trafficlight", 8: "trafficsign",
    9: "vegetation", 10: "terrain", 14: "car", 15: "truck", 16: "bus", 17: "train", 18: "motorcycle", 19: "bicycle",
    20: "static", 21: "dynamic", 23: "water", 24: "roadline", 25: "ground", 26: "bridge", 27: "railtrack",
    28: "guardrail",
}  # fmt: skip
"""CARLA's names of tags, as it writes them behind "static." in the type of a thing that is no actor."""


def standing(world: World, part: int, tag: int) -> Actor:
    """Return what a client is told of a thing of the town: the traffic light it is, or an actor without an id.

    Args:
        world: where.
        part: number of the thing in the town's mesh.
        tag: its CARLA tag.
    """
    index = world.obstacles.signals.get(part)
    if index is not None and index < len(world.signals):
        return world.signals[index].record()
    name = f"static.{NAMES.get(tag, 'unknown')}"
    return Actor(0, 0, ActorDescription(0, name), BoundingBox(), bytes([tag]), b"")

"""Places where vehicles may appear: on driving lanes, clear of crossings and of each other."""

from __future__ import annotations

from math import degrees

import numpy as np

from carla_plugin.simulator.town.bend import street_pose
from carla_plugin.simulator.town.plan import Plan
from protocols.carla_rpc.types import Location, Rotation, Transform

SPACING = 18.0  # metres along a lane
CLEAR = 9.0  # metres from either end of a street
HEIGHT = 0.5  # metres above the road


def spawn_points(plan: Plan) -> tuple[Transform, ...]:
    """Return the spawn points in a drawn order, so that the first few lie all over the town."""
    found = []
    for link in plan.links:
        line = plan.line(link.start, link.side)
        low, high = plan.span(link)
        count = max(int((high - low - 2 * CLEAR) / SPACING) + 1, 1)
        stops = (low + high) / 2 + (np.arange(count) - (count - 1) / 2) * SPACING
        for sign in (1, -1):
            for lane in range(line.lanes):
                offset = sign * (lane + 0.5) * line.lane_width
                for along in stops.tolist():
                    pose = street_pose(plan.bend, link.side, line.position, along).beside(offset)
                    yaw = degrees(pose[2]) + (0.0 if sign > 0 else 180.0)
                    yaw = (yaw + 180.0) % 360.0 - 180.0
                    found.append(Transform(Location(pose[0], pose[1], HEIGHT), Rotation(yaw=yaw)))
    order = np.random.Generator(np.random.PCG64([plan.seed, 2])).permutation(len(found))
    return tuple(found[index] for index in order.tolist())

"""Places where vehicles may appear: in the middle of driving lanes, clear of junctions."""

from __future__ import annotations

import numpy as np

from carla_plugin.simulator.roads.lane_places import driven_lanes, lane_place
from carla_plugin.simulator.roads.network import Network
from protocols.carla_rpc.types import Location, Rotation, Transform

CLEAR = 5.0  # metres from either end of a lane
SPACING = 20.0  # metres along it
NARROW = 2.0  # metres; lanes that are narrower there have no place
SHORT = 8.0  # metres; shorter stretches have no place
HEIGHT = 0.5  # metres above the road
MOST = 3000


def spawn_points(network: Network) -> tuple[Transform, ...]:
    """Return one place behind the start of each driving lane, as CARLA does, then those further on."""
    starts: list[Transform] = []
    others: list[Transform] = []
    for road in network.roads.values():
        for section in road.sections if road.junction < 0 else ():
            length = section.end - section.start
            if length < SHORT or len(starts) + len(others) > MOST:
                continue
            gap = min(CLEAR, length / 2.0)
            run = np.arange(gap, max(length - gap, gap) + 1e-6, SPACING)
            for lane in driven_lanes(section):
                for number, along in enumerate(run.tolist()):
                    s = section.start + along if lane < 0 else section.end - along
                    there = lane_place(road, section, lane, s)
                    if there.width >= NARROW:
                        point = Transform(
                            Location(there.x, there.y, there.z + HEIGHT), Rotation(there.pitch, there.yaw)
                        )
                        (others if number else starts).append(point)
    return tuple(starts + others)

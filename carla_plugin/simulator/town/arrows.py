"""Arrows on the lanes before a crossing: painted for the ways that OpenDRIVE gives each lane."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.town.plan import STOP_LINE, Node, Plan
from carla_plugin.simulator.town.scatter import Frame
from carla_plugin.simulator.town.surface import Paint, Surface
from carla_plugin.simulator.town.ways import turns

BEFORE = 3.0  # metres from the stop line to the tip
# Triangles of (ahead, right) metres for a driver; the shaft begins at 0, tips lie 3.4 m ahead.
_SHAFT = [[(0.0, -0.08), (2.4, -0.08), (2.4, 0.08)], [(0.0, -0.08), (2.4, 0.08), (0.0, 0.08)]]
_STRAIGHT = [[(2.3, -0.3), (3.4, 0.0), (2.3, 0.3)]]
_RIGHT = [
    [(2.2, -0.08), (2.2, 0.5), (2.4, 0.5)],
    [(2.2, -0.08), (2.4, 0.5), (2.4, -0.08)],
    [(1.9, 0.45), (2.7, 0.45), (2.3, 1.1)],
]


def draw_arrows(surface: Surface, plan: Plan, lift: float, paint: Paint) -> None:
    """Add the arrows of every approach with more than one lane, twice, one behind the other."""
    for node in plan.nodes():
        for side in plan.arms(node):
            if plan.line(node, side).lanes > 1 and len(plan.arms(node)) > 2:
                surface.faces(_approach(plan, node, side), lift, paint)


def _approach(plan: Plan, node: Node, side: int) -> NDArray[np.float64]:
    """Return the triangles `(T, 3, 2)` of one approach's arrows in metres of the plan."""
    line, frame = plan.line(node, side), Frame(*plan.place(node), 90.0 * side)
    ways = turns(plan, node, side)
    points = []
    for lane in range(1, line.lanes + 1):
        leaves = {(way[0] - side) % 4 for way in ways if way[1] == lane}
        shape = np.array(
            _SHAFT
            + (_STRAIGHT if 2 in leaves else [])
            + (_RIGHT if 3 in leaves else [])
            + ([[(ahead, -right) for ahead, right in face] for face in _RIGHT] if 1 in leaves else [])
        )
        for tip in (BEFORE, BEFORE + 16.0):
            forward = plan.reach(node, side) + STOP_LINE + tip + 3.4 - shape[:, :, 0]
            right = -(lane - 0.5) * line.lane_width - shape[:, :, 1]
            for face_forward, face_right in zip(forward.tolist(), right.tolist(), strict=True):
                points.append([frame.at(a, b) for a, b in zip(face_forward, face_right, strict=True)])
    return np.array(points, dtype=np.float64)

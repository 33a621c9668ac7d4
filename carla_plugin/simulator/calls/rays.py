"""Calls that ask what lies along a line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.calls.kinds import value
from carla_plugin.simulator.cameras import Cameras, Still
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading
from protocols.carla_rpc.types import Location

MOST_POINTS = 256
STEP_M = 0.01  # beyond a surface, before the next one is looked for
LabelledPoint = tuple[Location, int]


async def project_point(
    simulation: Simulation, place: Any, direction: Any, distance: Any
) -> tuple[bool, LabelledPoint]:
    """Return whether a line meets something within a distance, and where it does first."""
    start, along = np.array(reading.location(place)), np.array(reading.location(direction))
    reach, length = reading.number(distance), float(np.linalg.norm(along))
    if length == 0.0 or reach <= 0.0:
        return False, (Location(), 0)
    still = simulation.world.still()
    points = await simulation.look(lambda cameras: _meet(cameras, still, start, along / length, reach, 1))
    return bool(points), points[0] if points else (Location(), 0)


async def cast_ray(simulation: Simulation, start: Any, end: Any) -> list[LabelledPoint]:
    """Return all that lies between two points, from the first on."""
    first, last = np.array(reading.location(start)), np.array(reading.location(end))
    length = float(np.linalg.norm(last - first))
    if length == 0.0:
        return []
    still = simulation.world.still()
    return await simulation.look(
        lambda cameras: _meet(cameras, still, first, (last - first) / length, length, MOST_POINTS)
    )


def _meet(
    cameras: Cameras, still: Still, start: NDArray[np.float64], along: NDArray[np.float64], reach: float, most: int
) -> list[LabelledPoint]:
    """Return where a ray enters things and what they are, at most so many; called in the drawing thread."""
    points: list[LabelledPoint] = []
    gone, last = 0.0, (-1, -1)
    while gone < reach and len(points) < most:
        hits = cameras.tracer.trace(
            start + along * gone, along[None], np.array([reach - gone]), still.placed, 0, still.dressing.gone
        )
        if not np.isfinite(hits.distance[0]):
            break
        far, what = gone + float(hits.distance[0]), (int(hits.tag[0]), int(hits.actor[0]))
        if what != last or not what[1]:  # an actor is met once, not on its way out again
            points.append((Location(*map(float, start + along * far)), what[0]))
        last, gone = what, far + STEP_M
    return points


CALLS = {"project_point": value(project_point), "cast_ray": value(cast_ray)}

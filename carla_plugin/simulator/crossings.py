"""Crossings without traffic lights: who comes to one waits while somebody is on it, as at CARLA's stop signs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.actors import Vehicle
from carla_plugin.simulator.pose import heading
from protocols.carla_rpc.types import TrafficLightState

APPROACH_M = 14.0  # before a crossing
FEWEST_ARMS = 3  # where fewer roads meet, nobody crosses another's way
NO_LIGHT = 0  # id: the vehicle sees red, and stands before no traffic light


class Crossings:
    """Hold J crossings as circles."""

    def __init__(self, opendrive: str, lit: Collection[int]) -> None:
        """Find the crossings of a map.

        Args:
            opendrive: the map.
            lit: OpenDRIVE ids of the junctions that have traffic lights.
        """
        ends: dict[str, list[tuple[float, float]]] = defaultdict(list)
        tree = _tree(opendrive)
        dark = {
            junction.get("id", "")
            for junction in tree.iterfind("junction")
            if len({link.get("incomingRoad") for link in junction.iterfind("connection")}) >= FEWEST_ARMS
        } - {str(number) for number in lit}
        for road in tree.iterfind("road"):
            junction = road.get("junction", "-1")
            if junction not in dark:
                continue
            for piece in road.iterfind("planView/geometry"):
                x, y, turn, length = (float(piece.get(name, "0")) for name in ("x", "y", "hdg", "length"))
                ends[junction] += [(x, -y), (x + length * math.cos(turn), -y - length * math.sin(turn))]
        middles = {junction: np.mean(points, axis=0) for junction, points in ends.items()}
        self._middles: NDArray[np.float64] = np.array(list(middles.values()), dtype=np.float64).reshape(-1, 2)
        self._radii: NDArray[np.float64] = np.array(
            [np.hypot(*(np.array(points) - middles[junction]).T).max() for junction, points in ends.items()],
            dtype=np.float64,
        )

    def tell(self, vehicles: Sequence[Vehicle]) -> None:
        """Show red to those who come to a crossing on which another vehicle is."""
        if not len(self._middles) or len(vehicles) < 2:
            return
        places = np.array([vehicle.place.location[:2] for vehicle in vehicles])
        away = self._middles[None] - places[:, None]
        far = np.hypot(away[..., 0], away[..., 1])
        on = far < self._radii - 1.0
        aims = np.array([heading(vehicle.place.rotation.yaw) for vehicle in vehicles])
        ahead = (away * aims[:, None]).sum(axis=-1) > 0.7 * far
        comes = ~on & ahead & (far < self._radii + APPROACH_M)
        waits = (comes & on.any(axis=0)).any(axis=1)
        for number in np.flatnonzero(waits).tolist():
            if vehicles[number].signal is None:
                vehicles[number].signal = NO_LIGHT, TrafficLightState.RED


def _tree(opendrive: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(opendrive)
    except ElementTree.ParseError:
        return ElementTree.Element("OpenDRIVE")

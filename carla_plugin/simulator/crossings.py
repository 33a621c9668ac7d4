"""Crossings without traffic lights: who comes to one waits while somebody is on it; of several, one has its turn."""

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
TURN_S = 4.0  # after which it is another's turn: who has it may be parked


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
        self._turns: dict[int, _Turn] = {}  # by crossing to which several come

    def tell(self, vehicles: Sequence[Vehicle], seconds: float) -> None:
        """Show red to those who come to a crossing on which another vehicle is, or while it is another's turn.

        Args:
            vehicles: all of the world; the state of those that wait is changed.
            seconds: since the last call.
        """
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
        busy = np.flatnonzero(comes.sum(axis=0) > 1).tolist()
        self._turns = {crossing: self._turns.get(crossing, _Turn()) for crossing in busy}
        for crossing, turn in self._turns.items():
            coming = comes[:, crossing]
            nearest_first = sorted(np.flatnonzero(coming).tolist(), key=lambda number: far[number, crossing])
            holder = turn.pass_on([vehicles[number].id for number in nearest_first], seconds)
            waits |= coming & (np.arange(len(vehicles)) != nearest_first[holder])
        for number in np.flatnonzero(waits).tolist():
            if vehicles[number].signal is None:
                vehicles[number].signal = NO_LIGHT, TrafficLightState.RED


class _Turn:
    """Give one of several vehicles the right of way."""

    def __init__(self) -> None:
        self._holder = -1
        self._held_s = 0.0
        self._missed: set[int] = set()  # who had its turn and stayed

    def pass_on(self, comers: Sequence[int], seconds: float) -> int:
        """Return the index of the vehicle whose turn it is: it keeps it until it is gone, or too long.

        Args:
            comers: ids of those who come, nearest first.
            seconds: since the last call.
        """
        if self._held_s >= TURN_S:
            self._missed.add(self._holder)
        if self._holder not in comers or self._held_s >= TURN_S:
            if self._missed.issuperset(comers):
                self._missed.clear()
            self._holder = next(number for number in comers if number not in self._missed)
            self._held_s = 0.0
        self._held_s += seconds
        return comers.index(self._holder)


def _tree(opendrive: str) -> ElementTree.Element:
    try:
        return ElementTree.fromstring(opendrive)
    except ElementTree.ParseError:
        return ElementTree.Element("OpenDRIVE")

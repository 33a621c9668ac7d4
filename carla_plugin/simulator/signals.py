"""Traffic lights in groups: one approach of a crossing after the other is green, yellow, red."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.actors import Signal, SimActor, Vehicle
from carla_plugin.simulator.pose import heading, wrap_deg
from carla_plugin.simulator.town import SignalPlacement, SignPlacement
from protocols.carla_rpc.types import BoundingBox, Location, Rotation, TrafficLightState, Transform

Post = TypeVar("Post", bound=SimActor)


class SignalGroup:
    """Run the traffic lights of one crossing."""

    def __init__(self, signals: Iterable[Signal]) -> None:
        """Begin with the first phase green."""
        self.signals = tuple(signals)
        self._phases = sorted({signal.group for signal in self.signals})
        self.reset()

    def reset(self) -> None:
        """Begin the cycle anew."""
        self._turn = 0
        self._elapsed_s = 0.0
        self._state = TrafficLightState.GREEN
        for signal in self.signals:
            signal.elapsed_s = 0.0
        self._show()

    def step(self, seconds: float) -> None:
        """Let time pass, unless a light of the group is frozen."""
        if any(signal.frozen for signal in self.signals):
            return
        self._elapsed_s += seconds
        for signal in self.signals:
            signal.elapsed_s += seconds
        lead = self._lead()
        green, yellow, red = lead.times_s
        limit = {TrafficLightState.GREEN: green, TrafficLightState.YELLOW: yellow, TrafficLightState.RED: red}
        if self._elapsed_s < limit[self._state]:
            return
        self._elapsed_s = 0.0
        if self._state == TrafficLightState.GREEN:
            self._state = TrafficLightState.YELLOW
        elif self._state == TrafficLightState.YELLOW:
            self._state = TrafficLightState.RED
        else:
            self._turn = (self._turn + 1) % len(self._phases)
            self._state = TrafficLightState.GREEN
        self._show()

    def _lead(self) -> Signal:
        """Return the light whose times hold now."""
        phase = self._phases[self._turn]
        return next(signal for signal in self.signals if signal.group == phase)

    def _show(self) -> None:
        phase = self._phases[self._turn]
        for signal in self.signals:
            state = self._state if signal.group == phase else TrafficLightState.RED
            if signal.state != state:
                set_state(signal, state)


def post_of(placement: SignalPlacement | SignPlacement) -> Transform:
    """Return where a traffic light's actor stands: as CARLA's models do, it faces those who arrive with its y axis."""
    place, turn = placement.transform
    return Transform(place, Rotation(turn.pitch, wrap_deg(turn.yaw - 90.0), turn.roll))


def stop_box(placement: SignalPlacement | SignPlacement, post: Transform) -> BoundingBox:
    """Return the box in which vehicles stop for a light, within its actor's axes: CARLA's trigger volume.

    Args:
        placement: of the light; boxes of several lanes become one.
        post: of its actor.
    """
    if not placement.triggers:
        return BoundingBox(Location(0.0, 0.0, 1.0), Location(0.3, 0.3, 1.0))
    cos, sin = heading(post.rotation.yaw)
    corners = []
    for trigger in placement.triggers:
        long, wide = heading(trigger.yaw)
        for a, b, c in product((-1.0, 1.0), repeat=3):
            along, across = a * trigger.extent.x, b * trigger.extent.y
            x = trigger.centre.x + along * long - across * wide - post.location.x
            y = trigger.centre.y + along * wide + across * long - post.location.y
            z = trigger.centre.z + c * trigger.extent.z - post.location.z
            corners.append((x * cos + y * sin, y * cos - x * sin, z))
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    return BoundingBox(Location(*((low + high) / 2.0).tolist()), Location(*((high - low) / 2.0).tolist()))


def set_state(signal: Signal, state: int) -> None:
    """Switch one light."""
    signal.state = state
    signal.elapsed_s = 0.0


class StopBoxes(Generic[Post]):
    """Hold the B boxes before lights or signs in which vehicles stand for whom they hold."""

    def __init__(self, signals: Sequence[Post], placements: Sequence[SignalPlacement | SignPlacement]) -> None:
        """Take up the boxes of all of them.

        Args:
            signals: the lights or signs.
            placements: the town's, in the same order.
        """
        boxes = [(signal, box) for signal, place in zip(signals, placements, strict=True) for box in place.triggers]
        self._signals = [signal for signal, _ in boxes]
        rows = [(box.centre.x, box.centre.y, *heading(box.yaw), box.extent.x, box.extent.y) for _, box in boxes]
        self._rows: NDArray[np.float64] = np.array(rows, dtype=np.float64).reshape(-1, 6).T

    def at(self, points: Sequence[tuple[float, float]]) -> list[Post | None]:
        """Return for each point (x, y) in metres the first in whose box it lies."""
        if not self._signals or not points:
            return [None] * len(points)
        x, y, cos, sin, long, wide = self._rows
        dx, dy = (part[:, None] - centre for part, centre in zip(np.array(points).T, (x, y), strict=True))
        inside = (np.abs(dx * cos + dy * sin) <= long) & (np.abs(dy * cos - dx * sin) <= wide)
        first = np.where(inside.any(axis=1), inside.argmax(axis=1), -1)
        return [self._signals[number] if number >= 0 else None for number in first.tolist()]


def tell_lights(boxes: StopBoxes[Signal], vehicles: Sequence[Vehicle]) -> None:
    """Tell each vehicle whose nose is in a light's box which light it is, and its state."""
    for vehicle, signal in zip(vehicles, boxes.at(noses(vehicles)), strict=True):
        vehicle.signal = None if signal is None else (signal.id, signal.state)


def noses(vehicles: Sequence[Vehicle]) -> list[tuple[float, float]]:
    """Return (x, y) in metres of the middle of each vehicle's front."""
    return [_nose(vehicle) for vehicle in vehicles]


def _nose(vehicle: Vehicle) -> tuple[float, float]:
    cos, sin = heading(vehicle.place.rotation.yaw)
    x, y, _ = vehicle.place.location
    return x + cos * vehicle.extent[0], y + sin * vehicle.extent[0]

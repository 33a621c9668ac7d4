"""Traffic lights in groups: one approach of a crossing after the other is green, yellow, red."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from carla_plugin.simulator.actors import Signal, Vehicle
from carla_plugin.simulator.pose import heading
from carla_plugin.simulator.town import SignalPlacement, TriggerBox
from protocols.carla_rpc.types import TrafficLightState


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


def set_state(signal: Signal, state: int) -> None:
    """Switch one light."""
    signal.state = state
    signal.elapsed_s = 0.0


def in_box(box: TriggerBox, x: float, y: float) -> bool:
    """Return whether a point lies above or below an upright box."""
    cos, sin = heading(box.yaw)
    dx, dy = x - box.centre.x, y - box.centre.y
    return abs(dx * cos + dy * sin) <= box.extent.x and abs(dy * cos - dx * sin) <= box.extent.y


def stand_before(vehicles: Iterable[Vehicle], signals: Sequence[Signal], placements: Sequence[SignalPlacement]) -> None:
    """Tell each vehicle whose nose is in a light's box which light it is, and its state."""
    boxes = [(signal, box) for signal, placement in zip(signals, placements, strict=True) for box in placement.triggers]
    for vehicle in vehicles:
        cos, sin = heading(vehicle.place.rotation.yaw)
        x = vehicle.place.location.x + cos * vehicle.extent[0]
        y = vehicle.place.location.y + sin * vehicle.extent[0]
        vehicle.signal = None
        for signal, box in boxes:
            if abs(box.centre.x - x) < 12.0 and abs(box.centre.y - y) < 12.0 and in_box(box, x, y):
                vehicle.signal = (signal.id, signal.state)
                break

"""Calls about traffic lights."""

from __future__ import annotations

from typing import Any

from carla_plugin.simulator.actors import Signal
from carla_plugin.simulator.calls.kinds import actor_as, value, void
from carla_plugin.simulator.pose import heading, wrap_deg
from carla_plugin.simulator.signals import set_state
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading
from protocols.carla_rpc.types import BoundingBox, Location, Rotation, TrafficLightState

HOUSING = Location(0.2, 0.2, 0.55)
"""Half size in metres of the box round three lenses."""


def signal_of(simulation: Simulation, number: Any) -> Signal:
    """Return a traffic light.

    Raises:
        CallError: the actor is none.
    """
    return actor_as(simulation, number, Signal, "traffic light")


def _group(simulation: Simulation, signal: Signal) -> list[Signal]:
    return [other for other in simulation.world.signals if other.junction == signal.junction]


def set_traffic_light_state(simulation: Simulation, number: Any, state: Any) -> None:
    """Switch one light; its crossing's cycle goes on unless it is frozen."""
    set_state(signal_of(simulation, number), reading.integer(state, TrafficLightState.RED, TrafficLightState.UNKNOWN))


def set_green_time(simulation: Simulation, number: Any, seconds: Any) -> None:
    """Set how long a light is green."""
    _set_time(simulation, number, 0, seconds)


def set_yellow_time(simulation: Simulation, number: Any, seconds: Any) -> None:
    """Set how long a light is yellow."""
    _set_time(simulation, number, 1, seconds)


def set_red_time(simulation: Simulation, number: Any, seconds: Any) -> None:
    """Set how long all are red after a light's yellow."""
    _set_time(simulation, number, 2, seconds)


def _set_time(simulation: Simulation, number: Any, which: int, seconds: Any) -> None:
    """Set a time of a light and of those that are green with it: in CARLA their one controller keeps the times."""
    signal, wanted = signal_of(simulation, number), reading.number(seconds)
    for other in _group(simulation, signal):
        if other.group == signal.group:
            other.times_s[which] = wanted


def freeze_traffic_light(simulation: Simulation, number: Any, on: Any) -> None:
    """Freeze one light, and with it all: so does CARLA."""
    signal_of(simulation, number)
    freeze_all_traffic_lights(simulation, on)


def freeze_all_traffic_lights(simulation: Simulation, on: Any) -> None:
    """Hold all lights as they are, or let them go on."""
    frozen = reading.boolean(on)
    for signal in simulation.world.signals:
        signal.frozen = frozen


def reset_traffic_light_group(simulation: Simulation, number: Any) -> None:
    """Begin the cycle of one crossing anew."""
    junction = signal_of(simulation, number).junction
    for group in simulation.world.groups:
        if group.signals[0].junction == junction:
            group.reset()


def reset_all_traffic_lights(simulation: Simulation) -> None:
    """Begin the cycles of all crossings anew."""
    for group in simulation.world.groups:
        group.reset()


def get_group_traffic_lights(simulation: Simulation, number: Any) -> list[int]:
    """Return the lights of the same crossing."""
    return [other.id for other in _group(simulation, signal_of(simulation, number))]


def get_light_boxes(simulation: Simulation, number: Any) -> list[BoundingBox]:
    """Return the boxes of a light's housings, in the world."""
    signal = signal_of(simulation, number)
    lenses = simulation.world.town.signals[signal.index].lenses
    yaw = wrap_deg(signal.place.rotation.yaw + 90.0)  # the lenses face those who arrive
    cos, sin = heading(yaw)
    return [
        BoundingBox(Location(x - 0.1 * cos, y - 0.1 * sin, z), HOUSING, Rotation(yaw=yaw), signal.id)
        for x, y, z in lenses[1::3]
    ]


CALLS = {
    "set_traffic_light_state": void(set_traffic_light_state),
    "set_traffic_light_green_time": void(set_green_time),
    "set_traffic_light_yellow_time": void(set_yellow_time),
    "set_traffic_light_red_time": void(set_red_time),
    "freeze_traffic_light": void(freeze_traffic_light),
    "freeze_all_traffic_lights": void(freeze_all_traffic_lights),
    "reset_traffic_light_group": void(reset_traffic_light_group),
    "reset_all_traffic_lights": void(reset_all_traffic_lights),
    "get_group_traffic_lights": value(get_group_traffic_lights),
    "get_light_boxes": value(get_light_boxes),
}

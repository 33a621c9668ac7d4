"""Calls about weather and the town's own lamps."""

from __future__ import annotations

from typing import Any

from carla_plugin.simulator.calls.kinds import value, void
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading
from protocols.carla_rpc.types import WeatherParameters


def get_weather(simulation: Simulation) -> WeatherParameters:
    """Return the weather as it was set."""
    return simulation.world.weather


def set_weather(simulation: Simulation, weather: Any) -> None:
    """Take over the weather; it shows from the next tick on."""
    simulation.world.weather = reading.weather(weather)


def query_lights_state(simulation: Simulation, client: Any) -> list[Any]:
    """Return no lamps: those of the town follow the sun."""
    return []


CALLS = {
    "get_weather_parameters": value(get_weather),
    "set_weather_parameters": void(set_weather),
    "query_lights_state": value(query_lights_state),
}

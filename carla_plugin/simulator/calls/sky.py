"""Calls about the weather."""

from __future__ import annotations

from typing import Any

from carla_plugin.simulator.calls.kinds import value, void
from carla_plugin.simulator.calls.lights import lamps_lit
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading
from protocols.carla_rpc.types import WeatherParameters


def get_weather(simulation: Simulation) -> WeatherParameters:
    """Return the weather as it was set."""
    return simulation.world.weather


def set_weather(simulation: Simulation, weather: Any) -> None:
    """Take over the weather; it shows from the next tick on. Clients hear of lamps that go on or off with it."""
    world = simulation.world
    before = lamps_lit(world)
    world.weather = reading.weather(weather)
    if lamps_lit(world) != before:
        world.backdrop.lamps.change("", {}, False)


CALLS = {
    "get_weather_parameters": value(get_weather),
    "set_weather_parameters": void(set_weather),
}

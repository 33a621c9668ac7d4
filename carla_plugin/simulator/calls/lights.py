"""Calls about the town's street lamps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from carla_plugin.simulator.calls.kinds import value, void
from carla_plugin.simulator.lamps import Lamp
from carla_plugin.simulator.render.weather import LAMPS, appearance
from carla_plugin.simulator.simulation import Simulation
from carla_plugin.simulator.world import World
from protocols.carla_rpc import reading

LIT_ABOVE = 0.22
"""Lamps that follow the sun shine above this level of a weather's `LAMPS`."""


def lamps_lit(world: World) -> bool:
    """Return whether lamps that follow the sun shine now."""
    return bool(appearance(world.weather)[LAMPS] > LIT_ABOVE)


def query_lights_state(simulation: Simulation, client: Any) -> list[Any]:
    """Return all lamps: id, place, intensity, group, colour, whether it shines."""
    world = simulation.world
    by_sun = lamps_lit(world)
    return [
        (number, lamp.place, lamp.intensity, lamp.group, lamp.colour, by_sun if lamp.lit is None else lamp.lit)
        for number, lamp in enumerate(world.backdrop.lamps.ask(reading.text(client)), start=1)
    ]


def update_lights_state(simulation: Simulation, client: Any, lights: Any, discard: Any) -> None:
    """Take over lamps; one that shines as the sun has it goes on following the sun."""
    world = simulation.world
    street, by_sun = world.backdrop.lamps, lamps_lit(simulation.world)
    changes: dict[int, Lamp] = {}
    for light in reading.array(lights):
        number, _, intensity, group, colour, lit = reading.array(light, 6)[:6]
        at = reading.integer(number) - 1
        if not 0 <= at < len(street.lamps):
            continue
        old, wanted = street.lamps[at], reading.boolean(lit)
        keeps = old.lit is None and street.follow_sun and wanted == by_sun
        red, green, blue = (reading.integer(part, 0, 255) for part in reading.array(colour, 3)[:3])
        changes[at] = replace(
            old,
            intensity=reading.number(intensity),
            group=reading.integer(group, 0, 255),
            colour=(red, green, blue),
            lit=None if keeps else wanted,
        )
    street.change(reading.text(client), changes, reading.boolean(discard))
    world.backdrop.changed()


def update_day_night_cycle(simulation: Simulation, client: Any, on: Any) -> None:
    """Let all lamps follow the sun, or stay as they are now."""
    world = simulation.world
    street, by_sun = world.backdrop.lamps, lamps_lit(world)
    street.follow_sun = reading.boolean(on)
    held = None if street.follow_sun else by_sun
    changes = {
        number: replace(lamp, lit=held if street.follow_sun or lamp.lit is None else lamp.lit)
        for number, lamp in enumerate(street.lamps)
    }
    street.change(reading.text(client), changes, False)
    world.backdrop.changed()


CALLS = {
    "query_lights_state": value(query_lights_state),
    "update_lights_state": void(update_lights_state),
    "update_day_night_cycle": void(update_day_night_cycle),
}

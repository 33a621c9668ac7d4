"""Calls that draw into the world, for people to see."""

from __future__ import annotations

from typing import Any

from carla_plugin.simulator.calls.kinds import void
from carla_plugin.simulator.drawings import Drawings, strokes_of
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading


def draw_debug_shape(simulation: Simulation, shape: Any) -> None:
    """Draw points, lines, arrows and boxes; writing is on the screen alone, which we have none of."""
    world = simulation.world
    world.drawings.add(strokes_of(shape), reading.number(reading.array(shape, 4)[2]), world.elapsed_s)


def clear_debug_shape(simulation: Simulation) -> None:
    """Wipe out all that was drawn."""
    simulation.world.drawings = Drawings()


def clear_debug_string(simulation: Simulation) -> None:
    """Answer; nothing was written."""


CALLS = {
    "draw_debug_shape": void(draw_debug_shape),
    "clear_debug_shape": void(clear_debug_shape),
    "clear_debug_string": void(clear_debug_string),
}

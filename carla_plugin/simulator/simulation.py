"""The simulation: the world of now, how the next one is made, and what a tick sets going."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.town import Town
from carla_plugin.simulator.world import REAL_TIME_STEP_S, World
from protocols.carla_rpc.types import EpisodeSettings

Publish = Callable[[World, list[Sensor]], Awaitable[None]]
BuildTown = Callable[[str], Awaitable[Town]]


class Simulation:
    """Hold the world, tick it by hand or by the clock, load another.

    Attributes:
        world: the present episode.
        port: of the streams.
        wake: set when settings change, so that the clock looks at them.
    """

    def __init__(self, town: Town, port: int, build: BuildTown, publish: Publish) -> None:
        """Open the first episode.

        Args:
            town: its town.
            port: of the streams.
            build: makes another town by name, and prepares what must draw it.
            publish: sends a tick's state, then has its sensors drawn and sent; waits while they are behind.
        """
        self.world = World(1, town, EpisodeSettings(), 0)
        self.port = port
        self.wake = asyncio.Event()
        self.traffic_managers: dict[int, tuple[str, int]] = {}
        self._build = build
        self._publish = publish
        self._one_tick = asyncio.Lock()

    async def tick(self) -> int:
        """Let one tick pass and return its frame number."""
        async with self._one_tick:
            world = self.world
            step = world.settings.fixed_delta_seconds
            world.step(step[1] if len(step) > 1 else REAL_TIME_STEP_S)
            due = [actor for actor in world.actors.values() if isinstance(actor, Sensor) and world.due(actor)]
            await self._publish(world, due)
            world.fresh = False
            return world.frame

    async def load(self, map_name: str, reset_settings: bool) -> None:
        """Open a new episode.

        Args:
            map_name: of the town, or "" for the present one.
            reset_settings: whether to go back to asynchronous mode.

        Raises:
            CallError: no such map.
        """
        name = map_name.rpartition("/")[2] or self.world.town.name
        town = self.world.town if name == self.world.town.name else await self._build(name)
        async with self._one_tick:
            old = self.world
            settings = EpisodeSettings() if reset_settings else old.settings
            self.world = World(old.episode + 1, town, settings, old.frame)
            self.wake.set()

    async def run_clock(self) -> None:
        """Tick by the clock whenever the world is asynchronous."""
        while True:
            if self.world.settings.synchronous_mode:
                self.wake.clear()
                await self.wake.wait()
                continue
            started = asyncio.get_running_loop().time()
            await self.tick()
            step = self.world.settings.fixed_delta_seconds
            left = (step[1] if len(step) > 1 else REAL_TIME_STEP_S) - (asyncio.get_running_loop().time() - started)
            await asyncio.sleep(max(left, 0.001))

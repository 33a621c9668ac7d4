"""The simulation: the world of now, how the next one is made, and what a tick sets going."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.cameras import Cameras
from carla_plugin.simulator.hazards.late import stalls
from carla_plugin.simulator.options import Options
from carla_plugin.simulator.recorder.tape import Tape
from carla_plugin.simulator.roads import GENERATED
from carla_plugin.simulator.spawning import respawn
from carla_plugin.simulator.town import Town
from carla_plugin.simulator.world import REAL_TIME_STEP_S, World
from protocols.carla_rpc.types import EpisodeSettings

Settle = Callable[[World], Awaitable[None]]
Publish = Callable[[World, list[Sensor]], Awaitable[None]]
BuildTown = Callable[[str | Town], Awaitable[Town]]
Look = Callable[[World, Callable[[Cameras], Any]], Awaitable[Any]]
Seen = TypeVar("Seen")


LONGEST_PAUSE_S = 0.1  # between two ticks by the clock, however long a tick is


class Simulation:
    """Hold the world, tick it by hand or by the clock, load another.

    Attributes:
        world: the present episode.
        port: of the streams.
        options: of the command line.
        generated: the town made from the last map that a user has sent, or None.
        wake: set when settings change, so that the clock looks at them.
    """

    def __init__(
        self, town: Town, port: int, options: Options, build: BuildTown, settle: Settle, publish: Publish, look: Look
    ) -> None:
        """Open the first episode.

        Args:
            town: its town.
            port: of the streams.
            options: of the command line.
            build: makes another town by name, or takes one from a user's map, and prepares what must draw it.
            settle: waits for whom a tick must wait for: clients about to subscribe, sensors still being drawn.
            publish: sends a tick's state, then has its sensors drawn and sent.
            look: does work in the drawing thread, with the cameras of a world's town.
        """
        self.world = World(1, town, EpisodeSettings(), 0, hazards=options.hazards)
        self.port = port
        self.options = options
        self.generated: Town | None = None
        self.tape = Tape(options.recordings, lambda what, where: respawn(self.world, what, where, port))
        self.wake = asyncio.Event()
        self.traffic_managers: dict[int, tuple[str, int]] = {}
        self._build = build
        self._settle = settle
        self._publish = publish
        self._one_tick = asyncio.Lock()
        self._look = look

    async def look(self, work: Callable[[Cameras], Seen]) -> Seen:
        """Return what work sees; it is done in the drawing thread, with the cameras of the present town."""
        seen: Seen = await self._look(self.world, work)
        return seen

    async def tick(self) -> int:
        """Let one tick pass and return its frame number."""
        async with self._one_tick:
            await self._settle(self.world)
            return await self._tick()

    async def _tick(self) -> int:
        """Step and tell of it, so that nobody's call comes between; no other tick can."""
        world = self.world
        if "stall" in world.hazards and stalls(world.frame + 1):
            time.sleep(world.hazards.on["stall"])  # nobody is answered meanwhile: that is the hazard
        self.tape.before_step(world)
        world.step(world.fixed_step_s)
        self.tape.after_step(world)
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
        if name == GENERATED and self.generated is not None:
            town = await self._build(self.generated)
        else:
            town = self.world.town if name == self.world.town.name else await self._build(name)
        async with self._one_tick:
            old = self.world
            settings = EpisodeSettings() if reset_settings else old.settings
            self.tape.world_changed()
            self.world = World(old.episode + 1, town, settings, old.frame, old.new_id(), self.options.hazards)
            self.wake.set()

    async def run_clock(self) -> None:
        """Tick by the clock whenever the world is asynchronous."""
        while True:
            if self.world.settings.synchronous_mode:
                self.wake.clear()
                await self.wake.wait()
                await asyncio.sleep(REAL_TIME_STEP_S)  # as a frame later: who is in the middle of something ends it
                continue
            started = asyncio.get_running_loop().time()
            async with self._one_tick:
                await self._settle(self.world)
                if self.world.settings.synchronous_mode:  # it has become so while we waited
                    continue
                await self._tick()
            left = min(self.world.fixed_step_s, LONGEST_PAUSE_S) - (asyncio.get_running_loop().time() - started)
            await asyncio.sleep(max(left, 0.001))

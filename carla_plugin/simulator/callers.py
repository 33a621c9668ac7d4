"""Callers: the calls of every client, answered one after the other, client by client."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from carla_plugin.simulator.rest import Rest
from carla_plugin.simulator.simulation import Simulation
from carla_plugin.simulator.wake import Alarm
from protocols.carla_rpc import messages
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

Answer = Callable[[messages.Request], Awaitable[bytes]]


class Callers:
    """Serve the clients that call."""

    def __init__(self, simulation: Simulation, answer: Answer) -> None:
        """Begin with nobody.

        Args:
            simulation: what they call.
            answer: does what a request asks and returns the bytes of the reply.
        """
        self._simulation = simulation
        self._answer = answer
        self._rest = Rest()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it leaves."""
        requests = messages.RequestReader()
        managers: dict[int, tuple[str, int]] = {}  # traffic managers that live in this client
        registered = self._simulation.traffic_managers
        alarm = Alarm(str(writer.get_extra_info("peername", ("", 0))[0]), lambda port: port in registered)
        tick: asyncio.Task[None] | None = None
        try:
            while data := await reader.read(1 << 16):
                for request in requests.feed(data):
                    if request.method == "tick_cue" and not self._rest.complete:
                        tick = asyncio.create_task(self._tick(request, writer, alarm))
                        continue
                    if tick is not None and request.method != "get_episode_settings":
                        await tick
                        tick = None
                    known = dict(self._simulation.traffic_managers)
                    await self._reply(request, writer)
                    if request.method == "add_traffic_manager_running":
                        managers.update(self._simulation.traffic_managers.items() - known.items())
                    if managers:
                        alarm.port = next(iter(managers))
                        alarm.saw(request.method)
                        self._rest.saw(writer, request.method)
        except RemoteProtocolError as error:
            log.warning("a client was dropped: %s", error)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            if tick is not None:
                tick.cancel()
            alarm.off()
            self._rest.left(writer)
            for port, place in managers.items():
                if self._simulation.traffic_managers.get(port) is place:  # nobody answers there any more
                    del self._simulation.traffic_managers[port]

    async def rested(self) -> None:
        """Wait until no traffic manager is in the middle of its round, but not long.

        A state that comes in the middle has no actors that were destroyed meanwhile; the manager then reads what is
        left of their memory, and ends the client.
        """
        if not self._rest.complete:
            await self._rest.wait()

    async def _tick(self, request: messages.Request, writer: asyncio.StreamWriter, alarm: Alarm) -> None:
        """Tick when the traffic managers have ended their round."""
        await self._rest.wait()
        await self._reply(request, writer)
        alarm.saw(request.method)

    async def _reply(self, request: messages.Request, writer: asyncio.StreamWriter) -> None:
        reply = await self._answer(request)
        if not request.asynchronous:
            writer.write(reply)
            await writer.drain()

"""Wake: rouse a traffic manager of the wheel that has slept through a tick, over the manager's own RPC port.

`Rest` makes the lost wake-up of CARLA issue 9172 rare, not impossible: a busy machine still hung about once in 40,000
ticks. Turning the manager's synchronous mode off wakes its thread, which then makes the round it owes; turning it on
again at once leaves the mode as it was. A manager that is shut down can miss its wake-up in the same way: it says so
before it waits for its thread, and is woken once more for safety.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgpack

log = logging.getLogger(__name__)

OVERSLEPT_S = 2.0  # from a tick until a manager that made its round at the tick before is taken to be asleep
LEFT_S = 0.5  # from a manager's farewell until its thread is taken to be asleep
ANSWER_S = 2.0


class Alarm:
    """Watch the traffic manager of one client: set at a tick, put off by the first call of its round."""

    def __init__(self, host: str, registered: Callable[[int], bool]) -> None:
        """Watch nobody yet.

        Args:
            host: of the client, as we see it.
            registered: whether a manager is registered under a port now.
        """
        self._registered = registered
        self.port = 0  # of its manager, 0 for none
        self._host = host
        self._in_rhythm = False
        self._set: asyncio.TimerHandle | None = None
        self._waking: asyncio.Task[None] | None = None

    def saw(self, method: str) -> None:
        """Take note of a call that this client was answered."""
        if method == "get_vehicle_light_states":  # the first call of every round
            self._in_rhythm = True
            self.off()
        elif method == "tick_cue" and self.port:
            self.off()
            if self._in_rhythm:
                self._set = asyncio.get_running_loop().call_later(OVERSLEPT_S, self._ring)
            self._in_rhythm = False
        elif method == "destroy_traffic_manager" and self.port:
            self.off()
            self._set = asyncio.get_running_loop().call_later(LEFT_S, self._see_out, self.port)

    def off(self) -> None:
        """Put the alarm off."""
        if self._set is not None:
            self._set.cancel()
            self._set = None

    def _ring(self) -> None:
        log.warning("the traffic manager on port %d slept through a tick (CARLA issue 9172) and is woken", self.port)
        self._waking = asyncio.create_task(self._wake(self.port, False, True))

    def _see_out(self, port: int) -> None:
        if not self._registered(port):  # else the port has a new manager
            self._waking = asyncio.create_task(self._wake(port, False))

    async def _wake(self, port: int, *modes: bool) -> None:
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_connection(self._host, port)
                try:
                    for number, synchronous in enumerate(modes):
                        writer.write(msgpack.packb([0, number, "set_synchronous_mode", [synchronous]]))
                        await reader.read(1 << 10)
                finally:
                    writer.close()
        except OSError as error:  # TimeoutError among them
            if len(modes) > 1:
                log.warning("the traffic manager on port %d could not be reached: %s", port, error)

"""Wake: rouse a traffic manager of the wheel that has slept through a tick, over the manager's own RPC port.

`Rest` makes the lost wake-up of CARLA issue 9172 rare, not impossible: a busy machine still hung about once in 40,000
ticks. Turning the manager's synchronous mode off wakes its thread, which then makes the round it owes; turning it on
again at once leaves the mode as it was.
"""

from __future__ import annotations

import asyncio
import logging

import msgpack

log = logging.getLogger(__name__)

OVERSLEPT_S = 2.0  # from a tick until a manager that made its round at the tick before is taken to be asleep
ANSWER_S = 2.0


class Alarm:
    """Watch the traffic manager of one client: set at a tick, put off by the first call of its round."""

    def __init__(self, host: str) -> None:
        """Watch nobody yet.

        Args:
            host: of the client, as we see it.
        """
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

    def off(self) -> None:
        """Put the alarm off."""
        if self._set is not None:
            self._set.cancel()
            self._set = None

    def _ring(self) -> None:
        self._waking = asyncio.create_task(self._wake())

    async def _wake(self) -> None:
        log.warning("the traffic manager on port %d slept through a tick (CARLA issue 9172) and is woken", self.port)
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_connection(self._host, self.port)
                try:
                    for number, synchronous in enumerate((False, True)):
                        writer.write(msgpack.packb([0, number, "set_synchronous_mode", [synchronous]]))
                        await reader.read(1 << 10)
                finally:
                    writer.close()
        except OSError as error:  # TimeoutError among them
            log.warning("the traffic manager on port %d could not be reached: %s", self.port, error)

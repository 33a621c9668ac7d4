"""Subscribers: who listens to which stream, who is about to, and how fast they are sent to."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection

from protocols.carla_rpc.streaming import WORLD_STREAM

log = logging.getLogger(__name__)

GRACE_S = 0.5  # a tick waits so long for a client that was told of a stream and has not come yet
SLOW_CLIENT_S = 30.0
AHEAD_BYTES = 64 << 20  # unsent bytes up to which a synchronous world waits for nobody
BEHIND_BYTES = 8 << 20  # unsent bytes from which on a client of an asynchronous world misses messages


class Subscribers:
    """Hold the sockets of every stream."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._writers: defaultdict[int, set[asyncio.StreamWriter]] = defaultdict(set)
        self._expected: defaultdict[int, list[float]] = defaultdict(list)  # until when, for each client that is to come
        self._arrived = asyncio.Event()

    def expect(self, stream: int) -> None:
        """Remember that a client was told of a stream and is about to come."""
        now = asyncio.get_running_loop().time()
        self._expected[stream] = [*(until for until in self._expected[stream] if until > now), now + GRACE_S]

    def add(self, stream: int, writer: asyncio.StreamWriter) -> None:
        """Let a client listen."""
        self._writers[stream].add(writer)
        if self._expected.get(stream):
            self._expected[stream].pop(0)
        self._arrived.set()

    def remove(self, stream: int, writer: asyncio.StreamWriter) -> None:
        """Forget a client that has left."""
        if stream in self._writers:
            self._writers[stream].discard(writer)
            if not self._writers[stream]:
                del self._writers[stream]

    def has(self, stream: int) -> bool:
        """Return whether anybody listens."""
        return stream in self._writers

    def forget_all_but(self, alive: Collection[int]) -> None:
        """Send no more on the streams of sensors that are gone; the world's own stays.

        The sockets are the clients' to close: closed by us, the wheel connects anew, and dies now and then when the
        sensor is dropped meanwhile.
        """
        for stream in [each for each in self._writers if each != WORLD_STREAM and each not in alive]:
            del self._writers[stream]

    async def wait_for_expected(self, alive: Collection[int]) -> None:
        """Wait until every client that was told of a living stream has come, at most the time of grace."""
        loop = asyncio.get_running_loop()
        while self._expected:
            now = loop.time()
            for stream, until in list(self._expected.items()):
                until[:] = [each for each in until if each > now]
                if not until or (stream != WORLD_STREAM and stream not in alive):
                    del self._expected[stream]
            if not self._expected:
                return
            self._arrived.clear()
            try:
                async with asyncio.timeout_at(max(max(until) for until in self._expected.values())):
                    await self._arrived.wait()
            except TimeoutError:
                continue

    async def send(self, stream: int, message: bytes, patient: bool) -> None:
        """Send to all who listen.

        Args:
            stream: number of the stream.
            message: bytes with their length first.
            patient: wait for those who are far behind, as a synchronous world does; they miss the message otherwise.
                Not for those who are only a little behind: a call of the wheel that keeps Python's lock while it waits
                for its tick keeps the callbacks of its images from reading on.
        """
        for writer in list(self._writers.get(stream, ())):
            if writer.transport.is_closing():
                continue
            if not patient:
                if writer.transport.get_write_buffer_size() <= BEHIND_BYTES:
                    writer.write(message)
                continue
            writer.write(message)
            if writer.transport.get_write_buffer_size() <= AHEAD_BYTES:
                continue
            try:
                async with asyncio.timeout(SLOW_CLIENT_S):
                    await writer.drain()
            except TimeoutError:
                log.warning("a client did not read stream %d for %g s and was dropped", stream, SLOW_CLIENT_S)
                writer.transport.abort()
            except ConnectionError:
                writer.close()

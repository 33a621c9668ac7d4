"""Subscribers before sockets that are none: who is waited for, and who misses a message."""

from __future__ import annotations

import asyncio

import pytest

from carla_plugin.simulator import subscribers
from carla_plugin.simulator.subscribers import AHEAD_BYTES, Subscribers
from protocols.carla_rpc.streaming import WORLD_STREAM


class Socket:
    """A writer, and its transport, that keep what they are given until told to let it go."""

    def __init__(self, unsent: int = 0) -> None:
        self.transport = self
        self.unsent = unsent
        self.sent: list[bytes] = []
        self.closed = False
        self.free = asyncio.Event()

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return self.closed

    def write(self, message: bytes) -> None:
        self.sent.append(message)

    async def drain(self) -> None:
        await self.free.wait()

    def close(self) -> None:
        self.closed = True

    abort = close


async def settled(task: asyncio.Task) -> bool:
    """Return whether a task ends without anything else happening."""
    for _ in range(20):
        await asyncio.sleep(0)
    return task.done()


@pytest.mark.parametrize("stream", [WORLD_STREAM, 7])
def test_a_tick_waits_for_each_client_that_was_told_of_a_stream(stream):
    async def story() -> None:
        audience = Subscribers()
        audience.expect(stream)
        audience.expect(stream)
        tick = asyncio.create_task(audience.wait_for_expected({7}))
        assert not await settled(tick)
        audience.add(stream, Socket())
        assert not await settled(tick)
        audience.add(stream, Socket())
        assert await settled(tick)

    asyncio.run(story())


def test_a_tick_waits_for_nobody_who_cannot_come():
    async def story() -> None:
        audience = Subscribers()
        audience.expect(7)
        assert await settled(asyncio.create_task(audience.wait_for_expected({8})))

    asyncio.run(story())


def test_a_tick_waits_no_longer_than_the_time_of_grace(monkeypatch):
    monkeypatch.setattr(subscribers, "GRACE_S", 0.01)

    async def story() -> None:
        audience = Subscribers()
        audience.expect(7)
        await audience.wait_for_expected({7})

    asyncio.run(story())


def test_a_client_behind_misses_messages_of_an_asynchronous_world_only():
    async def story() -> None:
        audience, ready, behind = Subscribers(), Socket(), Socket(AHEAD_BYTES + 1)
        audience.add(9, ready)
        audience.add(9, behind)
        await audience.send(9, b"one", patient=False)
        assert (ready.sent, behind.sent) == ([b"one"], [])
        sending = asyncio.create_task(audience.send(9, b"two", patient=True))
        assert not await settled(sending)
        behind.free.set()
        assert await settled(sending)
        assert (ready.sent, behind.sent) == ([b"one", b"two"], [b"two"])

    asyncio.run(story())


def test_a_client_that_never_reads_is_dropped(monkeypatch):
    monkeypatch.setattr(subscribers, "SLOW_CLIENT_S", 0.01)

    async def story() -> None:
        audience, dead = Subscribers(), Socket(AHEAD_BYTES + 1)
        audience.add(9, dead)
        await audience.send(9, b"one", patient=True)
        assert dead.closed
        await audience.send(9, b"two", patient=True)
        assert dead.sent == [b"one"]

    asyncio.run(story())


def test_nothing_is_sent_on_streams_of_the_dead_and_the_worlds_stays():
    audience, world, living, dead = Subscribers(), Socket(), Socket(), Socket()
    for stream, socket in ((WORLD_STREAM, world), (5, living), (6, dead)):
        audience.add(stream, socket)
    audience.forget_all_but({5})
    assert (world.closed, living.closed, dead.closed) == (False, False, False), "closing is the client's"
    assert not audience.has(6)
    audience.remove(6, dead)
    audience.remove(5, living)
    assert not audience.has(5)

"""Callers: who is answered when; the order that keeps the wheel's traffic manager from hanging (CARLA issue 9172)."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import msgpack

from carla_plugin.simulator.callers import Callers
from protocols.carla_rpc import messages


class Writer:
    """Keep what would be sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    async def drain(self) -> None:
        return

    def get_extra_info(self, name: str, default: object) -> object:
        return default


def served(*calls: tuple[str, ...]) -> list[str]:
    """Return the methods in the order of their answers, when each group of calls arrives in one piece."""
    order: list[str] = []
    simulation = SimpleNamespace(traffic_managers={})

    async def answer(request: messages.Request) -> bytes:
        order.append(request.method)
        if request.method == "add_traffic_manager_running":
            simulation.traffic_managers[8000] = ("", 8000)
        return b"x"

    async def run() -> Writer:
        reader, writer = asyncio.StreamReader(), Writer()
        serving = asyncio.create_task(Callers(simulation, answer).serve(reader, writer))
        for group in calls:
            reader.feed_data(b"".join(msgpack.packb([0, 1, method, [[False]]]) for method in group))
            await asyncio.sleep(0)
        reader.feed_eof()
        await serving
        assert len(writer.sent) == len(order)
        return writer

    asyncio.run(run())
    return order


def test_a_tick_waits_for_the_end_of_the_managers_round():
    came = ("add_traffic_manager_running", "get_vehicle_light_states", "tick_cue", "get_episode_settings", "version")
    assert served(came) == [*came[:2], "get_episode_settings", "tick_cue", "version"]


def test_a_tick_waits_for_a_manager_that_is_gone_only_a_little():
    came = ("add_traffic_manager_running", "get_vehicle_light_states", "tick_cue", "version")
    assert served(came) == list(came)


def test_a_client_without_a_manager_is_served_in_its_order():
    came = ("get_vehicle_light_states", "tick_cue", "get_episode_settings")
    assert served(came) == list(came)


def test_a_clock_waits_for_the_end_of_the_managers_round():
    order: list[str] = []
    simulation = SimpleNamespace(traffic_managers={})

    async def answer(request: messages.Request) -> bytes:
        order.append(request.method)
        if request.method == "add_traffic_manager_running":
            simulation.traffic_managers[8000] = ("", 8000)
        return b"x"

    async def run() -> None:
        reader, callers = asyncio.StreamReader(), Callers(simulation, answer)
        serving = asyncio.create_task(callers.serve(reader, Writer()))
        for method in ("add_traffic_manager_running", "get_vehicle_light_states"):
            reader.feed_data(msgpack.packb([0, 1, method, [[False]]]))
            await asyncio.sleep(0)
        ticking = asyncio.create_task(callers.rested())
        ticking.add_done_callback(lambda _: order.append("tick"))
        await asyncio.sleep(0)
        reader.feed_data(msgpack.packb([0, 1, "get_episode_settings", [[False]]]))
        await ticking
        await callers.rested()  # nobody is in the middle of anything: at once
        reader.feed_eof()
        await serving

    asyncio.run(run())
    assert order == ["add_traffic_manager_running", "get_vehicle_light_states", "get_episode_settings", "tick"]

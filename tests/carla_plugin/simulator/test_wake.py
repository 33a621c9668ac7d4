"""Wake: a traffic manager that sleeps through a tick is woken, one that makes its round is left alone."""

from __future__ import annotations

import asyncio

import msgpack

from carla_plugin.simulator import wake

WAIT_S = 10.0


def woken(monkeypatch, *methods: str, expected: int) -> list[tuple[str, bool]]:
    """Return what a manager is asked after its client's calls, once it was asked so often."""
    heard: list[tuple[str, bool]] = []
    monkeypatch.setattr(wake, "OVERSLEPT_S", 0.05)
    monkeypatch.setattr(wake, "LEFT_S", 0.05)

    async def run() -> None:
        enough = asyncio.Event()

        async def manager(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            unpacker = msgpack.Unpacker()
            while data := await reader.read(1 << 10):
                unpacker.feed(data)
                for kind, number, method, (value,) in unpacker:
                    heard.append((method, value))
                    writer.write(msgpack.packb([kind + 1, number, None, None]))
                    if len(heard) == expected:
                        enough.set()
            writer.close()

        server = await asyncio.start_server(manager, "127.0.0.1", 0)
        alarm = wake.Alarm("127.0.0.1", lambda port: False)
        alarm.port = server.sockets[0].getsockname()[1]
        for method in methods:
            alarm.saw(method)
        if expected:
            async with asyncio.timeout(WAIT_S):
                await enough.wait()
        else:
            assert alarm._set is None
        server.close()

    asyncio.run(run())
    return heard


def test_one_that_made_its_round_and_then_none_is_woken(monkeypatch):
    heard = woken(monkeypatch, "get_vehicle_light_states", "tick_cue", expected=2)
    assert heard == [("set_synchronous_mode", False), ("set_synchronous_mode", True)]


def test_one_that_leaves_is_woken_once_more(monkeypatch):
    heard = woken(monkeypatch, "destroy_traffic_manager", expected=1)
    assert heard == [("set_synchronous_mode", False)]


def test_one_in_rhythm_is_left_alone(monkeypatch):
    calls = ("get_vehicle_light_states", "tick_cue", "get_vehicle_light_states")
    assert woken(monkeypatch, *calls, expected=0) == []


def test_one_that_made_no_round_before_is_left_alone(monkeypatch):
    assert woken(monkeypatch, "tick_cue", expected=0) == []


def test_one_that_is_gone_is_only_told_of(caplog, monkeypatch):
    monkeypatch.setattr(wake, "OVERSLEPT_S", 0.05)

    async def run() -> None:
        alarm = wake.Alarm("127.0.0.1", lambda port: False)
        alarm.port = 1  # nobody listens there
        alarm.saw("get_vehicle_light_states")
        alarm.saw("tick_cue")
        async with asyncio.timeout(WAIT_S):
            while "could not be reached" not in caplog.text:
                await asyncio.sleep(0.01)

    asyncio.run(run())

"""Many clients, connections that break off, and rounds of loading and spawning: all are served and nothing grows."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time

import carla
import msgpack
import psutil
import pytest

ANSWER_S = 60.0
GROWTH_MB = 60.0

pytestmark = [pytest.mark.embedded, pytest.mark.source("ours"), pytest.mark.timeout(0)]


def megabytes(simulator) -> float:
    return psutil.Process(simulator.process.pid).memory_info().rss / 1e6


def call(number: int, method: str, *arguments) -> bytes:
    return msgpack.packb([0, number, method, [[False], *arguments]])


def test_many_come_at_once_and_others_break_off(two_simulators, scale):
    simulator = two_simulators[0]
    failures: list[str] = []

    def visit(number: int) -> None:
        try:
            client = carla.Client(simulator.host, simulator.port)
            client.set_timeout(ANSWER_S)
            world = client.get_world()
            point = world.get_map().get_spawn_points()[number]
            car = world.try_spawn_actor(world.get_blueprint_library().filter("vehicle.*")[number], point)
            world.wait_for_tick(ANSWER_S)
            assert car is not None
            assert car.destroy()
        except Exception as error:
            failures.append(f"client {number}: {error}")

    clients = [threading.Thread(target=visit, args=(number,)) for number in range(20)]
    for client in clients:
        client.start()
    dice, cut = random.Random(1), 200 if scale == "soak" else 40
    whole = call(1, "get_actor_definitions") + call(2, "apply_batch", [], True)
    for _ in range(cut):
        port = simulator.port + dice.randint(0, 1)
        with socket.create_connection((simulator.host, port), timeout=ANSWER_S) as peer:
            peer.sendall(whole[: dice.randint(0, len(whole))] if port == simulator.port else struct.pack("<I", 1))
            if dice.random() < 0.5:  # reset, not closed
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for client in clients:
        client.join(ANSWER_S * 2)
    assert failures == []
    client = carla.Client(simulator.host, simulator.port)
    client.set_timeout(ANSWER_S)
    assert not client.get_world().get_actors().filter("vehicle.*")
    process = psutil.Process(simulator.process.pid)
    until = time.monotonic() + ANSWER_S
    while len(process.net_connections()) > 10 and time.monotonic() < until:  # ours and the listeners
        client.get_server_version()
    assert len(process.net_connections()) <= 10


def test_two_servers_side_by_side_and_one_that_reloads_and_spawns_does_not_grow(two_simulators, scale):
    reloads, rounds = (50, 500) if scale == "soak" else (4, 30)
    worlds = []
    for simulator in two_simulators:
        client = carla.Client(simulator.host, simulator.port)
        client.set_timeout(ANSWER_S)
        worlds.append((client, client.get_world()))
    assert worlds[0][1].get_map().name == worlds[1][1].get_map().name
    (client, _), sizes = worlds[0], []
    for _ in range(reloads):
        world = client.reload_world()
        sizes.append(megabytes(two_simulators[0]))
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    entries = sorted(world.get_blueprint_library().filter("vehicle.*"), key=lambda entry: entry.id)
    points = world.get_map().get_spawn_points()
    alone = len(world.get_actors())
    for number in range(rounds):
        batch = [carla.command.SpawnActor(entries[(number + n) % len(entries)], points[n]) for n in range(10)]
        made = [answer.actor_id for answer in client.apply_batch_sync(batch, True) if not answer.error]
        assert len(made) == 10
        client.apply_batch_sync([carla.command.DestroyActor(each) for each in made], True)
        sizes.append(megabytes(two_simulators[0]))
    assert len(world.get_actors()) == alone
    print(f"\n{reloads} reloads, {rounds} rounds: memory {sizes[0]:.0f} .. {sizes[-1]:.0f} MB")
    assert sizes[-1] < sizes[len(sizes) // 5] + GROWTH_MB, f"memory grew: {sizes}"
    assert not worlds[1][1].get_actors().filter("vehicle.*")

"""Traffic manager: started within the wheel, on a port of this machine that nobody else takes meanwhile."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from carla_plugin.world.connection import World

FIRST_PORT, PORTS = 20_000, 12_000
"""Below the ports that systems hand out to whoever connects: those may be taken between our look and the bind."""

TRIES = 8


def start_manager(world: World) -> tuple[Any, int]:
    """Start a traffic manager of our own; return it and its port.

    Raises:
        ServerError: the server did not answer, or no port of eight was to be had.
    """
    for attempt in range(TRIES):
        port = free_port()
        with world.asking("starting the traffic manager"), _hushed():
            try:
                return world.client.get_trafficmanager(port), port
            except RuntimeError as error:
                if "bind error" not in str(error) or attempt + 1 == TRIES:
                    raise
    raise AssertionError("the last try raises")


def manager_of(world: World) -> tuple[Any, int]:
    """Return the traffic manager of a world and its port, started where there is none yet.

    One serves all episodes: each that is started leaves the memory of its map behind, whatever is done to it.

    Raises:
        ServerError: as `start_manager`.
    """
    if world.manager is None:
        manager, _ = world.manager = start_manager(world)
        with world.asking("starting the traffic manager"):
            manager.set_synchronous_mode(True)  # at once: until then its thread asks without a pause
        world.closing.callback(manager.shut_down)
    return world.manager


def free_port() -> int:
    """Return a port of this machine that nothing listens on now."""
    while True:
        port = FIRST_PORT + secrets.randbelow(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep the wheel from warning that it has no map cache, which is no fault: it writes past Python, to stderr.

    What Python itself says meanwhile, in another thread, is still said.
    """
    python = sys.stderr
    python.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        with os.fdopen(kept, "w", buffering=1, closefd=False) as sys.stderr:
            os.dup2(nowhere, 2)
            yield
    finally:
        sys.stderr = python
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

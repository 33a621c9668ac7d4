"""Calls: what each RPC method does, by name; `dispatch` looks one up and wraps what it returns."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from carla_plugin.simulator.calls import (
    actors,
    anatomy,
    batch,
    drawings,
    lights,
    motion,
    rays,
    recorder,
    scenery,
    session,
    signals,
    silent,
    sky,
    walkers,
)
from carla_plugin.simulator.calls.kinds import Call, Kind
from carla_plugin.simulator.simulation import Simulation
from carla_plugin.simulator.spawning import CallError
from protocols.carla_rpc import messages
from protocols.errors import RemoteProtocolError

log = logging.getLogger(__name__)

CALLS: dict[str, Call] = {
    **session.CALLS, **sky.CALLS, **actors.CALLS, **motion.CALLS, **signals.CALLS, **batch.CALLS, **anatomy.CALLS,
    **lights.CALLS, **rays.CALLS, **scenery.CALLS, **silent.CALLS, **drawings.CALLS,
    **recorder.CALLS, **walkers.CALLS,
}  # fmt: skip


@lru_cache(maxsize=256)
def _tell_once(method: str, count: int) -> None:
    """Say once that a call is missing: of one that waits for no answer, a client learns nothing."""
    log.warning("the call %.60s with %d arguments is not known here", method, count)


async def answer(simulation: Simulation, request: messages.Request) -> bytes:
    """Do what a client asks and return the bytes of the answer."""
    call = CALLS.get(request.method)
    if call is None or call.takes != len(request.arguments):
        _tell_once(request.method, len(request.arguments))
        return messages.no_such_method(request.number, request.method, len(request.arguments) + 1)
    try:
        value = call.function(simulation, *request.arguments)
        if inspect.isawaitable(value):
            value = await value
    except CallError as error:
        wrap: Callable[[str], Any] = messages.failed if call.kind is Kind.VOID else messages.bad
        return messages.response(request.number, wrap(error.worded(request.method)))
    except RemoteProtocolError as error:
        return messages.broken(request.number, request.method, str(error))
    if call.kind is not Kind.RAW:
        value = messages.done() if call.kind is Kind.VOID else messages.good(value)
    return messages.response(request.number, value)

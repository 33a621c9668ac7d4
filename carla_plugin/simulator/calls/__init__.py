"""Calls: what each RPC method does, by name; `dispatch` looks one up and wraps what it returns."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from carla_plugin.simulator.calls import actors, batch, motion, session, signals, sky
from carla_plugin.simulator.calls.kinds import Call, Kind
from carla_plugin.simulator.simulation import Simulation
from carla_plugin.simulator.spawning import CallError
from protocols.carla_rpc import messages
from protocols.errors import RemoteProtocolError

CALLS: dict[str, Call] = {
    **session.CALLS, **sky.CALLS, **actors.CALLS, **motion.CALLS, **signals.CALLS, **batch.CALLS,
}  # fmt: skip


async def answer(simulation: Simulation, request: messages.Request) -> bytes:
    """Do what a client asks and return the bytes of the answer."""
    call = CALLS.get(request.method)
    if call is None or call.takes != len(request.arguments):
        return messages.no_such_method(request.number, request.method, len(request.arguments) + 1)
    try:
        value = call.function(simulation, *request.arguments)
        if inspect.isawaitable(value):
            value = await value
    except CallError as error:
        wrap: Callable[[str], Any] = messages.failed if call.kind is Kind.VOID else messages.bad
        return messages.response(request.number, wrap(str(error)))
    except RemoteProtocolError:
        return messages.no_such_method(request.number, request.method, len(request.arguments) + 1)
    if call.kind is not Kind.RAW:
        value = messages.done() if call.kind is Kind.VOID else messages.good(value)
    return messages.response(request.number, value)

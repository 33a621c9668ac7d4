"""Kinds of calls: how many arguments they take and how their answers are wrapped."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple, TypeVar

from carla_plugin.simulator.actors import SimActor
from carla_plugin.simulator.refusal import MISMATCH, NOT_FOUND, ActorError
from carla_plugin.simulator.simulation import Simulation
from protocols.carla_rpc import reading

Found = TypeVar("Found", bound=SimActor)


class Kind(Enum):
    """Name CARLA's wrappers of an answer."""

    VALUE = "Response<T>"
    VOID = "Response<void>"
    RAW = "without a wrapper"


class Call(NamedTuple):
    """One method: what it does, how many arguments it takes, how its answer is wrapped."""

    function: Callable[..., Any]
    kind: Kind
    takes: int


def value(function: Callable[..., Any]) -> Call:
    """Return a call whose answer is a value."""
    return Call(function, Kind.VALUE, _count(function))


def void(function: Callable[..., Any]) -> Call:
    """Return a call that answers nothing but that it was done."""
    return Call(function, Kind.VOID, _count(function))


def raw(function: Callable[..., Any]) -> Call:
    """Return a call whose answer is sent as it is."""
    return Call(function, Kind.RAW, _count(function))


def _count(function: Callable[..., Any]) -> int:
    return len(inspect.signature(function).parameters) - 1


def actor_of(simulation: Simulation, number: Any) -> SimActor:
    """Return a living actor.

    Raises:
        ActorError: there is none with this id.
    """
    actor = simulation.world.actors.get(reading.integer(number))
    if actor is None:
        raise ActorError(NOT_FOUND, number)
    return actor


def actor_as(simulation: Simulation, number: Any, kind: type[Found], name: str) -> Found:
    """Return a living actor of one kind.

    Args:
        simulation: where it lives.
        number: its id, as the client sent it.
        kind: its class.
        name: of the kind, for the message.

    Raises:
        ActorError: there is no such actor, or it is of another kind.
    """
    actor = actor_of(simulation, number)
    if not isinstance(actor, kind):
        raise ActorError(MISMATCH, number)
    return actor

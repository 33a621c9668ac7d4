"""Envelopes: the first frame of each message, a small msgpack map with a `kind`, and the reading of its values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgpack

from protocols.bundle import unpack_limited
from protocols.errors import RemoteProtocolError
from protocols.planes import Buffer
from protocols.wanted import Range

TEXT_LIMIT = 1024
RANGE_LIMIT = 512

Message = list[Buffer]


@dataclass(frozen=True, slots=True)
class Credit:
    """One free slot of the trainer, and the bundle it is free for.

    Attributes:
        sequence: the trainer's number of this credit; a bundle is acknowledged by it.
        index: of the bundle to be sent.
        slot: which slot; of use only where memory is shared.
    """

    sequence: int
    index: int
    slot: int


def envelope(kind: str, **values: Any) -> bytes:
    """Return the first frame of a message."""
    packed: bytes = msgpack.packb({"kind": kind, **values})
    return packed


def open_envelope(frame: Buffer) -> dict[str, Any]:
    """Read the first frame of a message.

    Raises:
        RemoteProtocolError: not a small map with a `kind`.
    """
    values = unpack_limited(frame, "envelope")
    if type(values.get("kind")) is not str:
        raise RemoteProtocolError(f"envelope: expected a kind, got keys {sorted(map(str, values))}"[:200])
    return values


def number(values: dict[str, Any], key: str) -> int:
    """Return a whole number from 0.

    Raises:
        RemoteProtocolError: it is none.
    """
    value = values.get(key)
    if type(value) is not int or not _is_number(value):
        raise RemoteProtocolError(f"{values['kind']}: expected {key} as a number from 0, got {value!r}"[:200])
    return value


def text(values: dict[str, Any], key: str) -> str:
    """Return a string of at most 1024 characters.

    Raises:
        RemoteProtocolError: it is none.
    """
    value = values.get(key)
    if type(value) is not str or len(value) > TEXT_LIMIT:
        raise RemoteProtocolError(f"{values['kind']}: expected {key} as a string, got {value!r}"[:200])
    return value


def flag(values: dict[str, Any], key: str) -> bool:
    """Return a truth value.

    Raises:
        RemoteProtocolError: it is none.
    """
    value = values.get(key)
    if type(value) is not bool:
        raise RemoteProtocolError(f"{values['kind']}: expected {key} as true or false, got {value!r}"[:200])
    return value


def numbers(values: dict[str, Any], key: str) -> list[int]:
    """Return a list of whole numbers from 0.

    Raises:
        RemoteProtocolError: it is none.
    """
    value = values.get(key)
    if type(value) is not list or not all(map(_is_number, value)):
        raise RemoteProtocolError(f"{values['kind']}: expected {key} as numbers from 0, got {value!r}"[:200])
    return list(value)


def credits_of(values: dict[str, Any], key: str = "credits") -> list[Credit]:
    """Return a list of credits.

    Raises:
        RemoteProtocolError: it is none.
    """
    value = values.get(key)
    if type(value) is not list or not all(
        type(each) is list and len(each) == 3 and all(map(_is_number, each)) for each in value
    ):
        raise RemoteProtocolError(
            f"{values['kind']}: expected {key} as lists of sequence, index and slot, got {value!r}"[:200]
        )
    return [Credit(*each) for each in value]


def ranges_of(values: dict[str, Any], key: str) -> tuple[Range, ...]:
    """Return half-open ranges; an end of nil means for ever.

    Raises:
        RemoteProtocolError: they are none.
    """
    value = values.get(key)
    if type(value) is not list or not all(
        type(each) is list and len(each) == 2 and _is_number(each[0]) and (each[1] is None or _is_number(each[1]))
        for each in value
    ):
        raise RemoteProtocolError(f"{values['kind']}: expected {key} as ranges, got {value!r}"[:200])
    return tuple((start, end) for start, end in value)


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63

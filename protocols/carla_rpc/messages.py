"""RPC messages: msgpack requests and responses as rpclib writes them, with CARLA's own wrappers inside.

A request is `[0, id, method, [[asynchronous], argument, ...]]`, a response `[1, id, error, result]`, without frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgpack

from protocols.errors import RemoteProtocolError

REQUEST_LIMIT = 64 << 20
"""Bytes that one request may have; textures and batches are the large ones."""


class Request(NamedTuple):
    """One call of a client."""

    number: int
    method: str
    arguments: tuple[Any, ...]
    asynchronous: bool


class RequestReader:
    """Cut a client's bytes into requests; memory is bounded."""

    def __init__(self) -> None:
        """Start with no bytes."""
        self._unpacker = msgpack.Unpacker(
            max_buffer_size=REQUEST_LIMIT, max_array_len=1 << 20, max_map_len=256, max_ext_len=0, use_list=True
        )

    def feed(self, data: bytes) -> Iterator[Request]:
        """Take in bytes and give the requests that are whole.

        Raises:
            RemoteProtocolError: the bytes are no request; nothing that follows can be read.
        """
        try:
            self._unpacker.feed(data)
            for message in self._unpacker:
                yield _request(message)
        except RemoteProtocolError:
            raise
        except (ValueError, msgpack.UnpackException, RecursionError, UnicodeDecodeError) as error:
            raise RemoteProtocolError(f"expected msgpack requests, got {type(error).__name__}: {error}"[:200]) from None


def _request(message: Any) -> Request:
    if not isinstance(message, list) or len(message) != 4 or message[0] != 0:
        raise RemoteProtocolError(f"expected [0, id, method, arguments], got {message!r}"[:200])
    _, number, method, arguments = message
    if not isinstance(number, int) or not isinstance(method, str) or not isinstance(arguments, list):
        raise RemoteProtocolError(f"expected [0, id, method, arguments], got {message!r}"[:200])
    metadata = arguments[0] if arguments else None
    if not isinstance(metadata, list) or not metadata or not isinstance(metadata[0], bool):
        raise RemoteProtocolError(f"{method}: expected metadata [asynchronous] first, got {metadata!r}"[:200])
    return Request(number, method, tuple(arguments[1:]), metadata[0])


def response(number: int, result: Any) -> bytes:
    """Return the bytes of a call that was dispatched, whether it went well or not."""
    packed: bytes = msgpack.packb([1, number, None, result])
    return packed


def no_such_method(number: int, method: str, count: int) -> bytes:
    """Return rpclib's answer to a method it does not have, `count` arguments counting the metadata."""
    words = f"rpclib: server could not find function '{method}' with argument count {count}."
    packed: bytes = msgpack.packb([1, number, words, None])
    return packed


def broken(number: int, method: str, fault: str) -> bytes:
    """Return the answer to a call that the server could not carry out, its own fault or the arguments'."""
    packed: bytes = msgpack.packb([1, number, f"{method}: {fault}", None])
    return packed


def good(value: Any) -> Any:
    """Return CARLA's `Response<T>` that holds a value."""
    return [[1, value]]


def bad(message: str) -> Any:
    """Return CARLA's `Response<T>` that holds an error."""
    return [[0, [message]]]


def done() -> Any:
    """Return CARLA's `Response<void>` of a call that went well."""
    return [[False]]


def failed(message: str) -> Any:
    """Return CARLA's `Response<void>` that holds an error."""
    return [[True, [message]]]

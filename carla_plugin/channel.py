"""Channel: messages between `stream` and its photographers, over two pipes: a small map, then frames of bytes."""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from io import FileIO
from typing import Any, NamedTuple

import numpy as np

from protocols.envelopes import envelope, open_envelope
from protocols.planes import Buffer

SIZE = struct.Struct("<Q")


class Note(NamedTuple):
    """A message: a map with a `kind`, and frames."""

    values: dict[str, Any]
    frames: list[Buffer]

    @property
    def kind(self) -> str:
        """Return what it is about."""
        return str(self.values["kind"])


class Channel:
    """Send and receive messages; any thread may send, one receives."""

    def __init__(self, incoming: FileIO, outgoing: FileIO) -> None:
        """Take the two pipes, unbuffered and blocking."""
        self._incoming = incoming
        self._outgoing = outgoing
        self._turn = threading.Lock()

    def send(self, kind: str, frames: Sequence[Buffer] = (), **values: Any) -> None:
        """Send a message whole.

        Args:
            kind: what it is about.
            frames: bytes of any length.
            values: small ones.

        Raises:
            OSError: nobody reads there any more.
        """
        parts = [envelope(kind, **values), *frames]
        sizes = [SIZE.pack(len(parts))] + [SIZE.pack(len(part)) for part in parts]
        with self._turn:
            for part in (b"".join(sizes), *parts):
                rest = memoryview(part)
                while rest:
                    rest = rest[self._outgoing.write(rest) or 0 :]

    def receive(self) -> Note | None:
        """Return the next message, None when the other end has closed or died.

        Raises:
            RemoteProtocolError: the first frame is not a map with a `kind`.
        """
        head = self._read(SIZE.size)
        if head is None:
            return None
        frames: list[Buffer] = []
        sizes = self._read(SIZE.unpack(head)[0] * SIZE.size)
        for (size,) in SIZE.iter_unpack(sizes or b""):
            frame = self._read(size)
            if frame is None:
                return None
            frames.append(frame)
        return Note(open_envelope(frames[0]), frames[1:]) if frames else None

    def _read(self, size: int) -> memoryview | None:
        """Return so many bytes, None at the end of the file."""
        block: memoryview = np.empty(size, np.uint8).data  # unlike a bytearray it is not filled with zeros first
        done = 0
        while done < size:
            try:
                got = self._incoming.readinto(block[done:])
            except (OSError, ValueError):  # closed by another thread of ours
                return None
            if not got:
                return None
            done += got
        return block

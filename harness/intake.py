"""Intake: reads one bundle off the receiver's socket into a slot, and compares every length before it counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import zmq
from numpy.typing import NDArray

from harness.shared_memory import SharedSlots
from protocols.bundle import Bundle, BundleHeader, Pixels, decode_header, places, unpack_plane, view
from protocols.errors import RemoteProtocolError
from protocols.flow import Delivery
from protocols.planes import Buffer, check_plane

Keep = Callable[[Sequence[Buffer]], None]


class Intake:
    """Read the frames after an envelope, whose sender's message may end or go on where it should not."""

    def __init__(
        self, socket: zmq.Socket[bytes], shared: SharedSlots | None, jpeg: Pixels | None, keep: Keep | None
    ) -> None:
        """Read from a socket.

        Args:
            socket: the receiver's; the envelope has been read.
            shared: the slots, if producers write to them directly.
            jpeg: unpacks lossy images; None refuses them.
            keep: is given the frames of each whole bundle, as they came; for a recording.
        """
        self._socket = socket
        self._shared = shared
        self._jpeg = jpeg
        self._keep = keep

    def more(self) -> bool:
        """Return whether the message goes on."""
        return bool(self._socket.get(zmq.RCVMORE))

    def drain(self) -> int:
        """Drop what is left of the message; return how many frames that was."""
        frames = 0
        while self.more():
            self._socket.recv_into(bytearray(), flags=zmq.NOBLOCK)
            frames += 1
        return frames

    def read(self, memory: NDArray[np.uint8], delivery: Delivery) -> Bundle:
        """Return the bundle, whose planes lie unpacked in `memory`.

        Args:
            memory: `(N,)` uint8, the slot.
            delivery: which bundle is due.

        Raises:
            RemoteProtocolError: another bundle, too large, or frames missing, too many, or of wrong length.
            zmq.Again: the message ended in its middle.
        """
        if not self.more():
            raise RemoteProtocolError("bundle: expected a header, got no frame")
        frame = self._socket.recv(flags=zmq.NOBLOCK)
        header = decode_header(frame)
        if header.index != delivery.index:
            raise RemoteProtocolError(f"bundle {header.identity}: expected index {delivery.index}, got {header.index}")
        starts = places(header.planes)
        if starts[-1] > memory.size:
            raise RemoteProtocolError(
                f"bundle {header.identity}: expected at most {memory.size} bytes, got {starts[-1]}"
            )
        rooms = [
            memory.data[start : start + plane.raw_bytes]
            for plane, start in zip(header.planes, starts[:-1], strict=True)
        ]
        sent = self._in_place(header, rooms, delivery) if delivery.in_slot else self._planes(header, rooms)
        if self._keep is not None:
            self._keep([frame, *sent])
        return view(header, memory)

    def _planes(self, header: BundleHeader, rooms: Sequence[memoryview]) -> list[memoryview]:
        """Receive each plane into its room, or what is packed beside it first; return them as they came."""
        sent = []
        for number, (plane, room) in enumerate(zip(header.planes, rooms, strict=True)):
            if not self.more():
                raise RemoteProtocolError(
                    f"bundle {header.identity}: expected {len(header.planes)} planes, got {number}"
                )
            into = room if plane.codec == "raw" else memoryview(bytearray(plane.nbytes))
            got = self._socket.recv_into(into, flags=zmq.NOBLOCK)
            if got != plane.nbytes:  # a frame that is too long was cut off, one too short left the old bundle's tail
                raise RemoteProtocolError(
                    f"bundle {header.identity}: expected plane {number} of {plane.nbytes} bytes, got {got}"
                )
            if plane.codec == "raw":
                check_plane(plane, room)
            else:
                unpack_plane(plane, into, room, self._jpeg)
            sent.append(into)
        surplus = self.drain()
        if surplus:
            raise RemoteProtocolError(
                f"bundle {header.identity}: expected {len(header.planes)} planes, got {len(header.planes) + surplus}"
            )
        return sent

    def _in_place(self, header: BundleHeader, rooms: list[memoryview], delivery: Delivery) -> list[memoryview]:
        """Take what its producer wrote into the slot itself; nobody can write there from now on."""
        if self._shared is None or any(plane.codec != "raw" for plane in header.planes):
            raise RemoteProtocolError(f"bundle {header.identity}: expected planes, got none")
        surplus = self.drain()
        if surplus:
            raise RemoteProtocolError(f"bundle {header.identity}: expected no planes beside the slot's, got {surplus}")
        if not self._shared.seal(delivery.slot):
            raise RemoteProtocolError(f"bundle {header.identity}: expected a whole slot, it is still written to")
        for plane, room in zip(header.planes, rooms, strict=True):
            check_plane(plane, room)
        return rooms

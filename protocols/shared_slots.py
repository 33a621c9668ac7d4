"""Shared slots: how a block of memory that both processes have mapped is cut up, and who may write where.

The block begins with one 64-bit word a slot, then come the slots, each at a multiple of 4096 bytes. A slot's word is 1
plus the sequence of the credit whose holder may write to it, or 0. Who writes holds a lock on the word's bytes in the
block's file, which ends with the process; who changes a word must have that lock. So a producer that was stopped, cut
off and replaced can never write into a slot that has been dealt out again, not even when it wakes up in the midst.
"""

from __future__ import annotations

import fcntl
import re
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.errors import RemoteProtocolError

PAGE = 4096
SLOT_LIMIT = 65_536
WORD = 8
PREFIX = "/dev/shm/manyskies-"
"""Where the files of such blocks are made; the name goes on with the trainer's process id and a random number."""


def block_bytes(slots: int, slot_bytes: int) -> int:
    """Return the size of a block for that many slots."""
    return _first_slot(slots) + slots * _stride(slot_bytes)


def _first_slot(slots: int) -> int:
    return -(-slots * WORD // PAGE) * PAGE


def _stride(slot_bytes: int) -> int:
    return -(-slot_bytes // PAGE) * PAGE


def check_description(memory: dict[str, Any]) -> tuple[str, int, int]:
    """Return path, slots and bytes of a slot out of what a welcome says of shared memory.

    Raises:
        RemoteProtocolError: it is not such a description, or names another file than one made for this.
    """
    path, slots, size = memory.get("path"), memory.get("slots"), memory.get("slot_bytes")
    if type(path) is not str or not re.fullmatch(re.escape(PREFIX) + r"\d{1,10}-[0-9a-f]{1,32}", path):
        raise RemoteProtocolError(f"shared memory: expected a path {PREFIX}..., got {path!r}"[:200])
    if type(slots) is not int or not 1 <= slots <= SLOT_LIMIT:
        raise RemoteProtocolError(f"shared memory: expected 1..{SLOT_LIMIT} slots, got {slots!r}"[:200])
    if type(size) is not int or not 1 <= size < 2**40:
        raise RemoteProtocolError(f"shared memory: expected the bytes of a slot, got {size!r}"[:200])
    return path, slots, size


class SlotTable:
    """Find slots in a mapped block and keep the rules of who may write."""

    def __init__(self, file: int, block: NDArray[np.uint8], slots: int, slot_bytes: int) -> None:
        """Look at a block.

        Args:
            file: descriptor of the block's file, opened for reading and writing by this process itself.
            block: `(block_bytes,)` uint8, the file mapped.
            slots: how many.
            slot_bytes: of each.
        """
        self.slots = slots
        self.slot_bytes = slot_bytes
        self._file = file
        self._block = block
        self._words = block[: slots * WORD].view(np.uint64)
        self._first, self._stride = _first_slot(slots), _stride(slot_bytes)

    def memory(self, number: int) -> NDArray[np.uint8]:
        """Return the `(slot_bytes,)` uint8 memory of a slot, a view of the block."""
        start = self._first + number * self._stride
        return self._block[start : start + self.slot_bytes]

    def number(self, memory: NDArray[np.uint8]) -> int | None:
        """Return which slot a memory is; None when it is none."""
        offset = memory.ctypes.data - self._block.ctypes.data - self._first
        number, rest = divmod(offset, self._stride)
        whole = memory.shape == (self.slot_bytes,) and memory.dtype == np.uint8
        return number if whole and rest == 0 and 0 <= number < self.slots else None

    def assign(self, number: int, word: int) -> bool:
        """Let only the holder of `word` write to a slot from now on; return False while another still writes."""
        if not self._lock(number, fcntl.F_WRLCK):
            return False
        self._words[number] = word
        self._lock(number, fcntl.F_UNLCK)
        return True

    def begin(self, number: int, word: int) -> bool:
        """Begin to write to a slot; return False when it is no longer ours. `end` must follow a True."""
        if not self._lock(number, fcntl.F_WRLCK):
            return False
        if int(self._words[number]) != word:
            self.end(number)
            return False
        return True

    def end(self, number: int) -> None:
        """End writing to a slot."""
        self._lock(number, fcntl.F_UNLCK)

    def _lock(self, number: int, kind: int) -> bool:
        """Lock or unlock a word for this open file (not this process), without waiting."""
        request = struct.pack("hhqqi4x", kind, 0, number * WORD, WORD, 0)  # struct flock; whence 0: from the start
        try:
            fcntl.fcntl(self._file, fcntl.F_OFD_SETLK, request)
        except (BlockingIOError, PermissionError):
            return False
        return True

"""Shared memory: the plugin's view of the trainer's slots, and arrays to photograph into."""

from __future__ import annotations

import mmap
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.envelopes import Credit
from protocols.errors import PeerError, RemoteProtocolError
from protocols.shared_slots import SlotTable, block_bytes, check_description


class SharedMemoryError(PeerError):
    """The trainer's memory cannot be reached from here; bundles go through the socket instead."""


def host_name() -> str:
    """Return a name of this machine that changes when it starts; empty where memory cannot be shared."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


class TrainerSlots:
    """Write to those slots of the trainer's block that a credit was given for."""

    def __init__(self, memory: dict[str, Any]) -> None:
        """Map the block.

        Args:
            memory: as the welcome describes it.

        Raises:
            SharedMemoryError: no such block here: another container, another user, or another trainer's.
        """
        try:
            self.path, slots, size = check_description(memory)
            self._file = os.open(self.path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except (RemoteProtocolError, OSError) as error:
            raise SharedMemoryError(f"shared memory: {error}") from None
        found, length = os.fstat(self._file), block_bytes(slots, size)
        if not stat.S_ISREG(found.st_mode) or found.st_size != length:
            os.close(self._file)
            raise SharedMemoryError(f"shared memory: expected a file of {length} bytes, got {found.st_size}")
        block = mmap.mmap(self._file, length)
        self._table = SlotTable(self._file, np.frombuffer(block, np.uint8), slots, size)
        self._begun = 0
        self._left = False

    def begin(self, credit: Credit) -> NDArray[np.uint8] | None:
        """Return the `(slot_bytes,)` uint8 memory of a credit's slot to write to; None when it is no longer ours."""
        if self._left or credit.slot >= self._table.slots or not self._table.begin(credit.slot, credit.sequence + 1):
            return None
        self._begun += 1
        return self._table.memory(credit.slot)

    def end(self, credit: Credit) -> None:
        """End writing; must follow each `begin` that gave memory."""
        self._table.end(credit.slot)
        self._begun -= 1
        self._close_if_done()

    def leave(self) -> None:
        """Let go of the file as soon as nothing is being written any more."""
        self._left = True
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._left and not self._begun and self._file >= 0:
            os.close(self._file)
            self._file = -1

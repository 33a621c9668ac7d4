"""Shared memory: ring and reservoir as one block of slots that plugins on this machine write to directly."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import secrets
import stat
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from protocols.errors import InputError
from protocols.shared_slots import PREFIX, SlotTable, block_bytes

FOLDER = Path(PREFIX).parent


def host_name() -> str:
    """Return a name of this machine that changes when it starts; empty where there is no /dev/shm."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


class SharedSlots:
    """Keep slots in a file in /dev/shm; as `harness.slots.Slots`, but memory given back must be a slot of the block.

    Attributes:
        size: bytes of a slot.
        reserve: memory of the slots beyond the ring, for a reservoir: what is given back for a taken slot.
    """

    def __init__(self, count: int, size: int, reserve: int = 0) -> None:
        """Make the block, whole: what cannot be had is refused now, not when a bundle comes.

        Args:
            count: slots of the ring.
            size: bytes of each.
            reserve: further slots.

        Raises:
            InputError: no /dev/shm, or too little room there.
        """
        if sys.platform != "linux" or not FOLDER.is_dir():
            raise InputError("shared memory: expected /dev/shm, which only Linux has; leave it off")
        remove_stale()
        self.size = size
        total, length = count + reserve, block_bytes(count + reserve, size)
        self._path = f"{PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
        self._file = os.open(FOLDER, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)  # ends with this process: by it others see that it lives
            os.posix_fallocate(self._file, 0, length)
            block = mmap.mmap(self._file, length, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
            # it gets its name when it is locked and whole; a file descriptor as folder makes this linkat, as is needed
            os.link(f"/proc/self/fd/{self._file}", self._path, src_dir_fd=self._file, follow_symlinks=True)
        except OSError as error:
            free = os.statvfs(FOLDER)
            self.close()
            raise InputError(
                f"shared memory: expected {length / 1e6:.0f} MB free in {FOLDER} for {total} slots, got "
                f"{free.f_bavail * free.f_frsize / 1e6:.0f} MB ({error.strerror}); make it larger (docker: --shm-size),"
                " keep fewer bundles, or leave shared memory off"
            ) from None
        self._block = np.frombuffer(block, np.uint8)
        self._table = SlotTable(self._file, self._block, total, size)
        self.reserve = [self._table.memory(number) for number in range(count, total)]
        self._out = set(range(count, total))

    @property
    def pieces(self) -> list[NDArray[np.uint8]]:
        """Return all memory, the reserve's too, to be locked for a GPU."""
        return [self._block]

    def memory(self, number: int) -> NDArray[np.uint8]:
        """Return the `(size,)` uint8 memory of a slot."""
        return self._table.memory(number)

    def take_out(self, number: int) -> NDArray[np.uint8]:
        """Hand a filled slot's memory over."""
        self._out.add(number)
        return self._table.memory(number)

    def put_in(self, memory: NDArray[np.uint8]) -> int:
        """Take a slot's memory back and return its number.

        Args:
            memory: of a slot that was taken out, or of the reserve.

        Raises:
            ValueError: it is none, or was given back already.
        """
        number = self._table.number(memory)
        if number is None or number not in self._out:
            raise ValueError("memory: expected a slot of the shared block that was taken out, got other memory")
        self._out.remove(number)
        return number

    def claim(self, number: int, sequence: int) -> bool:
        """Let only the holder of a credit write to a slot; return False while another still writes there."""
        return self._table.assign(number, sequence + 1)

    def seal(self, number: int) -> bool:
        """Let nobody write to a slot any more; return False while somebody does."""
        return self._table.assign(number, 0)

    def describe(self, host: str) -> dict[str, Any]:
        """Return what a producer on that host needs in order to write to the slots; nothing: it cannot."""
        if not host or host != host_name():
            return {}
        return {"path": self._path, "slots": self._table.slots, "slot_bytes": self.size}

    def close(self) -> None:
        """Remove the file; the memory lasts as long as somebody has it mapped."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)
        os.close(self._file)


def remove_stale() -> list[str]:
    """Remove the blocks of trainers that were killed; return their names."""
    removed = []
    for path in FOLDER.glob(Path(PREFIX).name + "*"):
        try:
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue  # another user's, or gone
        try:
            if stat.S_ISREG(os.fstat(file).st_mode):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink(missing_ok=True)
                removed.append(path.name)
        except OSError:
            pass  # its trainer lives
        finally:
            os.close(file)
    return removed

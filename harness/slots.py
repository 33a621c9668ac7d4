"""Slots: the memory that bundles are received into, one numbered piece of equal size each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Slots:
    """Keep a ring of slots in ordinary memory; a filled one is taken out, and other memory put in for it.

    Attributes:
        size: bytes of a slot.
    """

    def __init__(self, count: int, size: int) -> None:
        """Set the memory aside; its pages are first touched when bundles come.

        Args:
            count: slots.
            size: bytes of each.
        """
        self.size = size
        self._memory: dict[int, NDArray[np.uint8]] = {number: np.empty(size, np.uint8) for number in range(count)}
        self._vacant: list[int] = []

    @property
    def pieces(self) -> list[NDArray[np.uint8]]:
        """Return all memory, to be locked for a GPU."""
        return list(self._memory.values())

    def memory(self, number: int) -> NDArray[np.uint8]:
        """Return the `(size,)` uint8 memory of a slot."""
        return self._memory[number]

    def take_out(self, number: int) -> NDArray[np.uint8]:
        """Hand a filled slot's memory over; its number waits for other memory."""
        self._vacant.append(number)
        return self._memory.pop(number)

    def put_in(self, memory: NDArray[np.uint8]) -> int:
        """Take memory in and return the number of the slot that it now is.

        Args:
            memory: `(size,)` uint8, the same that was taken out or other memory in exchange.

        Raises:
            ValueError: not of that shape, or more than was taken out.
        """
        if memory.shape != (self.size,) or memory.dtype != np.uint8:
            raise ValueError(f"memory: expected uint8 ({self.size},), got {memory.dtype} {memory.shape}")
        if not self._vacant:
            raise ValueError("memory: expected no more than was taken, got a slot too many")
        number = self._vacant.pop()
        self._memory[number] = memory
        return number

    def claim(self, number: int, sequence: int) -> bool:
        """Return whether nobody writes to a slot, and let only the holder of a credit write from now on."""
        return True

    def describe(self, host: str) -> dict[str, Any]:
        """Return what a producer on that host needs in order to write to the slots; nothing: it cannot."""
        return {}

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.clear()

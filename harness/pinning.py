"""Pinning: slots that a GPU copies from by itself, and how long such a copy still reads them."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from protocols.errors import InputError


class Reading(Protocol):
    """Something that still reads a slot: a `torch.cuda.Event` recorded after a `non_blocking` copy."""

    def query(self) -> bool:
        """Return whether it is done."""

    def synchronize(self) -> None:
        """Wait until it is done."""


class Pinned:
    """Hold memory page-locked, so that copies to the GPU need neither a staging buffer nor the CPU."""

    def __init__(self, memory: list[NDArray[np.uint8]]) -> None:
        """Lock it.

        Args:
            memory: pieces, each contiguous.

        Raises:
            InputError: there is no GPU, or it refuses; the message says why.
        """
        import torch

        if not torch.cuda.is_available():
            raise InputError("pin: expected a CUDA GPU, got none; leave it off")
        self._runtime: Any = torch.cuda.cudart()
        self._locked: list[NDArray[np.uint8]] = []
        torch.cuda.init()
        for piece in memory:
            status = int(self._runtime.cudaHostRegister(piece.ctypes.data, piece.nbytes, 0))
            if status:
                self.release()
                raise InputError(f"pin: expected {piece.nbytes / 1e6:.0f} MB to be locked, got CUDA error {status}")
            self._locked.append(piece)

    def release(self) -> None:
        """Unlock it; it must not be read by a GPU any more."""
        while self._locked:
            self._runtime.cudaHostUnregister(self._locked.pop().ctypes.data)

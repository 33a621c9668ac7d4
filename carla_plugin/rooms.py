"""Rooms: arrays to photograph into, in the trainer's own slot or in memory that is used again and again.

A bundle that is photographed into its room is not copied any more: over shared memory the trainer reads the very bytes
that the conversion wrote, over a socket they go out from where they are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from carla_plugin.shared_memory import TrainerSlots
from protocols.bundle import Bundle, BundleHeader, encode_header, places, raw_planes, view
from protocols.envelopes import Credit
from protocols.planes import IMAGE, MASK, Plane


@dataclass(frozen=True, eq=False)
class Room:
    """Arrays for one bundle, to be filled whole; what is in them is chance.

    Attributes:
        images: `(A, H, W, 3)` uint8.
        mask: `(H, W)` uint8.
        extras: as asked for.
        memory: `(N,)` uint8, which they are views of.
        slots: the trainer's block; None for memory of our own.
        credit: whose slot it is.
    """

    images: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    extras: Mapping[str, NDArray[Any]]
    memory: NDArray[np.uint8]
    slots: TrainerSlots | None = None
    credit: Credit | None = None

    def holds(self, bundle: Bundle) -> bool:
        """Return whether a bundle's arrays are just this room's."""
        ours, theirs = [self.images, self.mask, *self.extras.values()], [bundle.images, bundle.mask]
        theirs += bundle.extras.values()
        return len(ours) == len(theirs) and all(
            one.ctypes.data == other.ctypes.data and one.shape == other.shape and one.strides == other.strides
            for one, other in zip(ours, theirs, strict=True)
        )


@dataclass(frozen=True)
class Shape:
    """What a room must hold.

    Attributes:
        appearances: A.
        height: pixels.
        width: pixels.
        extras: names and dtypes of further `(H, W)` planes.
    """

    appearances: int
    height: int
    width: int
    extras: Mapping[str, str] = field(default_factory=dict)

    def within(
        self, memory: NDArray[np.uint8], slots: TrainerSlots | None = None, credit: Credit | None = None
    ) -> Room | None:
        """Return the room in some memory, laid out as the wire has it; None when it is too small."""
        size = (self.height, self.width)
        names = tuple(map(str, range(self.appearances)))
        planes = [Plane(IMAGE, name, "uint8", (*size, 3), "raw", 0) for name in names]
        planes.append(Plane(MASK, "", "uint8", size, "raw", 0))
        planes += [Plane(name, "", dtype, size, "raw", 0) for name, dtype in self.extras.items()]
        if places(planes)[-1] > memory.size:
            return None
        header = BundleHeader("", 0, 0, 0, "", names, *size, 0, "", planes=tuple(planes))
        found = view(header, memory)
        return Room(found.images, found.mask, found.extras, memory, slots, credit)


class Pool:
    """Lend memory of one size, and lend it again when nobody needs it; so no bundle costs new pages."""

    def __init__(self, size: int) -> None:
        """Start with nothing.

        Args:
            size: bytes of each piece.
        """
        self._size = size
        self._free: list[NDArray[np.uint8]] = []
        self._lent: dict[int, NDArray[np.uint8]] = {}

    def lend(self, index: int, needed: Collection[int]) -> NDArray[np.uint8]:
        """Return memory for a bundle.

        Args:
            index: of the bundle.
            needed: indices whose memory is still in use.
        """
        for other in [other for other in self._lent if other not in needed or other == index]:
            self._free.append(self._lent.pop(other))
        self._lent[index] = self._free.pop() if self._free else np.empty(self._size, np.uint8)
        return self._lent[index]


def copy_into(bundle: Bundle, memory: NDArray[np.uint8]) -> bool:
    """Lay a bundle's planes into a slot; return whether they fit."""
    planes = raw_planes(bundle)
    starts = places(planes)
    if starts[-1] > memory.size:
        return False
    arrays = [*bundle.images, bundle.mask, *bundle.extras.values()]
    for plane, start, array in zip(planes, starts[:-1], arrays, strict=True):
        room = memory[start : start + plane.raw_bytes]
        np.copyto(room.view(array.dtype).reshape(plane.shape), array)
    return True


def slot_header(bundle: Bundle) -> bytes:
    """Return the header of a bundle whose planes stand in a slot."""
    return encode_header(replace(bundle.header, planes=raw_planes(bundle)))

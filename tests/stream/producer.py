"""A plugin without a simulator, as a process of its own: it makes the bundles it is asked for, fast."""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from numpy.typing import NDArray

from carla_plugin.publisher import Publisher
from carla_plugin.rooms import Shape
from protocols.bundle import Bundle, BundleHeader, mask_hash
from protocols.errors import ManyskiesError

APPEARANCES = ("noon", "night", "rain", "fog")


def fill(index: int, images: NDArray[np.uint8], mask: NDArray[np.uint8]) -> None:
    """Write the picture of an index: each of its bytes follows from it, and no two indices have the same."""
    flat = images.reshape(-1)
    flat[:] = index & 255
    flat[:: 1 << 10] = (index >> 8) & 255
    flat[-1] = (index * 7) & 255
    mask[:] = index % 29
    mask[0, : min(8, mask.shape[1])] = (index >> np.arange(min(8, mask.shape[1]))) & 1


def header_of(index: int, mask: NDArray[np.uint8]) -> BundleHeader:
    """Return the header of an index."""
    return BundleHeader("made", 1, 0, index, "Grid_01", APPEARANCES, *mask.shape, index, mask_hash(mask))


def bundle_bytes(height: int, width: int) -> int:
    """Return the size of a bundle with room to spare."""
    return len(APPEARANCES) * height * width * 3 + height * width + 1024


def main() -> int:
    """Make bundles until the trainer has enough, or so many are made."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", required=True)
    parser.add_argument("--name", default="made@1")
    parser.add_argument("--size", type=int, nargs=2, default=(64, 128))
    parser.add_argument("--pause", type=float, default=0.0)
    parser.add_argument("--leave-after", type=int, default=1 << 60)
    parser.add_argument("--drop-each", type=int, default=0)
    parser.add_argument("--patience", type=float, default=120.0)
    arguments = parser.parse_args()
    height, width = arguments.size
    publisher = Publisher(arguments.to, arguments.name, bundle_bytes(height, width), arguments.patience)
    print("started", flush=True)
    index, made = -1, 0
    try:
        while made < arguments.leave_after and (index := publisher.next_wanted(index)) is not None:
            if arguments.drop_each and index % arguments.drop_each == arguments.drop_each - 1:
                publisher.drop(index, "mask")
                continue
            room = publisher.room(index, Shape(len(APPEARANCES), height, width))
            fill(index, room.images, room.mask)
            time.sleep(arguments.pause)
            publisher.put(Bundle(header_of(index, room.mask), room.images, room.mask))
            made += 1
        publisher.close()
    except ManyskiesError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

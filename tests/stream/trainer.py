"""A trainer without a network, as a process of its own: it takes bundles in order, checks them, and keeps a checkpoint.

`receipts` in its folder holds the indices as they were taken. A start goes on from the checkpoint `cursor`, written
each ten bundles, and first rolls the receipts back to it: what was taken after it was never trained on.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from producer import bundle_bytes, fill

from harness import BundleStream
from harness.stream import StreamEnd
from protocols.bundle import mask_hash


def main() -> int:
    """Take bundles until all have come."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bind", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--size", type=int, nargs=2, default=(64, 128))
    parser.add_argument("--slots", type=int, default=6)
    parser.add_argument("--shared", action="store_true")
    parser.add_argument("--slow", type=int, nargs=2, default=(0, 0), help="first and last index that take 0.25 s")
    parser.add_argument("--real", action="store_true", help="pictures of a street, not those that `fill` makes")
    arguments = parser.parse_args()
    height, width = arguments.size
    receipts, cursor_file = arguments.folder / "receipts", arguments.folder / "cursor"
    cursor = int(cursor_file.read_text()) if cursor_file.exists() else 0
    kept = [line for line in receipts.read_text().splitlines() if int(line) < cursor] if receipts.exists() else []
    receipts.write_text("".join(f"{line}\n" for line in kept))
    images, mask = np.empty((4, height, width, 3), np.uint8), np.empty((height, width), np.uint8)
    stream = BundleStream(
        arguments.bind, slots=arguments.slots, max_bundle_bytes=bundle_bytes(height, width), patience_s=120,
        ordered=True, wanted=((cursor, arguments.count),), run_id="run", shared=arguments.shared,
    )  # fmt: skip
    with stream, receipts.open("a") as log:
        print(stream.endpoint, flush=True)
        while True:
            try:
                slot = stream.take()
            except StreamEnd:
                break
            index = slot.bundle.header.index
            if arguments.real:
                whole = mask_hash(slot.bundle.mask) == slot.bundle.header.mask_sha256
            else:
                fill(index, images, mask)
                whole = np.array_equal(slot.bundle.images, images) and np.array_equal(slot.bundle.mask, mask)
            if not whole:
                print(f"bundle {index} is not what was made", file=sys.stderr)
                return 1
            if arguments.slow[0] <= index < arguments.slow[1]:
                time.sleep(0.25)
            stream.give_back(slot.memory)
            log.write(f"{index}\n")
            log.flush()
            print(f"took {index}", flush=True)
            if index % 10 == 9:
                fresh = cursor_file.with_suffix(".new")
                fresh.write_text(str(index + 1))
                os.replace(fresh, cursor_file)
        stats = stream.stats()
        words = f"duplicates {stats.duplicates} dropped {stats.dropped} faults {stats.faults} in_place {stats.in_place}"
        print(f"done {words}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

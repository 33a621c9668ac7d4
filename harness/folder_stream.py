"""A folder of labelled images in place of a stream: endless passes over it, in which bundle k is always the same."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.chance import FOLDER_PASS, chance
from harness.exported import exported
from harness.pictures import DamagedError, fitted, read_image
from harness.source_folders import Size, gta, measure, synthia
from harness.stored import Lay, StoredStream, check_room, stored_settings
from harness.stream import StreamEnd, StreamError
from protocols.bundle import Bundle, BundleHeader, mask_hash, places, raw_planes, view
from protocols.wanted import Range

LAYOUTS = {"gta": gta, "synthia": synthia, "export": exported}
DAMAGED = "damaged in the folder"
DAMAGED_LIMIT = 16
"""Bundles in a row that cannot be read, after which the run ends: it is not the files."""
AHEAD = 8
"""Bundles that are read before the trainer wants them."""


class LabelledStream(StoredStream):
    """Do as `BundleStream` does, from a folder of labelled images.

    Bundle k is the image, or the images, at place k modulo N of pass k div N over all N of them. Each pass has an order
    of its own, drawn from seed and pass alone; an export keeps its own order in every pass. The masks are CARLA's tags.
    """

    kind = "folder"

    def __init__(
        self,
        endpoint: str,
        *,
        bundle_size: Size | None = None,
        seed: int = 0,
        max_bundle_bytes: int | None = None,
        wanted: Sequence[Range] = ((0, None),),
        **settings: Any,
    ) -> None:
        """Find the files, and look at their sizes.

        Args:
            endpoint: `gta:DIR`, `synthia:DIR`, or `export:DIR`.
            bundle_size: width, height in pixels that images are brought to; None = as they are.
            seed: of the order.
            max_bundle_bytes: largest bundle, all planes together; the folder's unless given.
            wanted: as `StoredStream`.
            settings: further ones of `StoredStream`.

        Raises:
            InputError: the folder is another one; the message says which file was expected where.
        """
        name, _, place = endpoint.partition(":")
        self._folder = LAYOUTS[name](Path(place))
        self._moments, largest, left_out = measure(self._folder, endpoint, bundle_size)
        if max_bundle_bytes is None:
            pixels = largest if bundle_size is None else bundle_size[0] * bundle_size[1]
            max_bundle_bytes = pixels * (3 * max(len(moment.images) for moment in self._moments) + 1)
        super().__init__(endpoint, max_bundle_bytes=max_bundle_bytes, wanted=wanted, **settings)
        self._to_tell = [f"{endpoint}: {left_out}"] if left_out else []
        self._size = bundle_size
        self._seed = seed
        self._pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "labelled")
        self._indices = _each(wanted)
        self._coming: deque[tuple[int, Future[Bundle]]] = deque()
        self._orders: dict[int, NDArray[np.int64]] = {}
        self._damaged: set[str] = set()

    def _next(self) -> tuple[int, Lay]:
        while self._to_tell:
            self.warn(self._to_tell.pop())
        for _ in range(DAMAGED_LIMIT):
            self._look_ahead()
            if not self._coming:
                raise StreamEnd(f"{self.endpoint}: all {self._stats.bundles} bundles that were wanted have been taken")
            index, future = self._coming.popleft()
            try:
                return index, partial(self._lay, future.result())
            except DamagedError as error:
                if str(error) not in self._damaged:  # it comes again in each pass
                    self.warn(f"{self.endpoint}: left out bundle {index}: {error}")
                self._damaged.add(str(error))
                self._drop(index, DAMAGED)
        raise StreamError(f"{self.endpoint}: expected images that can be read, got {DAMAGED_LIMIT} damaged in a row")

    def _look_ahead(self) -> None:
        """Have the next bundles read; unpacking takes longer than a step of a small network."""
        while len(self._coming) < AHEAD and (index := next(self._indices, None)) is not None:
            self._coming.append((index, self._pool.submit(self._read, index, self._number(index))))

    def _number(self, index: int) -> int:
        """Return which of the folder's moments a bundle is."""
        turn, place = divmod(index, len(self._moments))
        if not self._folder.shuffled:
            return place
        if turn not in self._orders:
            self._orders = {turn: chance(self._seed, FOLDER_PASS, turn).permutation(len(self._moments))}
        return int(self._orders[turn][place])

    def _read(self, index: int, number: int) -> Bundle:
        """Return a bundle from its files.

        Raises:
            DamagedError: one cannot be read.
            InputError: one is encoded in another way.
        """
        moment = self._moments[number]
        mask = self._folder.read_label(moment.label)
        pictures = [read_image(file) for file in moment.images]
        if self._size is not None:
            mask = fitted(mask, self._size, smooth=False)
            pictures = [fitted(picture, self._size, smooth=True) for picture in pictures]
        header = BundleHeader(
            scenario=self._folder.name,
            seed=self._seed,
            episode=index // len(self._moments),
            index=index,
            town=moment.town,
            appearances=moment.appearances,
            height=mask.shape[0],
            width=mask.shape[1],
            frame=number,
            mask_sha256=mask_hash(mask),
            meta={"file": moment.name},
        )
        return Bundle(header, np.stack(pictures), mask)

    def _lay(self, read: Bundle, memory: NDArray[np.uint8]) -> Bundle:
        header = replace(read.header, planes=raw_planes(read))
        check_room(header.identity, places(header.planes)[-1], memory)
        bundle = view(header, memory)
        bundle.images[...] = read.images
        bundle.mask[...] = read.mask
        return bundle

    def stop(self) -> None:
        """End the stream, as a producer would that was told to."""
        self._indices = iter(())
        self._coming.clear()

    def close(self) -> None:
        """Let go of threads and memory; may be called twice."""
        self.stop()
        self._pool.shutdown(cancel_futures=True)
        super().close()


def _each(ranges: Sequence[Range]) -> Iterator[int]:
    for start, end in ranges:
        yield from count(start) if end is None else range(start, end)


def open_folder(endpoint: str, bundle_size: Size | None, seed: int, settings: dict[str, Any]) -> LabelledStream:
    """Return the stream of a folder; of `BundleStream`'s settings, those that only a socket needs are left out.

    Raises:
        InputError: another folder than expected, or it is to be recorded.
    """
    own = stored_settings(endpoint, LabelledStream.kind, settings)
    return LabelledStream(endpoint, bundle_size=bundle_size, seed=seed, **own)

"""Datasets, in mmseg's registry: an endless one fed by the stream, and one that keeps test bundles in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from mmcv.transforms import Compose
from mmengine.registry import FUNCTIONS
from mmseg.registry import DATASETS
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from harness.receiver import BundleStream, Slot
from harness.sampling import Reservoir
from protocols.bundle import Bundle, BundleHeader
from protocols.errors import InputError
from protocols.labels import COLOURS_16, NAMES_16

METAINFO = {"classes": NAMES_16, "palette": [list(colour) for colour in COLOURS_16]}

NOMINAL_LENGTH = 1_000_000
"""mmengine asks every dataset for a length; a stream has none."""


def slot_bytes(bundle_size: Sequence[int], max_appearances: int) -> int:
    """Return the bytes of a slot for bundles of `bundle_size` (width, height) px and `max_appearances` images."""
    pixels = bundle_size[0] * bundle_size[1]
    return pixels * 3 * max_appearances + 2 * pixels + 1024


def check_header(header: BundleHeader, bundle_size: Sequence[int], min_appearances: int) -> None:
    """Refuse a bundle that is not what the config says.

    Raises:
        InputError: another size, or too few appearances.
    """
    if (header.width, header.height) != tuple(bundle_size):
        raise InputError(
            f"bundle {header.identity}: the config expects bundle_size {tuple(bundle_size)}, "
            f"got {(header.width, header.height)}; change the scenario's camera or the config"
        )
    if len(header.appearances) < min_appearances:
        raise InputError(
            f"bundle {header.identity}: the config expects at least {min_appearances} appearances, "
            f"got {len(header.appearances)} ({', '.join(header.appearances)})"
        )


@DATASETS.register_module()
class StreamedBundles(IterableDataset):
    """Draw training samples from a reservoir that a live stream fills.

    Attributes:
        stream: the bound `BundleStream`; its address is known at once.
        reservoir: what is kept in memory.
        watchers: called with each new bundle, once, as it enters the reservoir.
        wait_s: seconds spent waiting for bundles.
    """

    metainfo = METAINFO

    def __init__(
        self,
        endpoint: str,
        bundle_size: Sequence[int],
        pipeline: Sequence[dict[str, Any]],
        batch_size: int,
        *,
        seed: int = 0,
        capacity: int = 64,
        first: int = 8,
        pace: float | None = None,
        slots: int = 6,
        max_appearances: int = 8,
        temperature: float = 0.01,
        min_share: float = 0.00149,
        patience_s: float = 60.0,
        first_patience_s: float = 300.0,
    ) -> None:
        """Bind the address.

        Args:
            endpoint: address on this machine.
            bundle_size: width, height of the bundles in pixels.
            pipeline: configs of transforms.
            batch_size: bundles per iteration, as the data loader has it.
            seed: of all draws.
            capacity: bundles kept.
            first: bundles to wait for before the first draw.
            pace: new bundles per iteration, waited for: the run can be repeated exactly. None: whatever has come by
                then, at least `first`; the trainer never waits, but when bundles come is chance.
            slots: of the receiver's ring.
            max_appearances: per bundle; sets the memory aside.
            temperature: of rare class sampling.
            min_share: share of the image a class needs for the bundle to be drawn for it.
            patience_s: of the receiver.
            first_patience_s: of the receiver.

        Raises:
            InputError: the address cannot be bound.
        """
        self.bundle_size = tuple(bundle_size)
        size = slot_bytes(bundle_size, max_appearances)
        self.reservoir = Reservoir(capacity, size, seed=seed, temperature=temperature, min_share=min_share)
        self.stream = BundleStream(
            endpoint, slots=slots, max_bundle_bytes=size, patience_s=patience_s, first_patience_s=first_patience_s
        )
        self.pipeline = Compose(list(pipeline))
        self.watchers: list[Callable[[Bundle], None]] = []
        self._batch_size = batch_size
        self._first = min(first, capacity)
        self._pace = pace
        self.wait_s = 0.0

    def __len__(self) -> int:
        return NOMINAL_LENGTH

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield samples for ever; each takes `pair` etc. from the pipeline.

        Raises:
            StreamError: the stream has ended.
            InputError: asked from a worker process, or a bundle that the config does not expect.
        """
        if get_worker_info() is not None:
            raise InputError("num_workers: expected 0, for the receiver is a thread of this process already")
        iteration = 0
        while True:
            self._fill(iteration)
            for place in range(self._batch_size):
                drawn = self.reservoir.draw(iteration, place)
                yield self.pipeline(as_results(drawn.bundle, drawn.wanted, drawn.chance))
            iteration += 1

    def _fill(self, iteration: int) -> None:
        """Take new bundles in: as many as the pace says, or what has come."""
        wanted = self._first if self._pace is None else int(self._first + iteration * self._pace)
        while self.reservoir.seen < wanted:
            started = time.monotonic()
            slot = self.stream.take()
            self.wait_s += time.monotonic() - started
            self._add(slot)
        while self._pace is None and (slot := self.stream.take(wait=False)) is not None:
            self._add(slot)

    def _add(self, slot: Slot) -> None:
        check_header(slot.bundle.header, self.bundle_size, 2)
        for watcher in self.watchers:
            watcher(slot.bundle)
        self.stream.give_back(self.reservoir.add(slot))


@DATASETS.register_module()
class HeldBundles(Dataset):
    """Hold a number of received bundles in memory as a test set; one sample is one bundle with all its appearances.

    Attributes:
        stream: the bound `BundleStream`.
        bundles: what was received.
    """

    metainfo = METAINFO

    def __init__(
        self,
        endpoint: str,
        bundle_size: Sequence[int],
        pipeline: Sequence[dict[str, Any]],
        count: int,
        *,
        slots: int = 4,
        max_appearances: int = 8,
        patience_s: float = 60.0,
        first_patience_s: float = 300.0,
    ) -> None:
        """Bind the address; nothing is received yet.

        Args:
            endpoint: address on this machine.
            bundle_size: width, height of the bundles in pixels.
            pipeline: configs of transforms.
            count: bundles to hold.
            slots: of the receiver's ring.
            max_appearances: per bundle.
            patience_s: of the receiver.
            first_patience_s: of the receiver.

        Raises:
            InputError: the address cannot be bound.
        """
        self.bundle_size = tuple(bundle_size)
        self.count = count
        self.pipeline = Compose(list(pipeline))
        self.bundles: list[Bundle] = []
        self.stream = BundleStream(
            endpoint,
            slots=slots,
            max_bundle_bytes=slot_bytes(bundle_size, max_appearances),
            patience_s=patience_s,
            first_patience_s=first_patience_s,
        )

    def fill(self, progress: Callable[[int], None] = lambda held: None) -> None:
        """Receive until `count` bundles are held, then tell the producer to stop.

        Args:
            progress: called with the number held.

        Raises:
            StreamError: they do not come.
            InputError: a bundle that the config does not expect.
        """
        for bundle in self.stream:
            check_header(bundle.header, self.bundle_size, 1)
            self.bundles.append(bundle)
            progress(len(self.bundles))
            if len(self.bundles) >= self.count:
                self.stream.stop()
                return

    def __len__(self) -> int:
        return len(self.bundles) or self.count

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.pipeline(as_results(self.bundles[index], -1, None))


def as_results(bundle: Bundle, wanted: int, chance: Any) -> dict[str, Any]:
    """Return the dict that the transforms take."""
    return {
        "images": bundle.images,
        "mask": bundle.mask,
        "appearances": bundle.header.appearances,
        "identity": bundle.header.identity,
        "wanted": wanted,
        "chance": chance,
    }


@FUNCTIONS.register_module()
def collate_appearances(samples: Sequence[dict[str, Any]]) -> dict[str, list[torch.Tensor]]:
    """Join B bundles of A appearances each to lists of B * A `inputs` and `data_samples`, bundle by bundle."""
    return {key: [item for sample in samples for item in sample[key]] for key in ("inputs", "data_samples")}

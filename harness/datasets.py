"""Datasets, in mmseg's registry: an endless one fed by the stream, and one that keeps test bundles in memory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from mmcv.transforms import Compose
from mmengine.registry import FUNCTIONS
from mmseg.registry import DATASETS
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from harness.chance import reseed
from harness.checkpoint import read_tensors
from harness.cursor import Cursor
from harness.receiver import Slot
from harness.reservoir import Reservoir
from harness.sampling import ClassFrequencies, Drawn
from harness.supply import open_stream
from harness.targets import Targets
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
        cursor: which bundles of the run were taken.
        used: what the newest iteration drew, for the journal: a dict a sample.
        watchers: called with each new bundle, once, as it enters the reservoir.
        wait_s: seconds spent waiting for bundles.
        resumed: after a resume, how it went: "exact", or "approximate" and why; else "".
        ranks: processes that share what is drawn, `batch_size` each.
        deal: called with an iteration's number and all its samples; returns those that are this process's own.
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
        reservoir_bytes: int | None = None,
        first: int = 8,
        pace: float | None = None,
        max_uses: float = 32.0,
        ordered: bool = False,
        slots: int = 6,
        min_appearances: int = 2,
        max_appearances: int = 8,
        temperature: float = 0.01,
        min_share: float = 0.00149,
        quota: int = 24,
        frequencies: dict[str, Any] | None = None,
        dropped_classes: Sequence[str] = (),
        patience_s: float = 60.0,
        first_patience_s: float = 300.0,
        shared: bool = False,
        keys: str | None = None,
        record: str | None = None,
        resume_from: str | None = None,
        target: dict[str, Any] | None = None,
    ) -> None:
        """Bind the address.

        Args:
            endpoint: address on this machine, with keys any; or `file:PATH` of a recording; or a folder of labelled
                images, `gta:DIR`, `synthia:DIR`, `export:DIR`.
            bundle_size: width, height of the bundles in pixels.
            pipeline: configs of transforms.
            batch_size: bundles per iteration, as the data loader has it.
            seed: of all draws.
            capacity: bundles kept.
            reservoir_bytes: memory that the reservoir may take at most; fewer bundles are kept if need be.
            first: bundles to wait for before the first draw; all that fit, where fewer do.
            pace: new bundles per iteration, waited for: the run can be repeated exactly. None: whatever has come by
                then, at least `first`; but when bundles come is chance.
            max_uses: without a pace: how often a bundle may be used, on average, before the trainer waits for more.
            ordered: whether bundles are taken in the order of their indices, whoever makes them: with a pace, the
                draws of a run then depend on nothing but its seed and its bundles.
            slots: of the receiver's ring.
            min_appearances: a bundle must have.
            max_appearances: per bundle; sets the memory aside.
            temperature: of rare class sampling.
            min_share: share of the image a class needs for the bundle to be drawn for it.
            quota: newest bundles of each class that stay.
            frequencies: settings of `ClassFrequencies`.
            dropped_classes: names of classes never drawn for.
            patience_s: of the receiver.
            first_patience_s: of the receiver.
            shared: whether ring and reservoir lie in shared memory, where plugins on this machine write bundles to.
            keys: folder of the trainer's keys; only plugins whose key is in it are heard.
            record: file that every bundle is appended to as it came.
            resume_from: checkpoint to go on from: the reservoir's bundles are asked for once more.
            target: config of a data set of unlabelled images, one of which goes with each bundle; None for none.

        Raises:
            InputError: the address cannot be bound, or the memory holds no two bundles.
        """
        self.targets = Targets(target, seed) if target is not None else None
        self.bundle_size = tuple(bundle_size)
        size = slot_bytes(bundle_size, max_appearances)
        if reservoir_bytes is not None:
            capacity = min(capacity, reservoir_bytes // size)
        if capacity < 2:
            raise InputError(f"reservoir: expected room for 2 bundles of {size} bytes or more, got {capacity}")
        state = None if resume_from is None else read_tensors(resume_from)["stream"]
        self.cursor = Cursor() if state is None else Cursor(state["cursor"]["next"], state["cursor"]["beyond"])
        again = [] if state is None else [entry[0] for entry in state["reservoir"]["entries"]]
        self.stream = open_stream(
            endpoint,
            bundle_size=self.bundle_size,
            seed=seed,
            slots=slots,
            max_bundle_bytes=size,
            patience_s=patience_s,
            first_patience_s=first_patience_s,
            ordered=ordered,
            wanted=self.cursor.wanted(again),
            run_id=state and state["run_id"],
            shared=shared,
            reserve=capacity if shared else 0,
            keys=keys,
            record=record,
        )
        self.reservoir = Reservoir(
            capacity,
            size,
            seed=seed,
            temperature=temperature,
            min_share=min_share,
            quota=quota,
            frequencies=ClassFrequencies(**(frequencies or {})),
            dropped_classes=dropped_classes,
            memory=self.stream.reserved,
        )
        self.resumed = "" if state is None else "exact"
        self.wait_s = 0.0
        self._iteration = 0
        self._changed = self._lost = 0
        if state is not None:
            self._iteration, self.wait_s = int(state["iteration"]), float(state["wait_s"])
            self.reservoir.load_state_dict(state["reservoir"])
        self.pipeline = Compose(list(pipeline))
        self.watchers: list[Callable[[Bundle], None]] = []
        self.used: list[dict[str, Any]] = []
        self.ranks = 1
        self.deal: Callable[[int, list[dict[str, Any]]], list[dict[str, Any]]] = lambda iteration, samples: samples
        self._batch_size = batch_size
        self._seed = seed
        self._first = min(first, capacity)
        self._pace = pace
        self._max_uses = max_uses
        self._ordered = ordered
        self._min_appearances = min_appearances

    def __len__(self) -> int:
        return NOMINAL_LENGTH

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield samples for ever; each takes `pair` etc. from the pipeline.

        Torch, numpy and random are seeded anew as each iteration begins, for dropout and for transforms of others.

        Raises:
            StreamError: the stream has ended.
            InputError: asked from a worker process, or a bundle that the config does not expect.
        """
        if get_worker_info() is not None:
            raise InputError("num_workers: expected 0, for the receiver is a thread of this process already")
        while True:
            self._refill()
            self._fill(self._iteration)
            reseed(self._seed, self._iteration)
            iteration, self._iteration, self.used = self._iteration, self._iteration + 1, []
            samples = []
            for place in range(self._batch_size * self.ranks):
                drawn = self.reservoir.draw(iteration, place)
                results = as_results(drawn.bundle, drawn.wanted, drawn.chance)
                sample = self.pipeline(results)
                self.used.append(journal_entry(results, drawn))
                if self.targets is not None:
                    self._add_target(sample, iteration, place)
                samples.append(sample)
            yield from self.deal(iteration, samples)

    def _add_target(self, sample: dict[str, Any], iteration: int, place: int) -> None:
        """Put a target image behind a bundle's own, and note it for the journal."""
        packed, number = self.targets.draw(iteration, place)
        for key in sample:
            sample[key].append(packed[key])
        self.used[-1]["target"] = number

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs to go on after the newest iteration: numbers, strings and lists, no pixels."""
        for index in self.stream.dropped:
            self.cursor.add(index)
        return {
            "run_id": self.stream.run_id,
            "iteration": self._iteration,
            "cursor": self.cursor.state_dict(),
            "reservoir": self.reservoir.state_dict(),
            "wait_s": self.wait_s,
        }

    def _refill(self) -> None:
        """After a resume: take the reservoir's bundles in again, each into its place; what cannot be had is dropped."""
        while absent := self.reservoir.absent():
            slot = self._take()
            index = slot.bundle.header.index
            if index in absent:
                check_header(slot.bundle.header, self.bundle_size, self._min_appearances)
                memory, same = self.reservoir.refill(slot)
                self._changed += not same
                self.stream.give_back(memory)
            elif self.cursor.has(index):  # it was asked for again, and has left the reservoir meanwhile
                self.stream.give_back(slot.memory)
            else:
                if self._ordered or self.stream.dropped.keys() >= set(absent):
                    self._lost += self.reservoir.forget_absent()
                self._add(slot)
        if self._lost or self._changed:
            self.resumed = (
                f"approximate: of the bundles in memory {self._lost} could not be had again, "
                f"{self._changed} came with other pixels"
            )

    def _fill(self, iteration: int) -> None:
        """Take new bundles in: as many as the pace says, or what has come."""
        if self._pace is None:
            draws = self.reservoir.draws + self._batch_size * self.ranks
            wanted = max(self._first, math.ceil(draws / self._max_uses))
        else:
            wanted = int(self._first + iteration * self._pace)
        while self.reservoir.seen < wanted:
            self._add(self._take())
        while self._pace is None and (slot := self.stream.take(wait=False)) is not None:
            self._add(slot)

    def _take(self) -> Slot:
        started = time.monotonic()
        slot = self.stream.take()
        self.wait_s += time.monotonic() - started
        return slot

    def _add(self, slot: Slot) -> None:
        check_header(slot.bundle.header, self.bundle_size, self._min_appearances)
        for watcher in self.watchers:
            watcher(slot.bundle)
        self.cursor.add(slot.bundle.header.index)
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
        self.stream = open_stream(
            endpoint,
            bundle_size=self.bundle_size,
            slots=slots,
            max_bundle_bytes=slot_bytes(bundle_size, max_appearances),
            patience_s=patience_s,
            first_patience_s=first_patience_s,
            ordered=True,
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


def journal_entry(results: dict[str, Any], drawn: Drawn) -> dict[str, Any]:
    """Return what a sample was made of, as the journal keeps it.

    Args:
        results: as the transforms left it.
        drawn: what it began with.
    """
    entry = {"index": drawn.bundle.header.index, "digest": drawn.digest, "wanted": drawn.wanted}
    return entry | {key: results[key] for key in ("appearances", "window", "mirrored") if key in results}


@FUNCTIONS.register_module()
def collate_appearances(samples: Sequence[dict[str, Any]]) -> dict[str, list[torch.Tensor]]:
    """Join B bundles of A appearances each to lists of B * A `inputs` and `data_samples`, bundle by bundle."""
    return {key: [item for sample in samples for item in sample[key]] for key in ("inputs", "data_samples")}

"""The reservoir: bundles kept in one block of memory, which of them leave, and the draw of rare classes from them.

A bundle that comes always enters. Half of the rest is safe as an even sample of all history (algorithm R), half
because it is among the newest few that show a class (quotas, rarest class first); of those that are in neither, the
most used one leaves.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.chance import DRAW, EVICTION, HISTORY, chance
from harness.receiver import Slot
from harness.sampling import CLASSES, ClassFrequencies, Drawn, class_pixels, rare_class_probabilities
from protocols.bundle import Bundle
from protocols.errors import InputError
from protocols.labels import NAMES_16


def digest(bundle: Bundle) -> str:
    """Return a short hash of a bundle's pixels: the mask's as made at capture, and a checksum of the images."""
    return f"{bundle.header.mask_sha256[:16]}-{zlib.crc32(np.ascontiguousarray(bundle.images).data):08x}"


@dataclass
class Entry:
    """One kept bundle.

    Attributes:
        slot: the bundle and its memory; None while it is being fetched again after a resume.
        index: the bundle's number within the run.
        age: how many bundles had come before it.
        digest: hash of its pixels.
        shares: `(16,)` share of the image that each class covers.
        uses: how often it was drawn.
        history: whether it is in the even sample of all history.
    """

    slot: Slot | None
    index: int
    age: int
    digest: str
    shares: NDArray[np.float64]
    uses: int = 0
    history: bool = False


class Reservoir:
    """Keep bundles in one block of memory, and draw from it by rare class.

    Attributes:
        seen: bundles ever added.
        draws: bundles ever drawn; `draws / seen` is how often a bundle is used.
        starved: `(16,)` how often a class was drawn that no bundle in the reservoir shows.
        frequencies: of the classes in the natural stream.
        nbytes: the memory set aside.
    """

    def __init__(
        self,
        capacity: int,
        bundle_bytes: int,
        *,
        seed: int,
        temperature: float = 0.01,
        min_share: float = 0.00149,
        keep_newest: int = 4,
        quota: int = 24,
        frequencies: ClassFrequencies | None = None,
        dropped_classes: Sequence[str] = (),
        memory: Sequence[NDArray[np.uint8]] = (),
    ) -> None:
        """Set the memory aside; it is touched only as bundles come.

        Args:
            capacity: bundles to keep.
            bundle_bytes: size of the receiver's slots.
            seed: of the run.
            temperature: of rare class sampling; infinite = bundles are drawn evenly.
            min_share: share of an image that a class must cover for the bundle to be drawn for that class.
            keep_newest: bundles that are safe from eviction, so that each has its chance to be drawn.
            quota: newest bundles of each class that are safe, as far as half of the places go.
            frequencies: of the classes; counted from nothing unless given.
            dropped_classes: names of classes never drawn for, such as those the simulator cannot make.
            memory: `capacity` pieces of `bundle_bytes` to use; a block of its own unless given.

        Raises:
            InputError: an unknown class.
        """
        unknown = set(dropped_classes) - set(NAMES_16)
        if unknown:
            raise InputError(f"dropped_classes: expected names of the 16 classes, got {', '.join(sorted(unknown))}")
        self._spare = list(memory) or list(np.empty((capacity, bundle_bytes), np.uint8))
        self.nbytes = capacity * bundle_bytes
        self._entries: list[Entry] = []
        self._shown: NDArray[np.bool_] | None = None  # as _shows, until an entry changes
        self._seed = seed
        self._temperature = temperature
        self._min_share = min_share
        self._keep_newest = min(keep_newest, capacity - 1)
        self._quota = quota
        self._half = max(0, (capacity - self._keep_newest - 1) // 2)
        self._drawable = np.array([name not in dropped_classes for name in NAMES_16])
        self.frequencies = frequencies or ClassFrequencies()
        self.starved = np.zeros(CLASSES, np.int64)
        self.capacity = capacity
        self.seen = 0
        self.draws = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, slot: Slot) -> NDArray[np.uint8]:
        """Keep a bundle; when full another one leaves.

        Args:
            slot: as the receiver gave it.

        Returns:
            Memory of the same size to give back to the receiver in exchange; nothing is copied.
        """
        bundle = slot.bundle
        pixels = class_pixels(bundle.mask)
        if not bundle.header.meta.get("shaped"):  # one made on demand says nothing of how frequent a class is
            self.frequencies.add(pixels)
        entry = Entry(slot, bundle.header.index, self.seen, digest(bundle), pixels / bundle.mask.size)
        self._remember(entry)
        if len(self._entries) < self.capacity:
            self._entries.append(entry)
            memory = self._spare.pop()
        else:
            place = self._leaving()
            memory = self._memory(place)
            self._entries[place] = entry
        self._shown = None
        self.seen += 1
        return memory

    def _memory(self, place: int) -> NDArray[np.uint8]:
        slot = self._entries[place].slot
        return self._spare.pop() if slot is None else slot.memory

    def _remember(self, entry: Entry) -> None:
        """Let a new bundle into the even sample of history: algorithm R."""
        kept = [number for number, other in enumerate(self._entries) if other.history]
        if len(kept) < self._half:
            entry.history = True
        elif self._half:
            place = int(chance(self._seed, HISTORY, self.seen).integers(self.seen + 1))
            if place < self._half:
                self._entries[kept[place]].history = False
                entry.history = True

    def _leaving(self) -> int:
        """Return the place of the entry that has to go: the most used one of those that are not safe."""
        safe = self._in_quotas()
        newest = self.seen - self._keep_newest
        free = [
            number
            for number, entry in enumerate(self._entries)
            if not entry.history and entry.age <= newest and number not in safe
        ]
        most = max(self._entries[number].uses for number in free)
        equal = [number for number in free if self._entries[number].uses == most]
        return equal[int(chance(self._seed, EVICTION, self.seen).integers(len(equal)))]

    def _in_quotas(self) -> set[int]:
        """Return the places of the newest bundles of each class, rarest class first, at most half of all places."""
        safe: dict[int, None] = {}
        shows = self._shows()
        by_age = np.argsort([-entry.age for entry in self._entries], kind="stable")
        for wanted in np.argsort(self.frequencies.values, kind="stable"):
            safe |= dict.fromkeys(by_age[shows[by_age, wanted]][: self._quota].tolist())
            if len(safe) >= self._half:
                break
        return set(list(safe)[: self._half])

    def _shows(self) -> NDArray[np.bool_]:
        """Return `(N, 16)`: which bundle shows enough of which class."""
        if self._shown is None:
            self._shown = np.stack([entry.shares for entry in self._entries]) > self._min_share
        return self._shown

    def draw(self, iteration: int, slot: int) -> Drawn:
        """Draw a bundle: first a rare class, then evenly one of the bundles that show it.

        Args:
            iteration: 0-based.
            slot: place in the batch.

        Raises:
            ValueError: the reservoir is empty.
        """
        if not self._entries:
            raise ValueError("draw: expected at least one bundle in the reservoir, got none")
        dice = chance(self._seed, DRAW, iteration, slot)
        frequencies = self.frequencies.at(iteration)
        shows = self._shows()
        shown = shows.any(axis=0) & self._drawable
        if np.isinf(self._temperature) or not shown.any():
            return self._use(int(dice.integers(len(self._entries))), -1, dice)
        probabilities = np.zeros(CLASSES)
        probabilities[self._drawable] = rare_class_probabilities(frequencies[self._drawable], self._temperature)
        wanted = int(dice.choice(CLASSES, p=probabilities))
        if not shown[wanted]:
            self.starved[wanted] += 1
            classes = np.flatnonzero(shown)
            wanted = int(dice.choice(classes, p=rare_class_probabilities(frequencies[classes], self._temperature)))
        candidates = np.flatnonzero(shows[:, wanted])
        return self._use(int(candidates[dice.integers(candidates.size)]), wanted, dice)

    def _use(self, place: int, wanted: int, dice: np.random.Generator) -> Drawn:
        entry = self._entries[place]
        if entry.slot is None:
            raise ValueError(f"draw: expected bundle {entry.index} to have been fetched again")
        entry.uses += 1
        self.draws += 1
        return Drawn(entry.slot.bundle, wanted, dice, entry.digest)

    def sampling(self) -> dict[str, dict[str, float]]:
        """Return by class: its share of the stream's labels, how likely it is drawn for, how often it was not there."""
        shares, likely = self.frequencies.values, np.zeros(CLASSES)
        likely[self._drawable] = rare_class_probabilities(shares[self._drawable], self._temperature)
        rows = zip(NAMES_16, shares, likely, self.starved, strict=True)
        return {
            name: {"share": float(share), "probability": float(drawn), "starved": float(starved)}
            for name, share, drawn, starved in rows
        }

    def state_dict(self) -> dict[str, Any]:
        """Return a manifest of what is kept, in plain numbers, strings and lists: no pixels."""
        return {
            "entries": [[one.index, one.age, one.digest, one.uses, one.history] for one in self._entries],
            "shares": [one.shares.tolist() for one in self._entries],
            "seen": self.seen,
            "draws": self.draws,
            "starved": self.starved.tolist(),
            "frequencies": self.frequencies.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over a manifest; the bundles themselves come by `refill`.

        Raises:
            InputError: more bundles than there is room for.
        """
        if len(state["entries"]) > self.capacity:
            raise InputError(
                f"reservoir: expected room for {len(state['entries'])} bundles, got capacity {self.capacity}"
            )
        self._entries = [
            Entry(None, index, age, text, np.array(shares, np.float64), uses, history)
            for (index, age, text, uses, history), shares in zip(state["entries"], state["shares"], strict=True)
        ]
        self._shown = None
        self.seen, self.draws = int(state["seen"]), int(state["draws"])
        self.starved = np.array(state["starved"], np.int64)
        self.frequencies.load_state_dict(state["frequencies"])

    def absent(self) -> list[int]:
        """Return the indices of bundles that are in the manifest and not yet in memory, ascending."""
        return sorted(entry.index for entry in self._entries if entry.slot is None)

    def refill(self, slot: Slot) -> tuple[NDArray[np.uint8], bool]:
        """Put a bundle that was made again into its old place.

        Args:
            slot: as the receiver gave it; its index is one of `absent`.

        Returns:
            Memory to give back in exchange, and whether the pixels are what they were.
        """
        entry = next(one for one in self._entries if one.slot is None and one.index == slot.bundle.header.index)
        entry.slot = slot
        found = digest(slot.bundle)
        same, entry.digest = found == entry.digest, found
        if not same:
            entry.shares = class_pixels(slot.bundle.mask) / slot.bundle.mask.size
            self._shown = None
        return self._spare.pop(), same

    def forget_absent(self) -> int:
        """Drop what cannot be had again from the manifest, and return how many bundles that were."""
        before = len(self._entries)
        self._entries = [entry for entry in self._entries if entry.slot is not None]
        self._shown = None
        return before - len(self._entries)

"""Sampling: a reservoir of bundles in memory, and the draw of rare classes from it (DAFormer, section on RCS).

All chance comes from counters, (seed, iteration, slot), never from a hidden state: the same bundles in the same order
give the same draws.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.receiver import Slot
from protocols.bundle import Bundle
from protocols.labels import NAMES_16, tag_to_class16

CLASSES = len(NAMES_16)
EVICTION, DRAW = 1, 2  # streams of chance that must not meet


def chance(seed: int, purpose: int, iteration: int, slot: int = 0) -> np.random.Generator:
    """Return the random generator of one decision, the same whenever it is asked for.

    Args:
        seed: of the run.
        purpose: which kind of decision.
        iteration: 0-based.
        slot: place in the batch.
    """
    return np.random.Generator(np.random.Philox(key=seed % 2**64, counter=[0, purpose, slot, iteration]))


def class_pixels(mask: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count the pixels of each of the 16 classes in a `(H, W)` uint8 mask of tags; returns `(16,)` int64."""
    return np.bincount(tag_to_class16()[mask].ravel(), minlength=256)[:CLASSES]


def rare_class_probabilities(frequencies: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return the probability with which each class is drawn: softmax of (1 - f) / T.

    Args:
        frequencies: `(C,)` share of each class in all labelled pixels, summing to 1.
        temperature: T; infinite = uniform. 0.01 in DAFormer.
    """
    weights = np.exp((frequencies.min() - frequencies) / temperature)
    return weights / weights.sum()


class Drawn(NamedTuple):
    """A bundle drawn from the reservoir.

    Attributes:
        bundle: views of the reservoir's memory.
        wanted: the class 0..15 it was drawn for, -1 when drawn at random.
        chance: generator for all further decisions about this draw.
    """

    bundle: Bundle
    wanted: int
    chance: np.random.Generator


class Reservoir:
    """Keep a random sample of the bundles seen, in one block of memory, and draw from it by rare class.

    Attributes:
        seen: bundles ever added.
        draws: bundles ever drawn; `draws / seen` is how often a bundle is used.
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
    ) -> None:
        """Set the memory aside; it is touched only as bundles come.

        Args:
            capacity: bundles to keep.
            bundle_bytes: size of the receiver's slots.
            seed: of the run.
            temperature: of rare class sampling; infinite = bundles are drawn evenly.
            min_share: share of an image that a class must cover for the bundle to be drawn for that class.
            keep_newest: bundles that are safe from eviction, so that each has its chance to be drawn.
        """
        self._block = np.empty((capacity, bundle_bytes), np.uint8)
        self._spare = list(self._block)
        self._entries: list[Slot] = []
        self._ages: list[int] = []
        self._shares = np.zeros((capacity, CLASSES))
        self._pixels = np.zeros(CLASSES, np.int64)
        self._seed = seed
        self._temperature = temperature
        self._min_share = min_share
        self._keep_newest = min(keep_newest, capacity - 1)
        self.capacity = capacity
        self.seen = 0
        self.draws = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, slot: Slot) -> NDArray[np.uint8]:
        """Keep a bundle, evicting one at random when full.

        Args:
            slot: as the receiver gave it.

        Returns:
            Memory of the same size to give back to the receiver in exchange; nothing is copied.
        """
        pixels = class_pixels(slot.bundle.mask)
        self._pixels += pixels
        shares = pixels / slot.bundle.mask.size
        if len(self._entries) < self.capacity:
            self._shares[len(self._entries)] = shares
            self._entries.append(slot)
            self._ages.append(self.seen)
            memory = self._spare.pop()
        else:
            old = [n for n, age in enumerate(self._ages) if age < self.seen - self._keep_newest]
            place = old[int(chance(self._seed, EVICTION, self.seen).integers(len(old)))]
            memory = self._entries[place].memory
            self._entries[place], self._ages[place], self._shares[place] = slot, self.seen, shares
        self.seen += 1
        return memory

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """Return `(16,)` share of each class in the labelled pixels of all bundles seen."""
        return self._pixels / max(1, self._pixels.sum())

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
        self.draws += 1
        shows = self._shares[: len(self._entries)] > self._min_share
        classes = np.flatnonzero(shows.any(axis=0))
        if np.isinf(self._temperature) or not classes.size:
            return Drawn(self._entries[int(dice.integers(len(self._entries)))].bundle, -1, dice)
        probabilities = rare_class_probabilities(self.frequencies[classes], self._temperature)
        wanted = int(dice.choice(classes, p=probabilities))
        candidates = np.flatnonzero(shows[:, wanted])
        return Drawn(self._entries[int(candidates[dice.integers(candidates.size)])].bundle, wanted, dice)

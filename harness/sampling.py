"""Rare class sampling: running frequencies of the classes, and the probabilities drawn from them (DAFormer, RCS)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.bundle import Bundle
from protocols.errors import InputError
from protocols.labels import NAMES_16, tag_to_class16

CLASSES = len(NAMES_16)
PRIOR_IMAGES = 20.0
"""How many images the prior of the frequencies is worth."""


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
        digest: what the bundle's pixels hash to.
    """

    bundle: Bundle
    wanted: int
    chance: np.random.Generator
    digest: str = ""


class ClassFrequencies:
    """Estimate the share of each class in the natural stream: running through a census, then renewed now and then.

    Between two renewals the estimate stands still, so that the draw does not chase its own noise.

    Attributes:
        values: `(16,)` float64, the estimate in force, summing to 1.
        counted: bundles that were counted.
    """

    def __init__(
        self,
        *,
        census: int = 300,
        interval: int = 500,
        prior: Sequence[float] | None = None,
        prior_images: float = PRIOR_IMAGES,
    ) -> None:
        """Start from the prior alone.

        Args:
            census: bundles during which each one counts at once.
            interval: iterations between two renewals after the census.
            prior: `(16,)` shares before anything was seen; even ones unless given.
            prior_images: how many images the prior is worth; 0 = counts alone.

        Raises:
            InputError: the prior is not 16 shares.
        """
        given = np.full(CLASSES, 1 / CLASSES) if prior is None else np.asarray(prior, np.float64)
        if given.shape != (CLASSES,) or (given < 0).any() or not given.sum() > 0:
            raise InputError(f"prior: expected {CLASSES} shares from 0, got {list(given)!r}"[:200])
        self.values: NDArray[np.float64] = given / given.sum()
        self.counted = 0
        self._prior = self.values
        self._prior_images = prior_images
        self._census = census
        self._interval = interval
        self._pixels = np.zeros(CLASSES, np.int64)
        self._area = 0  # labelled pixels of an image, the largest seen: what one image is worth

    def add(self, pixels: NDArray[np.int64]) -> None:
        """Count a bundle of the natural stream.

        Args:
            pixels: `(16,)` of its mask.
        """
        self._pixels += pixels
        self._area = max(self._area, int(pixels.sum()))
        self.counted += 1
        if self.counted <= self._census:
            self._renew()

    def at(self, iteration: int) -> NDArray[np.float64]:
        """Return `(16,)` the shares in force at the start of an iteration, renewed if it is time."""
        if iteration and iteration % self._interval == 0 and self.counted > self._census:
            self._renew()
        return self.values

    def _renew(self) -> None:
        weight = self._prior_images * self._area
        total = self._pixels.sum() + weight
        if total > 0:
            self.values = (self._pixels + weight * self._prior) / total

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs: plain numbers and lists."""
        return {
            "values": self.values.tolist(),
            "counted": self.counted,
            "pixels": self._pixels.tolist(),
            "area": self._area,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        self.values = np.array(state["values"], np.float64)
        self.counted = int(state["counted"])
        self._pixels = np.array(state["pixels"], np.int64)
        self._area = int(state["area"])

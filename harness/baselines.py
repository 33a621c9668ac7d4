"""Baselines without a network: a colour look-up table and a position prior, fitted on the same bundles as the network.

What beats them has learnt more than that the sky is up and the road is grey.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from protocols.bundle import Bundle
from protocols.labels import IGNORED, NAMES_16, tag_to_class16

CLASSES = len(NAMES_16)
LEVEL_BITS = 4
CELL_PX = 4


class _Votes:
    """Count classes by key; the answer for a key is its most frequent class, balanced or not."""

    def __init__(self, keys: int) -> None:
        self._counts = np.zeros((keys, CLASSES), np.int64)

    def fit(self, keys: NDArray[np.intp], classes: NDArray[np.uint8]) -> None:
        """Count; `keys` and `classes` have the same shape, class 255 is left out."""
        known = classes != IGNORED
        flat = keys[known] * CLASSES + classes[known]
        self._counts += np.bincount(flat.ravel(), minlength=self._counts.size).reshape(self._counts.shape)

    def table(self) -> NDArray[np.uint8]:
        """Return `(keys,)` the most frequent class of each key; of all, where a key was never seen."""
        answers = self._counts.argmax(axis=1).astype(np.uint8)
        answers[self._counts.sum(axis=1) == 0] = self._counts.sum(axis=0).argmax()
        return answers


class ColourTable:
    """Answer each pixel by its colour alone, at 4 bits a channel."""

    def __init__(self) -> None:
        self._votes = _Votes(1 << (3 * LEVEL_BITS))
        self._classes = tag_to_class16()

    def fit(self, bundle: Bundle) -> None:
        """Take in all appearances of a bundle, every second pixel each way."""
        label = self._classes[bundle.mask[::2, ::2]]
        for image in bundle.images:
            self._votes.fit(colour_keys(image[::2, ::2]), label)

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return `(A, H, W)` uint8 classes for `(A, H, W, 3)` uint8 images."""
        return self._votes.table()[colour_keys(images)]


def colour_keys(images: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the number of each pixel's colour cell, `(..., 3)` uint8 to `(...)`."""
    levels = (images >> (8 - LEVEL_BITS)).astype(np.intp)
    return (levels[..., 0] << (2 * LEVEL_BITS)) | (levels[..., 1] << LEVEL_BITS) | levels[..., 2]


class PositionPrior:
    """Answer each pixel by its place in the image alone, in cells of 4 x 4 pixels."""

    def __init__(self, height: int, width: int) -> None:
        """Set the grid.

        Args:
            height: of all images, pixels.
            width: of all images, pixels.
        """
        rows, columns = np.arange(height) // CELL_PX, np.arange(width) // CELL_PX
        self._keys = rows[:, None] * (columns[-1] + 1) + columns[None, :]
        self._votes = _Votes(int(self._keys[-1, -1]) + 1)
        self._classes = tag_to_class16()

    def fit(self, bundle: Bundle) -> None:
        """Take in a bundle's mask; its images are not looked at."""
        self._votes.fit(self._keys, self._classes[bundle.mask])

    def predict(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return `(A, H, W)` uint8 classes for `(A, H, W, 3)` uint8 images: the same for all."""
        answer = self._votes.table()[self._keys]
        return np.broadcast_to(answer, (len(images), *answer.shape))


class Baselines:
    """Fit both baselines on bundles as they come, and score them on a test set.

    An instance is a watcher of `StreamedBundles`.
    """

    def __init__(self) -> None:
        self.colour = ColourTable()
        self.position: PositionPrior | None = None

    def __call__(self, bundle: Bundle) -> None:
        """Fit both on a bundle."""
        if self.position is None:
            self.position = PositionPrior(*bundle.mask.shape)
        self.colour.fit(bundle)
        self.position.fit(bundle)

    def score(self, bundles: list[Bundle]) -> dict[str, dict[str, float]]:
        """Return mIoU of `colour` and `position` on test bundles: `all`, and by appearance."""
        if self.position is None:
            raise ValueError("score: expected at least one bundle to have been fitted, got none")
        return {"colour": score(self.colour, bundles), "position": score(self.position, bundles)}


def score(baseline: ColourTable | PositionPrior, bundles: list[Bundle]) -> dict[str, float]:
    """Return the mIoU of a baseline on bundles, `all` and by appearance; the mean is over all 16 classes."""
    classes = tag_to_class16()
    confusion: dict[str, NDArray[np.int64]] = {}
    for bundle in bundles:
        label = classes[bundle.mask]
        known = label != IGNORED
        for name, predicted in zip(bundle.header.appearances, baseline.predict(bundle.images), strict=True):
            keys = label[known].astype(np.intp) * CLASSES + predicted[known]
            counts = np.bincount(keys, minlength=CLASSES * CLASSES).reshape(CLASSES, CLASSES)
            confusion[name] = confusion.get(name, np.zeros((CLASSES, CLASSES), np.int64)) + counts
    scores = {"all": _mean_iou(sum(confusion.values(), np.zeros((CLASSES, CLASSES), np.int64)))}
    return scores | {name: _mean_iou(counts) for name, counts in confusion.items()}


def _mean_iou(confusion: NDArray[np.int64]) -> float:
    hits = confusion.diagonal()
    unions = confusion.sum(axis=0) + confusion.sum(axis=1) - hits
    return float(np.divide(hits, unions, out=np.zeros(CLASSES), where=unions > 0).mean())

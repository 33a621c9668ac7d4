"""Folders of labelled images as GTA and SYNTHIA are published: which files belong together, how labels are coded."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.pictures import fitted_height, png_size, read_label_ids, read_synthia
from protocols.errors import InputError

Size = tuple[int, int]
"""Width, height in pixels."""

TOLERANCE = 1 / 20
"""Share of the height that may be cut off or filled up when an image is brought to a size."""


class Moment(NamedTuple):
    """Say where the images of one bundle are.

    Attributes:
        name: of the moment, for people.
        town: where it was seen.
        appearances: A names.
        images: A files.
        label: the file of the label that they share.
    """

    name: str
    town: str
    appearances: tuple[str, ...]
    images: tuple[Path, ...]
    label: Path


@dataclass(frozen=True)
class Folder:
    """Hold what is in a folder of labelled images.

    Attributes:
        name: of the layout.
        moments: in their own order.
        read_label: returns the `(H, W)` uint8 tags of a label's file.
        shuffled: whether the order means nothing, so that each pass over the folder has one of its own.
        unfinished: moments that were left out because an image is missing.
    """

    name: str
    moments: Sequence[Moment]
    read_label: Callable[[Path], NDArray[np.uint8]]
    shuffled: bool = True
    unfinished: int = 0


def gta(root: Path) -> Folder:
    """Find GTA's images, `images/NNNNN.png`, and their labels, `labels/NNNNN.png`: Cityscapes' label ids.

    Raises:
        InputError: no image where one was expected.
    """
    return Folder("gta", _pairs("gta", root, "images", "labels"), read_label_ids)


def synthia(root: Path) -> Folder:
    """Find SYNTHIA-RAND-CITYSCAPES' images, `RGB/NNNNNNN.png`, and their labels, `GT/LABELS/NNNNNNN.png`.

    Raises:
        InputError: no image where one was expected.
    """
    return Folder("synthia", _pairs("synthia", root, "RGB", "GT/LABELS"), read_synthia)


def _pairs(name: str, root: Path, images: str, labels: str) -> list[Moment]:
    found = sorted((root / images).glob("*.png"))
    if not found:
        raise InputError(f"{name}:{root}: expected images at {root / images}/*.png, found none")
    return [Moment(file.name, name, ("image",), (file,), root / labels / file.name) for file in found]


class Measured(NamedTuple):
    """Say which moments of a folder can be used.

    Attributes:
        moments: those whose files agree in size, and fit.
        largest: most pixels that an image has.
        left_out: in words, which could not be used, and how many; empty for none.
    """

    moments: list[Moment]
    largest: int
    left_out: str


def measure(folder: Folder, where: str, size: Size | None) -> Measured:
    """Look at the sizes of all files of a folder, without unpacking one.

    Args:
        folder: as found.
        where: its endpoint.
        size: that images are to be brought to; None = as they are.

    Raises:
        InputError: a label is missing or a file is no PNG; no image fits the size, or none is as large as its label.
    """
    sizes = _sizes(where, folder.moments)
    agreeing = [moment for moment, own in zip(folder.moments, sizes, strict=True) if own is not None]
    known = [own for own in sizes if own is not None]
    if not agreeing:
        raise InputError(f"{where}: expected images as large as their labels, found none of {len(sizes)}")
    fitting = [moment for moment, own in zip(agreeing, known, strict=True) if size is None or _fits(own, size)]
    if size is not None and not fitting:
        width, height = Counter(known).most_common(1)[0][0]
        fitting_size = (size[0], fitted_height(width, height, size[0]))
        raise InputError(
            f"{where}: expected images in the proportions of bundle_size {size}, got {width}x{height}; "
            f"set bundle_size to {fitting_size}"
        )
    reasons = {
        "whose image and label differ in size": len(sizes) - len(agreeing),
        f"of other proportions than bundle_size {size}": len(agreeing) - len(fitting),
        "that lack an image": folder.unfinished,
    }
    words = ", ".join(f"{count} {reason}" for reason, count in reasons.items() if count)
    left_out = f"left out of {len(sizes) + folder.unfinished}: {words}" if words else ""
    return Measured(fitting, max(width * height for width, height in known), left_out)


def _fits(own: Size, size: Size) -> bool:
    return abs(fitted_height(*own, size[0]) - size[1]) <= TOLERANCE * size[1]


def _sizes(where: str, moments: Sequence[Moment]) -> list[Size | None]:
    """Return the size of each moment, None where its files differ; a slow disk is asked several things at once."""
    threads = min(8, 2 * (os.cpu_count() or 1))
    step = -(-len(moments) // threads)
    with ThreadPoolExecutor(threads) as pool:
        parts = pool.map(
            lambda start: [_size(where, moment) for moment in moments[start : start + step]],
            range(0, len(moments), step),
        )
        return [size for part in parts for size in part]


def _size(where: str, moment: Moment) -> Size | None:
    try:
        sizes = {png_size(file) for file in (*moment.images, moment.label)}
    except FileNotFoundError as error:
        raise InputError(f"{where}: expected the label of {moment.name} at {error.filename}, found none") from None
    except OSError as error:
        raise InputError(f"{error.filename}: expected a PNG, got: {error.strerror}") from None
    return sizes.pop() if len(sizes) == 1 else None

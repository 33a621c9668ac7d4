"""Photographs with labels on disk, in the folder layouts that Cityscapes, ACDC and Dark Zurich are published in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from protocols.errors import InputError
from protocols.labels import IGNORED, LABEL_IDS


class Example(NamedTuple):
    """An image to be scored.

    Attributes:
        group: what it counts for besides all: a condition, an appearance; "" for nothing.
        name: of the file or bundle.
        image: `(H, W, 3)` uint8 RGB.
        labels: `(H, W)` uint8 train ids, else 255.
    """

    group: str
    name: str
    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class Layout:
    """Where a data set has its files.

    Attributes:
        images: pattern below the root, with {split} and {group}.
        image_suffix: end of the images' names.
        labels: folder that takes the place of the first folder of `images`.
        label_suffixes: ends of the labels' names, in order of preference.
        groups: what {group} stands for.
        size: width, height that images are brought to before the network sees them; None = as they are.
    """

    images: str
    image_suffix: str
    labels: str
    label_suffixes: tuple[str, ...]
    groups: tuple[str, ...] = ("",)
    size: tuple[int, int] | None = None


_CITYSCAPES = Layout(
    "leftImg8bit/{split}/*",
    "_leftImg8bit.png",
    "gtFine",
    ("_gtFine_labelTrainIds.png", "_gtFine_labelIds.png"),
    size=(1024, 512),
)
_ANONYMOUS = {"image_suffix": "_rgb_anon.png", "labels": "gt", "size": (960, 540)}
_LABELS = ("_gt_labelTrainIds.png", "_gt_labelIds.png")

LAYOUTS = {
    "cityscapes": _CITYSCAPES,
    "acdc": Layout(
        "rgb_anon/{group}/{split}/*", groups=("fog", "night", "rain", "snow"), label_suffixes=_LABELS, **_ANONYMOUS
    ),
    "dark_zurich": Layout("rgb_anon/{split}/{group}/*", groups=("night",), label_suffixes=_LABELS, **_ANONYMOUS),
    "folder": Layout(_CITYSCAPES.images, _CITYSCAPES.image_suffix, _CITYSCAPES.labels, _CITYSCAPES.label_suffixes),
}


class Photographs:
    """The labelled images of a split, found at once and read one by one.

    Attributes:
        files: group, image and label of each.
        size: width, height that images are to be brought to, or None.
    """

    def __init__(self, name: str, root: Path, split: str = "val") -> None:
        """Find the files.

        Args:
            name: one of `LAYOUTS`.
            root: folder of the data set.
            split: its part.

        Raises:
            InputError: an unknown name; the folder has no such image, or an image has no label: which file was
                expected where.
        """
        if name not in LAYOUTS:
            raise InputError(f"--data {name}: expected recording, stream or one of {', '.join(LAYOUTS)}")
        layout = LAYOUTS[name]
        self.size = layout.size
        self.files: list[tuple[str, Path, Path]] = []
        for group in layout.groups:
            pattern = layout.images.format(split=split, group=group) + "/*" + layout.image_suffix
            images = sorted(root.glob(pattern))
            if not images:
                raise InputError(f"--root {root}: expected {name}'s images at {root}/{pattern}, found none")
            self.files += [(group, image, _label(layout, root, image)) for image in images]

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Example]:
        """Read the images.

        Raises:
            InputError: a file is no image, or image and label differ in size.
        """
        for group, image_file, label_file in self.files:
            image, labels = _read(image_file, cv2.IMREAD_COLOR), _read(label_file, cv2.IMREAD_UNCHANGED)
            if image.shape[:2] != labels.shape:
                raise InputError(
                    f"{label_file}: expected labels of the image's size {image.shape[1]}x{image.shape[0]}, "
                    f"one channel, got shape {labels.shape}"
                )
            if label_file.name.endswith("_labelIds.png"):
                labels = _train_ids()[labels]
            yield Example(group, image_file.name, cv2.cvtColor(image, cv2.COLOR_BGR2RGB), labels)


def _label(layout: Layout, root: Path, image: Path) -> Path:
    inner = image.relative_to(root).parts
    folder = root.joinpath(layout.labels, *inner[1:-1])
    stem = image.name.removesuffix(layout.image_suffix)
    for suffix in layout.label_suffixes:
        if (folder / f"{stem}{suffix}").is_file():
            return folder / f"{stem}{suffix}"
    raise InputError(
        f"--root {root}: expected the label of {image.name} at {folder / (stem + layout.label_suffixes[0])}"
    )


def _read(file: Path, how: int) -> NDArray[np.uint8]:
    found = cv2.imread(str(file), how)
    if found is None or found.dtype != np.uint8:
        raise InputError(f"{file}: expected an image of 8 bits, got {'none' if found is None else found.dtype}")
    return found


def _train_ids() -> NDArray[np.uint8]:
    table = np.full(256, IGNORED, np.uint8)
    table[list(LABEL_IDS)] = np.arange(len(LABEL_IDS), dtype=np.uint8)
    return table

"""Export in Cityscapes' layout: PNG images and labels under the names that its readers look for.

A "city" is a town under one appearance, so that `leftImg8bit/train/Grid-07-noon` holds the noons; the sequence is the
episode, the frame the bundle's index. Each image has labels of its own beside it, the same for a bundle's appearances.
The note beside the folders says which cities belong together, and in which order; `carla-harness train` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from carla_plugin.export_names import plain, plain_each
from carla_plugin.pictures import is_whole, png
from protocols.bundle import Bundle, BundleHeader
from protocols.labels import tag_to_label_id, tag_to_train_id

IMAGE = "leftImg8bit"
LABELS = "gtFine"


class Cityscapes:
    """Write bundles as files in Cityscapes' layout.

    Attributes:
        together: how many bundles are written at once.
    """

    together = 1

    def __init__(self, folder: Path, split: str, pool: ThreadPoolExecutor) -> None:
        """Take the root of the layout.

        Args:
            folder: the root.
            split: folder of the second level, such as "train".
            pool: packs the images.
        """
        self._folder = folder
        self._split = split
        self._pool = pool
        self._tables = {"labelIds": tag_to_label_id(), "labelTrainIds": tag_to_train_id()}

    def whole(self, number: int, headers: Sequence[BundleHeader]) -> bool:
        """Return whether all files of these bundles are there; `number` of the part plays no role."""
        return all(
            is_whole(file)
            for header in headers
            for image, labels in self._files(header)
            for file in (image, *labels.values())
        )

    def write(self, number: int, bundles: Iterable[Bundle]) -> None:
        """Write the files that are not there.

        Raises:
            OSError: from the disk; files with their final names are whole.
        """
        for bundle in bundles:
            packed = {kind: png(table[bundle.mask]) for kind, table in self._tables.items()}
            images = self._pool.map(png, bundle.images)
            for (image, labels), pixels in zip(self._files(bundle.header), images, strict=True):
                for kind, file in labels.items():
                    _write(file, packed[kind])
                _write(image, pixels)

    def _files(self, header: BundleHeader) -> Iterator[tuple[Path, dict[str, Path]]]:
        """Yield image and label files of each appearance."""
        for city in cities(header).values():
            stem = f"{city}_{header.episode:06d}_{header.index:06d}"
            labels = self._folder / LABELS / self._split / city
            yield (
                self._folder / IMAGE / self._split / city / f"{stem}_{IMAGE}.png",
                {kind: labels / f"{stem}_{LABELS}_{kind}.png" for kind in self._tables},
            )


def cities(header: BundleHeader) -> dict[str, str]:
    """Return the city of each of a bundle's appearances, in their order."""
    names = plain_each(header.appearances)
    return {
        appearance: f"{plain(header.town)}-{name}" for appearance, name in zip(header.appearances, names, strict=True)
    }


def _write(file: Path, packed: bytes) -> None:
    """Write a file whole, or leave nothing of its name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    scratch = file.with_name(f".{file.name}.part")
    scratch.write_bytes(packed)
    scratch.replace(file)

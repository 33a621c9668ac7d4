"""Export as WebDataset: tar files of so many bundles each, a bundle one sample.

A sample has `image.<appearance>.png` for each appearance, `tags.png` (CARLA's), `labelids.png` and `labeltrainids.png`
(Cityscapes'), `<extra>.npy` for each extra plane, and `json` that says what it is. Equal recordings give equal files.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np

from carla_plugin.export_names import plain, plain_each
from carla_plugin.pictures import png
from protocols.bundle import Bundle, BundleHeader
from protocols.labels import tag_to_label_id, tag_to_train_id


class WebDataset:
    """Write bundles as samples of tar files.

    Attributes:
        together: how many bundles a tar file has.
    """

    def __init__(self, folder: Path, split: str, together: int, pool: ThreadPoolExecutor) -> None:
        """Take the folder.

        Args:
            folder: the tar files stand in `folder/split`.
            split: such as "train".
            together: how many bundles a tar file has, 1 or more.
            pool: packs the images.
        """
        self._folder = folder / split
        self._pool = pool
        self.together = together

    def whole(self, number: int, headers: Sequence[BundleHeader]) -> bool:
        """Return whether a tar file is there and has just these bundles, as after an earlier run.

        Args:
            number: of the tar file, from 0.
            headers: of its bundles.
        """
        if not headers:
            return True
        try:
            with tarfile.open(self._file(number, headers[0]), "r:") as found:
                names = found.getnames()
        except (OSError, tarfile.TarError):
            return False
        return names == [name for header in headers for name in member_names(header)]

    def write(self, number: int, bundles: Iterable[Bundle]) -> None:
        """Write a tar file, in place of one that is there; none if there is no bundle.

        Raises:
            OSError: from the disk; files with their final names are whole.
        """
        bundles = iter(bundles)
        first = next(bundles, None)
        if first is None:
            return
        file = self._file(number, first.header)
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_name(f".{file.name}.part")
        with tarfile.open(scratch, "w:", format=tarfile.GNU_FORMAT) as tar:
            self._add(tar, first)
            for bundle in bundles:
                self._add(tar, bundle)
        scratch.replace(file)

    def _file(self, number: int, header: BundleHeader) -> Path:
        return self._folder / f"{plain(header.town)}-{number:06d}.tar"

    def _add(self, tar: tarfile.TarFile, bundle: Bundle) -> None:
        for name, content in zip(member_names(bundle.header), self._contents(bundle), strict=True):
            member = tarfile.TarInfo(name)  # no owner, and the time is 1970: equal bundles, equal files
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))

    def _contents(self, bundle: Bundle) -> Iterator[bytes]:
        """Yield the contents of a bundle's members in the order of their names."""
        yield from self._pool.map(png, bundle.images)
        yield png(bundle.mask)
        yield png(tag_to_label_id()[bundle.mask])
        yield png(tag_to_train_id()[bundle.mask])
        for array in bundle.extras.values():
            block = io.BytesIO()
            np.save(block, array, allow_pickle=False)
            yield block.getvalue()
        yield described(bundle.header)


def member_names(header: BundleHeader) -> list[str]:
    """Return the names of a bundle's members of a tar file, in their order."""
    key = f"{plain(header.town)}-{header.episode:06d}-{header.index:06d}"
    kinds = [f"image.{name.lower()}.png" for name in plain_each(header.appearances)]
    kinds += ["tags.png", "labelids.png", "labeltrainids.png"]
    kinds += [f"{plane.name}.npy" for plane in header.planes[len(header.appearances) + 1 :]]
    return [f"{key}.{kind}" for kind in [*kinds, "json"]]


def described(header: BundleHeader) -> bytes:
    """Return what a bundle is, as JSON; `appearances` gives the name that each image's member goes by."""
    names = [name.lower() for name in plain_each(header.appearances)]
    values = {
        "identity": header.identity,
        "scenario": header.scenario,
        "seed": header.seed,
        "episode": header.episode,
        "index": header.index,
        "town": header.town,
        "camera": header.camera,
        "appearances": dict(zip(header.appearances, names, strict=True)),
        "height": header.height,
        "width": header.width,
        "mask_sha256": header.mask_sha256,
        "lossy": header.lossy,
        "meta": header.meta,
    }
    return msgspec.json.encode(values)

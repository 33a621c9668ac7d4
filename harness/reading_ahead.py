"""Reading ahead: files of draws to come are read in threads while the network learns from the present ones."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from mmcv.transforms import BaseTransform, LoadImageFromFile
from mmengine.dataset import BaseDataset

MOST_WAITING = 64
"""Images that wait to be asked for; older ones are let go, as when draws do not follow each other."""


class ReadAhead(BaseTransform):
    """Take the place of a pipeline's `LoadImageFromFile`; what was expected has been read when it is asked for.

    Reading draws nothing by chance, so that images and everything after them are the same with and without it.
    """

    def __init__(self, images: BaseDataset, reader: LoadImageFromFile) -> None:
        """Start no thread yet; use `ReadAhead.of` instead."""
        self._images = images
        self._reader = reader
        self._threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="read-ahead")
        self._waiting: dict[str, Future[dict[str, Any]]] = {}

    @classmethod
    def of(cls, images: Any) -> ReadAhead | None:
        """Put one in front of a data set's pipeline; None where that does not begin with reading a file.

        Args:
            images: one of mmseg's data sets, changed in place.
        """
        if not isinstance(images, BaseDataset) or not images.pipeline.transforms:
            return None
        first = images.pipeline.transforms[0]
        if type(first) is not LoadImageFromFile:
            return None
        images.pipeline.transforms[0] = ahead = cls(images, first)
        return ahead

    def expect(self, number: int) -> None:
        """Begin to read an image, by its number in the data set."""
        info = self._images.get_data_info(number)
        path = info["img_path"]
        if path not in self._waiting:
            self._waiting[path] = self._threads.submit(self._reader.transform, info)
        while len(self._waiting) > MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting))).cancel()

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Return what `LoadImageFromFile` returns, and raise what it raises."""
        waiting = self._waiting.pop(results["img_path"], None)
        return self._reader.transform(results) if waiting is None else waiting.result()

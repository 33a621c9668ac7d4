"""Export: a recording's bundles as files that other programs read; run again, it goes on where it was."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from carla_plugin.export_cityscapes import Cityscapes, cities
from carla_plugin.export_names import plain
from carla_plugin.export_webdataset import WebDataset
from protocols.bundle import Bundle, BundleHeader, Pixels
from protocols.errors import InputError, ManyskiesError, RemoteProtocolError
from protocols.recording import Recording

CITYSCAPES, WEBDATASET = FORMATS = ("cityscapes", "webdataset")
NOTE_LIMIT = 1 << 16
"""Bytes of the note that are read."""


class ExportError(ManyskiesError):
    """The disk refused; what stands there under its final name is whole."""


@dataclass(frozen=True)
class Order:
    """Say what is to be written where.

    Attributes:
        folder: the root; made if it is not there.
        format: one of `FORMATS`.
        split: folder of the second level, such as "train".
        together: bundles a tar file.
    """

    folder: Path
    format: str = CITYSCAPES
    split: str = "train"
    together: int = 100

    def validate(self) -> None:
        """Check names and numbers.

        Raises:
            InputError: a value is out of range.
        """
        if self.format not in FORMATS:
            raise InputError(f"--format: expected {' or '.join(FORMATS)}, got {self.format!r}")
        if plain(self.split) != self.split:
            raise InputError(f"--split: expected letters, digits and hyphens, got {self.split!r}")
        if self.together < 1:
            raise InputError(f"--together: expected 1 or more bundles a tar file, got {self.together}")


@dataclass
class Exported:
    """Tell what became of a recording.

    Attributes:
        bundles: how many were written.
        there: how many were there already.
        damaged: what is wrong with each of those that could not be read.
        left_out: extra planes that the format has no place for.
    """

    bundles: int = 0
    there: int = 0
    damaged: list[str] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)

    @property
    def done(self) -> int:
        """Return how many bundles are dealt with."""
        return self.bundles + self.there + len(self.damaged)


def export(
    recording: Recording,
    order: Order,
    jpeg: Pixels | None = None,
    told: Callable[[Exported], None] = lambda exported: None,
) -> Exported:
    """Write a recording's bundles, each index once and in order; files that are there and whole are left alone.

    Args:
        recording: what to read.
        order: what to write where.
        jpeg: unpacks images that were recorded with loss; None refuses them.
        told: called whenever a bundle or a tar file is dealt with.

    Raises:
        InputError: the folder has something else of this split and town, or another process writes there.
        ExportError: the disk refused.
    """
    order.validate()
    exported = Exported()
    threads = min(8, os.cpu_count() or 1)
    try:
        with ThreadPoolExecutor(threads) as pool, contextlib.ExitStack() as stack:
            reader = _Reader(recording, jpeg, exported)
            writer: Cityscapes | WebDataset
            if order.format == CITYSCAPES:
                writer = Cityscapes(order.folder, order.split, pool)
            else:
                writer = WebDataset(order.folder, order.split, order.together, pool)
            for part, indices in enumerate(_parts(recording.distinct, writer.together)):
                headers = reader.headers(indices)
                if headers and reader.first is None:
                    reader.first = headers[0]
                    stack.enter_context(_claimed(order, headers[0]))
                if order.format == CITYSCAPES:
                    exported.left_out |= {
                        plane.name for header in headers for plane in header.planes[len(header.appearances) + 1 :]
                    }
                if writer.whole(part, headers):
                    exported.there += len(headers)
                else:
                    writer.write(part, reader.bundles(headers))
                told(exported)
    except OSError as error:
        raise ExportError(
            f"{error.filename or order.folder}: {error.strerror or error}; what is there is whole, and the same "
            "command goes on with the rest"
        ) from None
    return exported


class _Reader:
    """Read what is whole of a recording, and note what is not."""

    def __init__(self, recording: Recording, jpeg: Pixels | None, exported: Exported) -> None:
        self._recording = recording
        self._jpeg = jpeg
        self._exported = exported
        self.first: BundleHeader | None = None

    def headers(self, indices: Sequence[int]) -> list[BundleHeader]:
        """Return the headers of these bundles, without those that are damaged."""
        found = []
        for index in indices:
            try:
                found.append(self._recording.header(self._number(index)))
            except RemoteProtocolError as error:
                self._exported.damaged.append(f"bundle {index}: {error}")
        return found

    def bundles(self, headers: Sequence[BundleHeader]) -> Iterator[Bundle]:
        """Yield these bundles, without those that are damaged."""
        for header in headers:
            try:
                bundle = self._recording.bundle(self._number(header.index), self._jpeg)
            except RemoteProtocolError as error:
                self._exported.damaged.append(f"bundle {header.index}: {error}")
                continue
            yield bundle
            self._exported.bundles += 1

    def _number(self, index: int) -> int:
        number = self._recording.number_of(index)
        assert number is not None, "the indices are the recording's own"
        return number


def _parts(indices: Sequence[int], together: int) -> Iterator[list[int]]:
    rest = iter(indices)
    while part := list(islice(rest, together)):
        yield part


@contextlib.contextmanager
def _claimed(order: Order, header: BundleHeader) -> Iterator[None]:
    """Hold the note that says what of this split and town is in a folder, and see that it is this recording.

    Raises:
        InputError: it is another one, or somebody else writes there.
    """
    split = order.folder / order.split if order.format == WEBDATASET else order.folder
    file = split / f"export-{order.split}-{plain(header.town)}.json"
    expected: dict[str, Any] = {
        "format": order.format,
        "scenario": header.scenario,
        "seed": header.seed,
        "town": header.town,
        "lossy": header.lossy,
    }
    if order.format == WEBDATASET:
        expected["together"] = order.together
    else:
        expected["appearances"] = cities(header)
    split.mkdir(parents=True, exist_ok=True)
    with open(file, "a+") as note:
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{file}: another process exports there; wait for it, or take another folder") from None
        note.seek(0)
        text = note.read(NOTE_LIMIT)
        try:
            found = json.loads(text) if text else expected
        except ValueError:
            found = None
        older = {key: value for key, value in expected.items() if key != "appearances"}  # an older version's note
        if found not in (expected, older):
            raise InputError(
                f"{file}: expected an export of {json.dumps(expected)}, got {text.strip()[:300]}; take another folder"
            )
        if not text:
            note.write(json.dumps(expected) + "\n")
            note.flush()
        yield

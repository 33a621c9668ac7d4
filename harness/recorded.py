"""A recording in place of a stream: the same bundles, in the order of their indices, whenever the trainer wants one."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.endpoint import RECORDING
from harness.jpeg import unpacker
from harness.stored import Lay, StoredStream, check_room, stored_settings
from harness.stream import StreamEnd
from protocols.bundle import Bundle, decode_header, places, unpack_plane, view
from protocols.errors import InputError, RemoteProtocolError
from protocols.planes import Buffer
from protocols.recording import Recording
from protocols.wanted import Range

ABSENT = "not in the recording"
DAMAGED = "damaged in the recording"
ABSENT_LIMIT = 65_536
"""Causes kept of bundles that are not there, as the receiver keeps them."""


class RecordedStream(StoredStream):
    """Do as `BundleStream` does, from a file, `file:PATH`."""

    kind = "recording"

    def __init__(
        self,
        endpoint: str,
        *,
        max_bundle_bytes: int | None = None,
        ordered: bool = False,
        wanted: Sequence[Range] = ((0, None),),
        **settings: Any,
    ) -> None:
        """Open the file.

        Args:
            endpoint: `file:PATH`.
            max_bundle_bytes: largest bundle, all planes together; that of the file unless given.
            ordered: as `StoredStream`.
            wanted: as `StoredStream`.
            settings: further ones of `StoredStream`.

        Raises:
            InputError: no such file, or no recording.
        """
        self._jpeg = None if ordered else unpacker()
        path = endpoint.removeprefix(RECORDING)
        try:
            self._file = Path(path).open("rb")  # noqa: SIM115  # as long as the stream
        except OSError as error:
            raise InputError(f"{endpoint}: expected a recording, got: {error.strerror}") from None
        try:
            self._recording = Recording(self._file)
            size = self._largest() if max_bundle_bytes is None else max_bundle_bytes
        except RemoteProtocolError as error:
            self._file.close()
            raise InputError(f"{endpoint}: {error}") from None
        super().__init__(endpoint, max_bundle_bytes=size, ordered=ordered, wanted=wanted, **settings)
        self._there = iter([index for index in self._recording.distinct if index in self._wanted])
        self._stats.duplicates = len(self._recording) - len(self._recording.distinct)
        self._told = False

    def _largest(self) -> int:
        largest = 0
        for number in range(len(self._recording)):
            with contextlib.suppress(RemoteProtocolError):  # a damaged one is told of when its turn comes
                largest = max(largest, places(self._recording.header(number).planes)[-1])
        return largest

    def _next(self) -> tuple[int, Lay]:
        self._tell()
        index, frames = self._next_whole()
        self._pass_over(index)
        if index is None:
            raise StreamEnd(
                f"{self.endpoint}: the recording has ended after {self._stats.bundles} bundles; record more, or use "
                "each more often (`pace`, `max_uses`)"
            )
        return index, partial(self._unpack, frames)

    def _next_whole(self) -> tuple[int | None, list[Buffer]]:
        """Return index and frames of the next record that is as it was written; drop those that are not."""
        for index in self._there:
            number = self._recording.number_of(index)
            assert number is not None
            try:
                return index, self._recording.read(number)
            except RemoteProtocolError as error:
                self.warn(f"{self.endpoint}: left out bundle {index}: {error}")
                self._drop(index, DAMAGED)
        return None, []

    def _unpack(self, frames: Sequence[Buffer], memory: NDArray[np.uint8]) -> Bundle:
        header = decode_header(frames[0])
        if header.lossy and self.ordered:
            raise RemoteProtocolError(
                f"bundle {header.identity}: expected every bit as drawn, for the run is `ordered`, got jpeg, which is "
                "lossy"
            )
        starts = places(header.planes)
        check_room(header.identity, starts[-1], memory)
        for plane, frame, start in zip(header.planes, frames[1:], starts[:-1], strict=True):
            unpack_plane(plane, frame, memory.data[start : start + plane.raw_bytes], self._jpeg)
        return view(header, memory)

    def _pass_over(self, before: int | None) -> None:
        """Note as dropped what is wanted below an index, or at the end below where the last range begins."""
        for start, end in self._wanted.ranges:
            stop = before if end is None else end if before is None else min(end, before)
            for index in range(start, start if stop is None else stop):
                if len(self._dropped) >= ABSENT_LIMIT:
                    return
                self._drop(index, ABSENT)

    def _tell(self) -> None:
        """Say once what of the file is lost."""
        if self._told:
            return
        self._told = True
        for start, end in self._recording.damaged:
            self.warn(f"{self.endpoint}: passed over {end - start} damaged bytes from byte {start} on")
        if self._recording.tail:
            self.warn(f"{self.endpoint}: left out the last {self._recording.tail} bytes, a record that is not whole")

    def stop(self) -> None:
        """End the stream, as a producer would that was told to."""
        self._there = iter(())

    def close(self) -> None:
        """Let go of file and memory; may be called twice."""
        self._file.close()
        super().close()


def open_recorded(endpoint: str, settings: dict[str, Any]) -> RecordedStream:
    """Return the stream of a recording; of `BundleStream`'s settings, those that only a socket needs are left out.

    Raises:
        InputError: no such file, no recording, or it is to be recorded once more.
    """
    return RecordedStream(endpoint, **stored_settings(endpoint, RecordedStream.kind, settings))

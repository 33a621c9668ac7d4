"""A recording in place of a stream: the same bundles, in the order of their indices, whenever the trainer wants one."""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.jpeg import unpacker
from harness.slots import Slots
from harness.stream import Slot, StreamEnd, StreamError, StreamStats
from protocols.bundle import Bundle, decode_header, places, unpack_plane, view
from protocols.errors import InputError, RemoteProtocolError
from protocols.planes import Buffer
from protocols.recording import Recording
from protocols.wanted import Range, Wanted

SCHEME = "file:"
ABSENT = "not in the recording"
DAMAGED = "damaged in the recording"
ABSENT_LIMIT = 65_536
"""Causes kept of bundles that are not there, as the receiver keeps them."""


class RecordedStream:
    """Do as `BundleStream` does, from a file.

    A live stream has bundles before they are wanted; a file has them all at once, so `take(wait=False)` has none, and
    the trainer asks for one when its pace, or how often it has used the others, says so.

    Attributes:
        endpoint: `file:PATH`.
        ordered: whether lossy bundles are refused; the order is always that of the indices.
        receipts: indices as they were taken.
        run_id: name of the run.
        max_bundle_bytes: size of a slot.
        reserved: none.
        watch: called by whoever takes; may raise.
        warn: is told what should be known.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        max_bundle_bytes: int | None = None,
        slots: int = 6,
        ordered: bool = False,
        wanted: Sequence[Range] = ((0, None),),
        run_id: str | None = None,
    ) -> None:
        """Open the file.

        Args:
            endpoint: `file:PATH`.
            max_bundle_bytes: largest bundle, all planes together; that of the file unless given.
            slots: bundles that may be taken and not given back.
            ordered: whether the run is to be repeatable, so that lossy bundles are refused.
            wanted: half-open ranges of the indices that are wanted, ascending; an end of None means for ever.
            run_id: this run's name; a new one unless given.

        Raises:
            InputError: no such file, or no recording.
        """
        self.endpoint = endpoint
        self.ordered = ordered
        self.run_id = secrets.token_hex(8) if run_id is None else run_id
        self.reserved: list[NDArray[np.uint8]] = []
        self.receipts: deque[int] = deque(maxlen=65_536)
        self.watch: Callable[[], None] = lambda: None
        self.warn: Callable[[str], None] = logging.getLogger(__name__).warning
        self._jpeg = None if ordered else unpacker()
        path = endpoint.removeprefix(SCHEME)
        try:
            self._file = Path(path).open("rb")  # noqa: SIM115  # as long as the stream
        except OSError as error:
            raise InputError(f"{endpoint}: expected a recording, got: {error.strerror}") from None
        try:
            self._recording = Recording(self._file)
            self.max_bundle_bytes = self._largest() if max_bundle_bytes is None else max_bundle_bytes
        except RemoteProtocolError as error:
            self._file.close()
            raise InputError(f"{endpoint}: {error}") from None
        self._dropped: dict[int, str] = {}
        self._wanted = Wanted(wanted)
        self._there = iter([index for index in self._recording.distinct if index in self._wanted])
        self._slots = Slots(slots, self.max_bundle_bytes)
        self._free = list(range(slots))
        self._stats = StreamStats(duplicates=len(self._recording) - len(self._recording.distinct))
        self._closed = False
        self._told = False

    def __enter__(self) -> RecordedStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Bundle]:
        """Yield bundles whose arrays are the caller's own, until the end of the recording."""
        while True:
            try:
                slot = self.take()
            except StreamEnd:
                return
            own = view(slot.bundle.header, slot.memory[: places(slot.bundle.header.planes)[-1]].copy())
            self.give_back(slot.memory)
            yield own

    def take(self, *, wait: bool = True) -> Slot | None:
        """Return the next bundle in its slot, which must be given back.

        Args:
            wait: whether to have one; False always returns None, see above.

        Raises:
            StreamEnd: all bundles that were wanted and are there have been taken.
            StreamError: a bundle is larger than a slot, or lossy where that is refused.
        """
        self.watch()
        if not wait:
            return None
        if self._closed:
            raise StreamError(f"{self.endpoint}: the recording is closed")
        started = time.monotonic()
        self._tell()
        index, frames = self._next_whole()
        self._pass_over(index)
        if index is None:
            raise StreamEnd(
                f"{self.endpoint}: the recording has ended after {self._stats.bundles} bundles; record more, or use "
                "each more often (`pace`, `max_uses`)"
            )
        if not self._free:
            raise StreamError(f"{self.endpoint}: expected slots to be given back, got none")
        number = self._free.pop()
        try:
            bundle = self._unpack(frames, self._slots.memory(number))
        except RemoteProtocolError as error:
            raise StreamError(f"{self.endpoint}: {error}") from None
        memory = self._slots.take_out(number)
        self._wanted.remove(index)
        self.receipts.append(index)
        self._stats.bundles += 1
        self._stats.wait_s += time.monotonic() - started
        return Slot(bundle, memory)

    def _largest(self) -> int:
        largest = 0
        for number in range(len(self._recording)):
            with contextlib.suppress(RemoteProtocolError):  # a damaged one is told of when its turn comes
                largest = max(largest, places(self._recording.header(number).planes)[-1])
        return largest

    def _next_whole(self) -> tuple[int | None, list[Buffer]]:
        """Return index and frames of the next record that is as it was written; drop those that are not."""
        for index in self._there:
            number = self._recording.number_of(index)
            assert number is not None
            try:
                return index, self._recording.read(number)
            except RemoteProtocolError as error:
                self.warn(f"{self.endpoint}: left out bundle {index}: {error}")
                self._wanted.remove(index)
                self._dropped[index] = DAMAGED
        return None, []

    def _unpack(self, frames: Sequence[Buffer], memory: NDArray[np.uint8]) -> Bundle:
        header = decode_header(frames[0])
        if header.lossy and self.ordered:
            raise RemoteProtocolError(
                f"bundle {header.identity}: expected every bit as drawn, for the run is `ordered`, got jpeg, which is "
                "lossy"
            )
        starts = places(header.planes)
        if starts[-1] > memory.size:
            raise RemoteProtocolError(
                f"bundle {header.identity}: expected at most {memory.size} bytes, got {starts[-1]}; the config's "
                "bundle_size or max_appearances is too small"
            )
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
                self._wanted.remove(index)
                self._dropped[index] = ABSENT

    def _tell(self) -> None:
        """Say once what of the file is lost."""
        if self._told:
            return
        self._told = True
        for start, end in self._recording.damaged:
            self.warn(f"{self.endpoint}: passed over {end - start} damaged bytes from byte {start} on")
        if self._recording.tail:
            self.warn(f"{self.endpoint}: left out the last {self._recording.tail} bytes, a record that is not whole")

    def give_back(self, memory: NDArray[np.uint8]) -> None:
        """Put a slot's memory, or other memory of the same size in exchange, back.

        Args:
            memory: `(max_bundle_bytes,)` uint8.

        Raises:
            ValueError: other memory than that, or more than was taken.
        """
        if not self._closed:
            self._free.append(self._slots.put_in(memory))

    @property
    def dropped(self) -> dict[int, str]:
        """Return index and cause of the bundles that are wanted and not in the file, as far as it was read."""
        return dict(self._dropped)

    @property
    def wanted(self) -> tuple[Range, ...]:
        """Return the indices that have neither been taken nor dropped."""
        return self._wanted.ranges

    def stats(self) -> StreamStats:
        """Return what the stream has seen so far."""
        values = {key: value for key, value in vars(self._stats).items() if key != "dropped"}
        return StreamStats(**values, dropped=len(self._dropped))

    def stop(self) -> None:
        """End the stream, as a producer would that was told to."""
        self._there = iter(())

    def close(self) -> None:
        """Let go of file and memory; may be called twice."""
        self._closed = True
        self._file.close()
        self._slots.close()


def open_recorded(endpoint: str, settings: dict[str, Any]) -> RecordedStream:
    """Return the stream of a recording; of `BundleStream`'s settings, those that only a socket needs are left out.

    Raises:
        InputError: no such file, no recording, or it is to be recorded once more.
    """
    if settings.get("record") is not None:
        raise InputError(f"--record {settings['record']}: expected none with {endpoint}, which is a recording; copy it")
    names = ("max_bundle_bytes", "slots", "ordered", "wanted", "run_id")
    return RecordedStream(endpoint, **{name: settings[name] for name in names if name in settings})

"""What streams from disk share: all bundles are there from the start, so that one is read when the trainer wants it."""

from __future__ import annotations

import abc
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.slots import Slots
from harness.stream import Slot, SlotStream, StreamError, StreamStats
from protocols.bundle import Bundle
from protocols.errors import InputError, RemoteProtocolError
from protocols.wanted import Range, Wanted

Lay = Callable[[NDArray[np.uint8]], Bundle]
"""Lays a bundle into the memory of a slot, `(max_bundle_bytes,)` uint8, and returns it."""


class StoredStream(SlotStream):
    """Do as `BundleStream` does, from a disk.

    A live stream has bundles before they are wanted; a disk has them all at once, so `take(wait=False)` has none, and
    the trainer asks for one when its pace, or how often it has used the others, says so.

    Attributes:
        endpoint: where the bundles are.
        ordered: whether lossy bundles are refused; the order is always that of the indices.
        receipts: indices as they were taken.
        run_id: name of the run.
        max_bundle_bytes: size of a slot.
        reserved: none.
        watch: called by whoever takes; may raise.
        warn: is told what should be known.
    """

    kind: ClassVar[str]
    """What is read, in a word."""

    def __init__(
        self,
        endpoint: str,
        *,
        max_bundle_bytes: int,
        slots: int = 6,
        ordered: bool = False,
        wanted: Sequence[Range] = ((0, None),),
        run_id: str | None = None,
    ) -> None:
        """Set the memory aside.

        Args:
            endpoint: where the bundles are.
            max_bundle_bytes: largest bundle, all planes together.
            slots: bundles that may be taken and not given back.
            ordered: whether the run is to be repeatable, so that lossy bundles are refused.
            wanted: half-open ranges of the indices that are wanted, ascending; an end of None means for ever.
            run_id: this run's name; a new one unless given.
        """
        self.endpoint = endpoint
        self.ordered = ordered
        self.run_id = secrets.token_hex(8) if run_id is None else run_id
        self.max_bundle_bytes = max_bundle_bytes
        self.reserved: list[NDArray[np.uint8]] = []
        self.receipts: deque[int] = deque(maxlen=65_536)
        self.watch: Callable[[], None] = lambda: None
        self.warn: Callable[[str], None] = logging.getLogger(__name__).warning
        self._dropped: dict[int, str] = {}
        self._wanted = Wanted(wanted)
        self._slots = Slots(slots, max_bundle_bytes)
        self._free = list(range(slots))
        self._stats = StreamStats()
        self._closed = False

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
            raise StreamError(f"{self.endpoint}: the {self.kind} is closed")
        started = time.monotonic()
        index, lay = self._next()
        if not self._free:
            raise StreamError(f"{self.endpoint}: expected slots to be given back, got none")
        number = self._free.pop()
        try:
            bundle = lay(self._slots.memory(number))
        except RemoteProtocolError as error:
            raise StreamError(f"{self.endpoint}: {error}") from None
        memory = self._slots.take_out(number)
        self._wanted.remove(index)
        self.receipts.append(index)
        self._stats.bundles += 1
        self._stats.wait_s += time.monotonic() - started
        return Slot(bundle, memory)

    @abc.abstractmethod
    def _next(self) -> tuple[int, Lay]:
        """Return the next wanted index whose bundle can be had, and what lays it into a slot.

        Raises:
            StreamEnd: there is none.
        """

    def _drop(self, index: int, cause: str) -> None:
        """Note that a wanted bundle will never come."""
        self._wanted.remove(index)
        self._dropped[index] = cause

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
        """Return index and cause of the bundles that are wanted and cannot be had, as far as was read."""
        return dict(self._dropped)

    @property
    def wanted(self) -> tuple[Range, ...]:
        """Return the indices that have neither been taken nor dropped."""
        return self._wanted.ranges

    def stats(self) -> StreamStats:
        """Return what the stream has seen so far."""
        values = {key: value for key, value in vars(self._stats).items() if key != "dropped"}
        return StreamStats(**values, dropped=len(self._dropped))

    @abc.abstractmethod
    def stop(self) -> None:
        """End the stream, as a producer would that was told to."""

    def close(self) -> None:
        """Let go of disk and memory; may be called twice."""
        self._closed = True
        self._slots.close()


def check_room(identity: str, needed: int, memory: NDArray[np.uint8]) -> None:
    """Refuse a bundle that is larger than its slot.

    Args:
        identity: of the bundle.
        needed: its bytes.
        memory: `(max_bundle_bytes,)` uint8, the slot.

    Raises:
        RemoteProtocolError: it is.
    """
    if needed > memory.size:
        raise RemoteProtocolError(
            f"bundle {identity}: expected at most {memory.size} bytes, got {needed}; the config's bundle_size or "
            "max_appearances is too small"
        )


def stored_settings(endpoint: str, kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of `BundleStream`'s settings that do not need a socket.

    Args:
        endpoint: where the bundles are.
        kind: what is there, in a word.
        settings: all of them.

    Raises:
        InputError: what is on disk already is to be recorded.
    """
    if settings.get("record") is not None:
        raise InputError(f"--record {settings['record']}: expected none with {endpoint}, which is a {kind}; copy it")
    names = ("max_bundle_bytes", "slots", "ordered", "wanted", "run_id")
    return {name: settings[name] for name in names if name in settings}

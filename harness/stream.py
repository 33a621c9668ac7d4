"""What a stream hands over: bundles in their slots, counts, and the errors that end it."""

from __future__ import annotations

import abc
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from protocols.bundle import Bundle, places, view
from protocols.errors import PeerError
from protocols.flow import Consumer


class StreamError(PeerError):
    """No producer came, or those that came fell silent or left."""


class StreamEnd(StreamError):
    """Every bundle that was wanted has been taken."""


class Slot(NamedTuple):
    """A received bundle and the memory it lives in.

    Attributes:
        bundle: all its planes are views of `memory`.
        memory: `(max_bundle_bytes,)` uint8; to be given back.
    """

    bundle: Bundle
    memory: NDArray[np.uint8]


class SlotStream(abc.ABC):
    """What hands over bundles in slots: iterate over it, or `take` and `give_back` without a copy."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Bundle]:
        """Yield bundles whose arrays are the caller's own, until all that were wanted have come.

        Raises:
            StreamError: as `take`; a stream that breaks off never just ends.
        """
        while True:
            try:
                slot = self.take()
            except StreamEnd:
                return
            own = view(slot.bundle.header, slot.memory[: places(slot.bundle.header.planes)[-1]].copy())
            self.give_back(slot.memory)
            yield own

    @abc.abstractmethod
    def take(self, *, wait: bool = True) -> Slot | None:
        """Return the next bundle in its slot, which must be given back.

        Args:
            wait: whether to wait for one; else None when there is none.

        Raises:
            StreamEnd: all bundles that were wanted have been taken.
            StreamError: there will be none.
        """

    @abc.abstractmethod
    def give_back(self, memory: NDArray[np.uint8]) -> None:
        """Put a slot's memory, or other memory of the same size in exchange, back.

        Args:
            memory: `(max_bundle_bytes,)` uint8.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of everything; may be called twice."""


@dataclass
class StreamStats:
    """What the stream has seen so far.

    Attributes:
        bundles: whole bundles received, duplicates not counted.
        duplicates: bundles that came a second time and were left out.
        dropped: bundles that their producer could not make.
        in_place: bundles that a producer wrote straight into shared memory.
        faults: messages that broke the rules and were dropped.
        last_fault: the newest of them, in words.
        wait_s: seconds the trainer spent waiting for a bundle.
        producer_age_s: seconds since the last word of each connected producer, by name.
    """

    bundles: int = 0
    duplicates: int = 0
    dropped: int = 0
    in_place: int = 0
    faults: int = 0
    last_fault: str = ""
    wait_s: float = 0.0
    producer_age_s: dict[str, float] = field(default_factory=dict)


def stall_words(consumer: Consumer, ages_s: dict[str, float], waited_s: float) -> str:
    """Return who keeps the trainer waiting, in words.

    Args:
        consumer: knows what is missing and in whose hands it is.
        ages_s: seconds since the last word of each producer, by name.
        waited_s: seconds so far.
    """
    missing, hands = consumer.next_index, consumer.hands
    if not hands:
        return f"waiting for bundle {missing} for {waited_s:.0f} s: no producer is connected"
    holders = [name for name, indices in hands.items() if missing in indices] or sorted(hands)
    words = ", ".join(
        f"{name} (last word {ages_s.get(name, 0.0):.0f} s ago, to make {hands[name]})" for name in holders
    )
    return f"waiting for bundle {missing} for {waited_s:.0f} s: producer {words}"

"""What a stream hands over: bundles in their slots, counts, and the errors that end it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from protocols.bundle import Bundle
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

"""Delivery hazards: images that come late and out of order, and a server that stands still."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MOST_TICKS = 3
STALL_EVERY = 200


class Held(NamedTuple):
    """A message that is held back: until which tick, on which stream."""

    until: int
    stream: int
    message: bytes


class Late:
    """Hold messages back for up to three ticks."""

    def __init__(self, seed: int) -> None:
        """Begin with none."""
        self._seed = seed
        self._held: list[Held] = []

    def hold(self, frame: int, stream: int, message: bytes) -> None:
        """Take a message of a tick."""
        dice = np.random.Generator(np.random.PCG64([self._seed, frame, stream]))
        self._held.append(Held(frame + int(dice.integers(MOST_TICKS + 1)), stream, message))

    def due(self, frame: int) -> list[Held]:
        """Return, the latest first, the messages whose time has come; they are held no longer."""
        ready = [held for held in self._held if held.until <= frame]
        self._held = [held for held in self._held if held.until > frame]
        return ready[::-1]

    def everything(self) -> list[Held]:
        """Return all messages, the latest first; none is held any longer."""
        ready, self._held = self._held[::-1], []
        return ready


def stalls(frame: int) -> bool:
    """Return whether the server stands still in this tick."""
    return frame % STALL_EVERY == 0

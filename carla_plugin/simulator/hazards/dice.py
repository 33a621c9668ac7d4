"""Dice: numbers that look drawn by lot and follow from a seed, a frame and a sensor alone."""

from __future__ import annotations

import hashlib
import struct


def lot(sides: int, *numbers: int) -> int:
    """Return a whole number from 0 to sides - 1, the same on every machine.

    Args:
        sides: how many outcomes there are.
        numbers: whole numbers that it follows from, 64 bits each.
    """
    held = hashlib.sha256(struct.pack(f"<{len(numbers)}q", *numbers)).digest()
    return int.from_bytes(held[:8], "little") % sides

"""The cursor: which bundles of the run have been taken, and so which ranges of indices are still wanted."""

from __future__ import annotations

from collections.abc import Iterable

Ranges = tuple[tuple[int, int | None], ...]
"""Half-open ranges of indices, ascending; the last one has no end."""


class Cursor:
    """Remember the indices taken: all below `next`, and some beyond it where order is free.

    Attributes:
        next: first index that was not taken.
    """

    def __init__(self, start: int = 0, beyond: Iterable[int] = ()) -> None:
        """Begin with everything below `start` taken.

        Args:
            start: first index wanted.
            beyond: indices taken out of order.
        """
        self.next = start
        self._beyond = {index for index in beyond if index >= start}

    def add(self, index: int) -> None:
        """Note that a bundle was taken, or never will be."""
        if index >= self.next:
            self._beyond.add(index)
        while self.next in self._beyond:
            self._beyond.remove(self.next)
            self.next += 1

    def has(self, index: int) -> bool:
        """Return whether a bundle was taken."""
        return index < self.next or index in self._beyond

    def wanted(self, again: Iterable[int] = ()) -> Ranges:
        """Return what is still wanted.

        Args:
            again: indices that were taken and are wanted once more, such as a reservoir's.
        """
        end = max(self._beyond, default=self.next - 1) + 1
        single = set(again) | (set(range(self.next, end)) - self._beyond)
        ranges: list[tuple[int, int | None]] = []
        for index in sorted(index for index in single if index < end):
            if ranges and ranges[-1][1] == index:
                ranges[-1] = (ranges[-1][0], index + 1)
            else:
                ranges.append((index, index + 1))
        if ranges and ranges[-1][1] == end:
            return (*ranges[:-1], (ranges[-1][0], None))
        return (*ranges, (end, None))

    def state_dict(self) -> dict[str, object]:
        """Return plain numbers for a checkpoint."""
        return {"next": self.next, "beyond": sorted(self._beyond)}

"""Wanted: which bundle indices are still to come, as half-open ranges; the last may be open."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

Range = tuple[int, int | None]


class Wanted:
    """Hold indices as ascending ranges `[start, end)`; memory grows with the gaps, never with the indices."""

    def __init__(self, ranges: Iterable[Range] = ((0, None),)) -> None:
        """Start with some ranges.

        Args:
            ranges: half-open, ascending, without overlap; an end of None means for ever, and is the last.

        Raises:
            ValueError: they are not like that.
        """
        self._ranges: list[Range] = []
        last: int | None = 0
        for start, end in ranges:
            if last is None or start < last or (end is not None and end <= start):
                raise ValueError(
                    f"wanted: expected ascending ranges without overlap, got {[*self._ranges, (start, end)]}"
                )
            self._ranges.append((start, end))
            last = end

    def __bool__(self) -> bool:
        return bool(self._ranges)

    def __contains__(self, index: int) -> bool:
        place = bisect_right(self._ranges, index, key=lambda each: each[0]) - 1
        if place < 0:
            return False
        end = self._ranges[place][1]
        return end is None or index < end

    @property
    def first(self) -> int | None:
        """Return the lowest index, None when there is none."""
        return self._ranges[0][0] if self._ranges else None

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Return them all."""
        return tuple(self._ranges)

    def pop(self) -> int:
        """Take the lowest index out.

        Raises:
            IndexError: there is none.
        """
        start, end = self._ranges[0]
        if end is not None and start + 1 == end:
            del self._ranges[0]
        else:
            self._ranges[0] = (start + 1, end)
        return start

    def remove(self, index: int) -> None:
        """Take one index out; nothing happens when it is not there."""
        place = bisect_right(self._ranges, index, key=lambda each: each[0]) - 1
        if index not in self:
            return
        start, end = self._ranges[place]
        parts: list[Range] = [(start, index)] if start < index else []
        if end is None or index + 1 < end:
            parts.append((index + 1, end))
        self._ranges[place : place + 1] = parts

    def add(self, index: int) -> None:
        """Put one index in; nothing happens when it is there."""
        if index in self:
            return
        place = bisect_right(self._ranges, index, key=lambda each: each[0])
        start, end = index, index + 1
        if place < len(self._ranges) and self._ranges[place][0] == end:
            end_of_next = self._ranges.pop(place)[1]
            if place > 0 and self._ranges[place - 1][1] == start:
                start = self._ranges.pop(place - 1)[0]
                place -= 1
            self._ranges.insert(place, (start, end_of_next))
        elif place > 0 and self._ranges[place - 1][1] == start:
            self._ranges[place - 1] = (self._ranges[place - 1][0], end)
        else:
            self._ranges.insert(place, (start, end))

"""Desk: says which moment is made next, by whom; each is dealt to one photographer, and again if that one is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import NamedTuple

import msgspec

from carla_plugin.layouts_file import Source
from protocols.wanted import Wanted

ASK_S = 0.5
"""How long is waited for the trainer's wish before looking round again."""

PLANS_KEPT = 4
"""Plans of episodes that are remembered, for who takes an episode over."""


class Task(NamedTuple):
    """A moment to be made, and the indices of its bundles, one for each camera."""

    episode: int
    moment: int
    indices: tuple[int, ...]


class Desk:
    """Deal moments out in the order of their indices, as the trainer asks for them.

    Attributes:
        enough: whether the trainer said that it wants no more.
    """

    def __init__(
        self,
        source: Source,
        bundles: int,
        next_wanted: Callable[[Collection[int], float], int | None] | None = None,
    ) -> None:
        """Start with nothing made.

        Args:
            source: whose moments.
            bundles: indices from here on are never made.
            next_wanted: given indices that are in hand and seconds to wait, returns the lowest index that is wanted
                besides, None when there is enough, and raises TimeoutError when nothing is asked for in time. Without
                it all are wanted, one after the other.
        """
        self.enough = False
        self._source = source
        self._scenario = source.scenario
        self._bundles = bundles
        self._next_wanted = next_wanted or self._next_left
        self._turn = threading.Lock()  # one asks at a time
        self._change = threading.Condition()
        self._in_hand: set[int] = set()
        self._left = Wanted(((0, bundles),) if bundles else ())
        self._closed = False
        self._plans: dict[int, bytes] = {}

    @property
    def finished(self) -> bool:
        """Return whether there is nothing more to deal out."""
        return self._closed or not self._left

    def take(self, free: Callable[[], bool] = lambda: True) -> Task | None:
        """Return the next moment to be made, None when there is none for whoever asks; wait for the trainer meanwhile.

        Args:
            free: asked now and then whether the caller still waits.

        Raises:
            StreamError: the trainer is missing or fell silent.
        """
        while not self.finished and free():
            with self._turn:
                with self._change:
                    in_hand = frozenset(self._in_hand)
                try:
                    index = self._next_wanted(in_hand, ASK_S)
                except TimeoutError:
                    continue
                if index is None:
                    self.enough = True
                    self.close()
                    return None
                if index < self._bundles:
                    episode, moment, _ = self._scenario.place_of(index)
                    first = self._scenario.index_of(episode, moment)
                    task = Task(episode, moment, tuple(range(first, first + len(self._scenario.cameras))))
                    with self._change:
                        self._in_hand.update(task.indices)
                    return task
            # what is left to make is in other hands, and comes back if they are lost
            with self._change:
                if not self._in_hand:
                    self._closed = True
                else:
                    self._change.wait(ASK_S)
        return None

    def done(self, task: Task) -> None:
        """Note that a moment's bundles were handed on, or dropped."""
        with self._change:
            self._in_hand.difference_update(task.indices)
            for index in task.indices:
                self._left.remove(index)
            self._change.notify_all()

    def back(self, task: Task) -> None:
        """Take a moment back from a photographer that was lost; it is dealt out again."""
        with self._change:
            self._in_hand.difference_update(task.indices)
            self._change.notify_all()

    def close(self) -> None:
        """Deal nothing out any more."""
        with self._change:
            self._closed = True
            self._change.notify_all()

    def plan(self, episode: int) -> bytes | None:
        """Return an episode's plan, if it comes from a file or somebody has made it lately.

        Raises:
            LayoutsError: the file is damaged there.
        """
        with self._change:
            kept = self._plans.get(episode)
        if kept is None and self._source.planned is not None:
            kept = self.keep_plan(episode, msgspec.msgpack.encode(self._source.planned.read(episode)))
        return kept

    def keep_plan(self, episode: int, plan: bytes) -> bytes:
        """Remember an episode's plan and return it; the first one made is that of the run."""
        with self._change:
            kept = self._plans.setdefault(episode, plan)
            while len(self._plans) > PLANS_KEPT:
                del self._plans[next(iter(self._plans))]
            return kept

    def _next_left(self, in_hand: Collection[int], wait_s: float) -> int:
        """Return the lowest index that is not made and in nobody's hands, or one beyond all."""
        with self._change:
            for start, end in self._left.ranges:
                for index in range(start, self._bundles if end is None else end):
                    if index not in in_hand:
                        return index
        return self._bundles

"""Stream: have moments made on one or several servers, and hand the bundles to sinks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from carla_plugin.crew import Job
from carla_plugin.desk import Desk, Task
from carla_plugin.layouts_file import Source
from carla_plugin.studio import LostError, Place, Studio
from carla_plugin.summary import Summary
from protocols.bundle import Bundle

LOOK_S = 0.2
"""Between two looks of the main thread; signals come through at once all the same."""


class Sink(Protocol):
    """Something that takes bundles: the publisher, the monitor, the recorder."""

    def put(self, bundle: Bundle) -> bool:
        """Take a bundle; return whether more are wanted."""

    def drop(self, index: int, cause: str) -> bool:
        """Hear that a bundle cannot be made; return whether more are wanted."""

    def close(self) -> None:
        """Finish what was taken, then let go of everything."""


class Run:
    """Hold what the studios of a run share; they call it from threads of their own."""

    def __init__(self, sinks: Sequence[Sink], progress: Callable[[Summary, str], None]) -> None:
        """Start with nothing done."""
        self.summary = Summary()
        self._sinks = sinks
        self._progress = progress
        self._turn = threading.Lock()
        self._ticks: dict[int, int] = {}

    def word(self, text: str) -> None:
        """Pass on what takes long, or went wrong."""
        with self._turn:
            self._progress(self.summary, text)

    def arrived(self, town: str) -> None:
        """Note the town; a new photographer counts its ticks from 0."""
        with self._turn:
            self.summary.town = town
            self._ticks[threading.get_ident()] = 0

    def made(self, bundles: list[Bundle], ticks: int) -> bool:
        """Hand a moment's bundles to all sinks and return whether more are wanted."""
        with self._turn:
            self._add_ticks(ticks)
            for bundle in bundles:
                wanted = [sink.put(bundle) for sink in self._sinks]
                if not all(wanted):
                    self.summary.enough = True
                    return False
            self.summary.add(bundles)
            self._progress(self.summary, "")
            return True

    def refused(self, task: Task, cause: str, text: str, ticks: int) -> bool:
        """Tell all sinks that a moment's bundles cannot be made and return whether more are wanted."""
        with self._turn:
            self._add_ticks(ticks)
            self.summary.refused[cause] += len(task.indices)
            self._progress(self.summary, text)
            for index in task.indices:
                wanted = [sink.drop(index, cause) for sink in self._sinks]
                if not all(wanted):
                    self.summary.enough = True
            return not self.summary.enough

    def lost(self) -> None:
        """Count a loss that is being made good."""
        with self._turn:
            self.summary.recoveries += 1

    def _add_ticks(self, ticks: int) -> None:
        me = threading.get_ident()
        self.summary.ticks += ticks - self._ticks.get(me, 0)
        self._ticks[me] = ticks


def stream(
    source: Source,
    places: Sequence[Place],
    sinks: Sequence[Sink],
    *,
    bundles: int,
    progress: Callable[[Summary, str], None],
    next_wanted: Callable[[Collection[int], float], int | None] | None = None,
) -> Summary:
    """Stream a scenario's bundles until enough are made or a sink wants no more.

    Args:
        source: what to photograph, and its plan if there is one.
        places: one or several servers; moments go to whichever is free.
        sinks: who takes the bundles; never called by two threads at once.
        bundles: indices from here on are not made.
        progress: called after each bundle, and at each step that takes long, with a word on it; from any thread, but
            never two at once.
        next_wanted: asked for the index to make next; see `Publisher.next_wanted`. None: all, counting up.

    Returns:
        What was done; every server is as it was.

    Raises:
        PeerError: the simulator is missing, or stays away; or the trainer does.
        InputError: a server lacks what the scenario names.
    """
    run = Run(sinks, progress)
    desk = Desk(source, bundles, next_wanted)
    studios = [
        Studio(place, Job(host=place.host, port=place.port, scenario=source.scenario, seed=source.seed), desk, run)
        for place in places
    ]
    faults: list[BaseException] = []
    # not Thread.join: an exception of a signal that comes while it waits makes Python 3.11 take the thread for ended
    ended = {studio: threading.Event() for studio in studios}

    def work(studio: Studio) -> None:
        try:
            studio.work()
        except BaseException as error:
            others = any(not event.is_set() for other, event in ended.items() if other is not studio)
            if isinstance(error, LostError) and error.gone and desk.finished:
                run.word(f"{error}; all was made by then")
            elif isinstance(error, LostError) and error.gone and others:
                run.word(f"{error}; going on without it")
            else:
                faults.append(error)
                desk.close()
        finally:
            ended[studio].set()

    try:
        for studio in studios:
            threading.Thread(target=work, args=(studio,), name=studio.place.address, daemon=True).start()
        for event in ended.values():
            while not event.wait(LOOK_S) and not faults:
                pass
    finally:
        desk.close()
        for studio in studios:
            studio.stop()
        for event in ended.values():
            while not event.wait(LOOK_S):
                pass
    for fault in faults:
        raise fault
    run.summary.enough |= desk.enough
    return run.summary

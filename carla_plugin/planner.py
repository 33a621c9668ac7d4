"""Planner: episodes planned one after another in a photographer's process, for who writes them to a file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from carla_plugin.crew import BEAT_S, ONLY_PLAN, SILENCE_S, Crew, Job
from carla_plugin.layouts import Layouts
from carla_plugin.world.lifeline import listens
from protocols.errors import InputError, ManyskiesError, PeerError

LOOK_EVERY_S = 0.5


class Planner:
    """Hold a server through a process of its own; made by `Planner.ready`.

    Attributes:
        town: name of the map that is loaded.
    """

    def __init__(self, job: Job, crew: Crew) -> None:
        """Wait until the photographer has the world; use `Planner.ready` instead."""
        self._job = job
        self._crew = crew
        self._address = f"{job.host}:{job.port}"
        self.town = str(self._heard("ready", lambda kept: None)["town"])

    @classmethod
    @contextlib.contextmanager
    def ready(cls, job: Job) -> Iterator[Planner]:
        """Open a server for planning; it is put back as it was on leaving.

        Args:
            job: server, scenario and seed.

        Raises:
            PeerError: the server is missing or gone.
            InputError: the server lacks what the scenario names.
        """
        crew = Crew(job)
        try:
            yield cls(job, crew)
        except PeerError:
            crew.kill()  # there is nothing to put back
            raise
        finally:
            crew.dismiss()

    def plan(self, episode: int, progress: Callable[[int], None]) -> Layouts:
        """Return the plan of an episode.

        Args:
            episode: number of the episode, from 0.
            progress: called with the number of moments kept so far.

        Raises:
            PeerError: the server is gone.
            InputError: the server lacks what the scenario names.
        """
        self._crew.tell("make", episode=episode, moment=ONLY_PLAN)
        frame: bytes = self._heard("plan", progress)["frame"]
        return msgspec.msgpack.decode(frame, type=Layouts)

    def _heard(self, kind: str, progress: Callable[[int], None]) -> dict[str, Any]:
        """Return the values of the next message of a kind, its first frame among them."""
        heard = time.monotonic()
        while True:
            try:
                note = self._crew.hear(LOOK_EVERY_S)
            except TimeoutError:
                silent_s = time.monotonic() - heard
                if silent_s > SILENCE_S:
                    raise PeerError(f"simulator at {self._address}: its photographer hangs") from None
                # some calls of the wheel hold all of Python until they time out, heartbeats included
                if silent_s > 2 * BEAT_S and not listens(self._job.host, self._job.port):
                    raise PeerError(f"simulator at {self._address}: gone while planning") from None
                continue
            heard = time.monotonic()
            if note is None:
                raise PeerError(f"simulator at {self._address}: gone while planning; {self._crew.last_words()}")
            if note.kind == "failed":
                raise _error(str(note.values["text"]), int(note.values["exit_code"]))
            if note.kind == "kept":
                progress(int(note.values["count"]))
            elif note.kind == kind:
                return {**note.values, "frame": bytes(note.frames[0]) if note.frames else b""}


def _error(text: str, exit_code: int) -> ManyskiesError:
    for kind in (InputError, PeerError):
        if kind.exit_code == exit_code:
            return kind(text)
    return ManyskiesError(text)

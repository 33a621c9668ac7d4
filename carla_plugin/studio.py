"""Studio: keeps one server at work: waits for it, starts it, gives it a photographer, and another when one is lost."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from carla_plugin.channel import Note
from carla_plugin.crew import BEAT_S, SHIFT_ACTORS, SILENCE_S, Crew, Job
from carla_plugin.desk import Desk, Task
from carla_plugin.launch import Launch
from carla_plugin.world.lifeline import listens
from protocols.bundle import Bundle, decode_bundle
from protocols.errors import InputError, ManyskiesError, PeerError

LOSSES_IN_A_ROW = 5
"""So often a photographer may be lost without a bundle in between; then it is no accident."""

PAUSE_S = 0.5
"""Between two looks whether a server is back."""

RESTORE_S = 40.0

LOADING_S = 240.0
"""Silence that is allowed while a town loads: longer than the wheel's own limit."""


class LostError(PeerError):
    """The server or the photographer was lost; another try may succeed.

    Attributes:
        gone: whether it was there and is no more; else it may have said no.
    """

    def __init__(self, words: str, *, gone: bool = True) -> None:
        """Take what is to be said."""
        super().__init__(words)
        self.gone = gone


class Reporter(Protocol):
    """What a studio tells the run; called in the studio's thread."""

    def word(self, text: str) -> None:
        """Hear what takes long, or went wrong."""

    def arrived(self, town: str) -> None:
        """Hear that a server has the town."""

    def made(self, bundles: list[Bundle], ticks: int) -> bool:
        """Take a moment's bundles; return whether more are wanted."""

    def refused(self, task: Task, cause: str, text: str, ticks: int) -> bool:
        """Hear that a moment cannot be made; return whether more are wanted."""

    def lost(self) -> None:
        """Count a loss that is being made good."""


@dataclass(frozen=True)
class Place:
    """Where a server is, and what is done when it is not there.

    Attributes:
        host: name or address.
        port: its RPC port.
        wait_s: seconds a lost server is waited for; 0 gives up at once.
        start: starts it, or None.
    """

    host: str
    port: int
    wait_s: float = 0.0
    start: Launch | None = None

    @property
    def address(self) -> str:
        """Return host and port."""
        return f"{self.host}:{self.port}"


class Studio:
    """Work for one server until the desk has nothing more, or the server stays away."""

    def __init__(
        self,
        place: Place,
        job: Job,
        desk: Desk,
        reporter: Reporter,
        hire: Callable[[Job], Crew] = Crew,
        shift_actors: int = SHIFT_ACTORS,
    ) -> None:
        """Take all that is needed; `work` does the rest.

        Args:
            place: the server.
            job: of its photographers.
            desk: says what to make.
            reporter: told what happened.
            hire: starts a photographer.
            shift_actors: actors after which one is relieved by another.
        """
        self.place = place
        self._job = job
        self._desk = desk
        self._reporter = reporter
        self._hire = hire
        self._shift_actors = shift_actors
        self._met = 0  # actors that this photographer has had to do with
        self._there = False  # whether the server ever was
        self._stopping = threading.Event()
        self._losses = 0
        self._started = False  # the server, since it was lost
        self._clean = True  # whether the last photographer has put the server back, or never had it

    def stop(self) -> None:
        """Let the server be put back as soon as possible; to be called from another thread."""
        self._stopping.set()

    def work(self) -> None:
        """Make moments; a lost server or photographer is made good, none of its moments is left out or made twice.

        Raises:
            PeerError: the server is missing or stays away, or the trainer is gone.
            InputError: the server lacks what the scenario names.
        """
        lost: LostError | None = None
        try:
            while not self._stopping.is_set() and not self._desk.finished:
                crew = self._open(lost)
                if crew is None:
                    return
                try:
                    if not self._serve(crew):
                        return
                    lost = None
                except LostError as error:
                    lost = error
                    self._reporter.lost()
                    crew.kill()
                finally:
                    self._clean = crew.dismiss()
        finally:
            if not self._clean:
                self._put_back()
            if self.place.start is not None:
                self.place.start.end()

    def _put_back(self) -> None:
        """Put the server back for a photographer that could not do so itself."""
        address = self.place.address
        if not listens(self.place.host, self.place.port):
            return
        with suppress(subprocess.TimeoutExpired):
            done = subprocess.run(
                [sys.executable, "-m", "carla_plugin.cli", "restore", address],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                start_new_session=True,
                timeout=RESTORE_S,
                check=False,
            )
            if done.returncode == 0:
                return
        self._reporter.word(f"simulator at {address}: it may not be as it was; carla-plugin restore {address}")

    def _open(self, lost: LostError | None) -> Crew | None:
        """Return a photographer that is ready, None when told to stop.

        Raises:
            PeerError: the server did not come in time.
        """
        place = self.place
        if lost is not None:
            self._losses += 1
            if place.wait_s <= 0.0:
                raise LostError(f"{lost}; start it and stream again")
            if self._losses > LOSSES_IN_A_ROW:
                raise LostError(f"{lost}; lost {self._losses} times without a bundle in between")
            self._reporter.word(f"{lost}; waiting up to {place.wait_s:.0f} s for it")
        patient = lost is not None or self._there or place.start is not None
        until = time.monotonic() + (place.wait_s if patient else 0.0)
        self._started = False
        while not self._stopping.is_set():
            fault = self._summon()
            if fault is None:
                crew = self._hire(self._job)
                was_clean, self._clean = self._clean, False
                try:
                    self._await_ready(crew)
                    self._met, self._there = 0, True
                    return crew
                except ManyskiesError as error:
                    crew.kill()
                    gone = isinstance(error, LostError) and error.gone
                    self._clean = was_clean and not gone  # who can still say what is wrong has put the server back
                    if not isinstance(error, LostError):
                        raise
                    fault = error
                except BaseException:
                    crew.kill()
                    raise
                if place.start is not None and not self._started:
                    place.start.end()  # ours, and it no longer answers
            if time.monotonic() > until:
                waited = f"; not there after {place.wait_s:.0f} s" if patient else ""
                if place.start is not None and place.start.last_words:
                    waited += f"; {place.start.last_words}"
                gone = lost is not None or (isinstance(fault, LostError) and fault.gone)
                raise LostError(f"{lost or fault}{waited}", gone=gone)
            self._stopping.wait(PAUSE_S)
        return None

    def _summon(self) -> PeerError | None:
        """See to it that something listens there; return what is wrong if nothing does yet.

        Raises:
            PeerError: the command that starts it failed.
        """
        place, start = self.place, self.place.start
        if listens(place.host, place.port):
            if start is not None:
                start.came_up()
            return None
        if start is not None and not start.started:
            if self._started:
                start.check()
            if not start.due:
                return PeerError(f"simulator at {place.address}: nothing listens there")
            self._reporter.word(f"simulator at {place.address}: starting it")
            start.start()
            self._started = True
        elif start is None and self._losses == 0:
            return None  # the photographer says it better
        return PeerError(f"simulator at {place.address}: nothing listens there")

    def _await_ready(self, crew: Crew) -> None:
        """Wait until the photographer has the world."""
        while True:
            note = self._hear(crew, LOADING_S)
            if note is None:
                return
            if note.kind == "ready":
                self._reporter.arrived(str(note.values["town"]))
                return

    def _serve(self, crew: Crew) -> bool:
        """Have moments made until the desk has no more, or the photographer is to be relieved; return whether it is.

        Raises:
            LostError: the photographer or its server is gone.
        """
        planned = -1
        while (task := self._desk.take(lambda: self._idle(crew))) is not None:
            try:
                if task.episode != planned and self._met > self._shift_actors:
                    return True
                plan = self._desk.plan(task.episode) if task.episode != planned else None
                planned = task.episode
                crew.tell("make", plan, episode=task.episode, moment=task.moment)
                if not self._finish(crew, task):
                    return False
            finally:
                self._desk.back(task)  # unless it is done
        return False

    def _idle(self, crew: Crew) -> bool:
        """Return whether to go on waiting for the trainer; notices a photographer that is lost meanwhile."""
        with suppress(TimeoutError):
            while True:
                self._sort(crew, crew.hear(0.0))
        return not self._stopping.is_set()

    def _finish(self, crew: Crew, task: Task) -> bool:
        """Hear a photographer out on one moment; return False when nothing more is wanted, or told to stop."""
        bundles: list[Bundle] = []
        while (note := self._hear(crew)) is not None:
            ticks = int(note.values.get("ticks", 0))
            if note.kind == "bundle":
                bundles.append(decode_bundle(note.frames))
            elif note.kind in ("made", "refused"):
                self._losses = 0
                self._met = int(note.values["met"])
                if note.kind == "made":
                    wanted = self._reporter.made(bundles, ticks)
                else:
                    cause, text = str(note.values["cause"]), str(note.values["text"])
                    wanted = self._reporter.refused(task, cause, text, ticks)
                self._desk.done(task)  # only now: until it is handed on, the trainer still asks for it
                return wanted
        return False

    def _hear(self, crew: Crew, silence_s: float = SILENCE_S) -> Note | None:
        """Return a photographer's next message about its work, None when told to stop.

        Raises:
            LostError: it is gone, hangs, or says that its server is.
            ManyskiesError: it says what is wrong.
        """
        heard = time.monotonic()
        while not self._stopping.is_set():
            try:
                note = crew.hear(PAUSE_S)
            except TimeoutError:
                silent_s = time.monotonic() - heard
                if silent_s > silence_s:
                    raise LostError(f"simulator at {self.place.address}: its photographer hangs") from None
                # some calls of the wheel hold all of Python until they time out, signs of life included
                if silent_s > 2 * BEAT_S and not listens(self.place.host, self.place.port):
                    raise LostError(f"simulator at {self.place.address}: gone in mid-stream", gone=True) from None
                continue
            heard = time.monotonic()
            if self._sort(crew, note):
                return note
        return None

    def _sort(self, crew: Crew, note: Note | None) -> bool:
        """See to messages that are not about the work itself; return whether it is about the work.

        Raises:
            LostError: the photographer is gone, or says that its server is.
            ManyskiesError: it says what is wrong.
        """
        if note is None:
            raise LostError(f"simulator at {self.place.address}: gone or hanging in mid-stream; {crew.last_words()}")
        if note.kind == "failed":
            raise self._failure(note)
        if note.kind == "word":
            self._reporter.word(str(note.values["text"]))
        elif note.kind == "plan":
            self._desk.keep_plan(int(note.values["episode"]), bytes(note.frames[0]))
        return note.kind not in ("beat", "word", "plan")

    def _failure(self, note: Note) -> ManyskiesError:
        """Return what a photographer died of, as an error that says whether another try makes sense."""
        text, exit_code = str(note.values["text"]), int(note.values["exit_code"])
        if exit_code == InputError.exit_code:
            return InputError(text)
        if exit_code == PeerError.exit_code:
            return LostError(text, gone=bool(note.values["lost"]))
        return ManyskiesError(text)

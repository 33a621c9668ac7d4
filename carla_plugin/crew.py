"""Crew: a photographer's process as `stream` sees it: started, told, heard, and ended whatever it does."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import sys
import threading
from collections import deque
from io import FileIO

import msgspec

from carla_plugin.channel import Channel, Note
from carla_plugin.scenario import Scenario
from protocols.errors import RemoteProtocolError

MODULE = "carla_plugin.photographer"

GRACE_S = 18.0
"""How long a photographer may take to put its server back."""

BEAT_S = 2.0
"""Seconds between two signs of life of a photographer."""

SILENCE_S = 60.0
"""Without a sign of life for so long, a photographer hangs in a call that holds all of Python."""

SHIFT_ACTORS = 3000
"""After so many actors a photographer hands over at its episode's end: the wheel keeps some 3 KB of each for good."""

LAST_WORDS = 20

ONLY_PLAN = -1
"""In place of a moment's number: the episode's plan is all that is wanted."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What a photographer is told first."""

    host: str
    port: int
    scenario: Scenario
    seed: int


class Crew:
    """Run a photographer."""

    def __init__(self, job: Job) -> None:
        """Start it; nothing is waited for."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C in a terminal reaches us alone, and we tell it
        )
        stdin, stdout = self._process.stdin, self._process.stdout
        assert isinstance(stdin, FileIO)
        assert isinstance(stdout, FileIO)
        self._channel = Channel(stdout, stdin)
        self._notes: queue.SimpleQueue[Note | None] = queue.SimpleQueue()
        self._words: deque[str] = deque(maxlen=LAST_WORDS)
        self._threads = [
            threading.Thread(target=duty, name="crew", daemon=True) for duty in (self._listen, self._overhear)
        ]
        for thread in self._threads:
            thread.start()
        self.tell("job", msgspec.msgpack.encode(job))

    def tell(self, kind: str, frame: bytes | None = None, **values: int) -> None:
        """Send it a message; one that has died hears nothing, and `hear` says so."""
        with contextlib.suppress(OSError, ValueError):
            self._channel.send(kind, [] if frame is None else [frame], **values)

    def hear(self, wait_s: float = SILENCE_S) -> Note | None:
        """Return its next message, None when it has ended.

        Raises:
            TimeoutError: not even a sign of life came in time.
        """
        try:
            note = self._notes.get(timeout=wait_s)
        except queue.Empty:
            raise TimeoutError(f"no sign of life for {wait_s:.0f} s") from None
        if note is None:
            self._notes.put(None)  # an end stays one, for who asks again
        return note

    def last_words(self) -> str:
        """Return how it ended, as far as is known: its last line on stderr, or the number of its signal."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        self._threads[1].join(1.0)
        status = self._process.poll()
        how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
        return " ".join([f"its process ended with {how}", *list(self._words)[-1:]])[:300]

    def dismiss(self) -> bool:
        """Let it put its server back and leave, killed when that takes too long; return whether it did so."""
        self._hang_up()
        left = False
        with contextlib.suppress(TimeoutError):
            while (note := self.hear(GRACE_S + 2.0)) is not None:
                left = left or note.kind == "left"
        self.kill()
        return left

    def kill(self) -> None:
        """End it at once."""
        self._hang_up()
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(5.0)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _hang_up(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _listen(self) -> None:
        """Pass messages on; big ones are few, as a moment is made when it is asked for."""
        with contextlib.suppress(RemoteProtocolError):
            while (note := self._channel.receive()) is not None:
                self._notes.put(note)
        self._notes.put(None)

    def _overhear(self) -> None:
        """Keep the last lines of its standard error, where the wheel talks."""
        assert self._process.stderr is not None
        with contextlib.suppress(OSError, ValueError):
            rest = b""
            while data := self._process.stderr.read(4096):
                *lines, rest = (rest + data).split(b"\n")
                self._words.extend(line.decode(errors="replace").strip() for line in lines if line.strip())

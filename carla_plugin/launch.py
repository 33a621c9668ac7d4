"""Launch: starts a server by the user's command where none listens, and ends what it started."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time

from protocols.errors import InputError, PeerError

END_S = 10.0

LONGEST_PAUSE_S = 8.0
"""Between two starts of a server that never comes up; the first pause is a second, each other one twice the last."""

BY_SIGNAL = 128
"""Shells add it to the number of the signal that ended what they had started."""


class Launch:
    """Start a server as often as it takes; end it in the end."""

    def __init__(self, command: str, host: str, port: int) -> None:
        """Read the command.

        Args:
            command: as in a shell, but no shell runs it; `{port}` and `{host}` stand for the server's.
            host: of the server.
            port: of the server.

        Raises:
            InputError: quotes do not match, or there is no such program.
        """
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise InputError(f"--start: expected a command, got {command!r}: {error}") from None
        if not words:
            raise InputError("--start: expected a command, got nothing")
        self.command = [word.replace("{port}", str(port)).replace("{host}", host) for word in words]
        self._process: subprocess.Popen[bytes] | None = None
        self._was_up = False
        self._starts = 0  # in a row, without the server having come up
        self._not_before = 0.0
        self._last_words = ""

    def start(self) -> None:
        """Start the server, after ending what is left of the one before.

        Raises:
            InputError: the command cannot be run.
        """
        self._last_words = self.last_words
        self.end()
        self._not_before = time.monotonic() + min(2.0**self._starts, LONGEST_PAUSE_S)
        self._starts += 1
        try:
            # who watches standard input leaves with us, even if we are killed
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise InputError(f"--start: expected a command, got {self.command[0]!r}: {error.strerror}") from None

    @property
    def started(self) -> bool:
        """Return whether a server of ours runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def due(self) -> bool:
        """Return whether it may be started now: a server that ends again and again is started at growing intervals."""
        return time.monotonic() >= self._not_before

    @property
    def last_words(self) -> str:
        """Return how the last start ended that failed, empty when none did since the server was up."""
        status = None if self._process is None else self._process.poll()
        if not status:
            return self._last_words
        return f"--start: {shlex.join(self.command)} ended with status {status}; run it by hand to see why"

    def came_up(self) -> None:
        """Note that a server listens: if we started it the command is a good one, to be tried again whatever comes."""
        if self._process is None:
            return
        self._was_up, self._starts, self._not_before, self._last_words = True, 0, 0.0, ""

    def check(self) -> None:
        """Raise when there is no sense in starting it again: it failed by itself, and has never brought a server up.

        Whoever was killed is tried again; who left quietly may have its server in another process.

        Raises:
            PeerError: the command failed.
        """
        status = None if self._process is None else self._process.poll()
        if status is not None and 0 < status <= BY_SIGNAL and not self._was_up:
            raise PeerError(self.last_words)

    def end(self) -> None:
        """End what was started, with all its children."""
        process, self._process = self._process, None
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
                if number == signal.SIGTERM:
                    continue  # the group's stragglers, too
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

"""Launch: starts a server by the user's command where none listens, and ends what it started."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess

from protocols.errors import InputError, PeerError

END_S = 10.0


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

    def start(self) -> None:
        """Start the server, after ending what is left of the one before.

        Raises:
            InputError: the command cannot be run.
        """
        self.end()
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

    def check(self) -> None:
        """Raise unless what was started is still there, or left quietly because its server is another process.

        Raises:
            PeerError: the command failed.
        """
        status = None if self._process is None else self._process.poll()
        if status:
            raise PeerError(
                f"--start: {shlex.join(self.command)} ended with status {status}; run it by hand to see why"
            )

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

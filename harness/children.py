"""Child processes that never outlive us: each holds the read end of a pipe whose write end only we have.

When we end, even by kill -9, the pipe ends, and the child leaves; so they are started with `--stay-with-stdin`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from protocols.errors import PeerError

GRACE_S = 10.0
POLL_S = 0.1


class ChildError(PeerError):
    """A child process ended, or did not answer in time."""


class Child:
    """A running child; its output goes to a log.

    Attributes:
        name: shown to the user.
        log: path of what it prints.
        vital: whether its failure is ours.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        log: Path,
        *,
        vital: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start `python -m module arguments` in a session of its own, so that Ctrl-C reaches only us.

        Args:
            name: shown to the user.
            module: to run.
            arguments: of its command line.
            log: file for its output.
            vital: whether its failure is ours.
            environment: variables; ours unless given.
        """
        self.name = name
        self.log = log
        self.vital = vital
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log: BinaryIO = log.open("wb")
        self._tail = log.open("rb")
        self._partial = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=None if environment is None else dict(environment),
        )

    def new_lines(self) -> list[str]:
        """Return whole lines printed since the last call."""
        *lines, self._partial = (self._partial + self._tail.read()).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def check(self) -> None:
        """Do nothing while it runs or when it left in peace.

        Raises:
            ChildError: it ended with another status than 0; with its last words.
        """
        status = self.process.poll()
        if status:
            raise ChildError(f"{self.name} {_manner(status)}: {self._last_words()} (see {self.log})")

    def wait_for_line(self, start: str, timeout_s: float, told: Callable[[str], None] = lambda line: None) -> str:
        """Return the first line that begins with `start`.

        Args:
            start: of the line.
            timeout_s: until it counts as stuck.
            told: called with each other line.

        Raises:
            ChildError: it ended, or did not print the line in time.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            running = self.process.poll() is None
            for line in self.new_lines():
                if line.startswith(start):
                    return line
                told(line)
            if not running:
                self.check()
                raise ChildError(f"{self.name} ended without a word (see {self.log})")
            if time.monotonic() > deadline:
                raise ChildError(f"{self.name} did not say {start!r} within {timeout_s:.0f} s (see {self.log})")
            time.sleep(POLL_S)

    def finish(self, timeout_s: float) -> None:
        """Wait until it has left by itself, because its work is done.

        Args:
            timeout_s: until it is made to leave.

        Raises:
            ChildError: it ended with another status than 0, or did not end.
        """
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ChildError(f"{self.name} did not end within {timeout_s:.0f} s (see {self.log})") from None
        self.check()

    def let_go(self) -> None:
        """Tell it to leave, without waiting."""
        if self.process.stdin is not None:
            self.process.stdin.close()

    def end(self, grace_s: float = GRACE_S) -> None:
        """Wait until it has left; make it leave when it does not."""
        self.let_go()
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                self.process.send_signal(number)
            try:
                self.process.wait(grace_s)
                break
            except subprocess.TimeoutExpired:
                continue
        self._tail.close()
        self._log.close()

    def _last_words(self) -> str:
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it said nothing"


def _manner(status: int) -> str:
    if status < 0:
        return f"was killed ({signal.Signals(-status).name})"
    return f"ended with status {status}"


class Children:
    """The children of one run; as a context manager it lets none stay behind."""

    def __init__(self, say: Callable[[str], None] = print) -> None:
        """Start with none; all of them will have the environment as it is now.

        Args:
            say: is told, once, of one that failed and is not vital.
        """
        self._say = say
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self._running: list[Child] = []

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        for child in reversed(self._running):  # the plugin puts the simulator's world back before that one leaves
            child.end()

    def start(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        log: Path,
        *,
        vital: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        """Start a child; arguments as `Child`, but that `environment` is what it has besides ours."""
        variables = {**self._environment, **(environment or {})}
        child = Child(name, module, arguments, log, vital=vital, environment=variables)
        self._running.append(child)
        return child

    def check(self) -> None:
        """Check all of them.

        Raises:
            ChildError: one ended with another status than 0.
        """
        for child in list(self._running):
            try:
                child.check()
            except ChildError as error:
                if child.vital:
                    raise
                self._running.remove(child)
                child.end()
                self._say(f"warning: {error}; going on without it")

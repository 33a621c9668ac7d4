"""Progress: one live line on a terminal, a plain line now and then in a pipe."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

EVERY_S = 5.0


class Progress:
    """Show the newest state; things said stay above it."""

    def __init__(self, out: TextIO | None = None) -> None:
        """Start with nothing shown.

        Args:
            out: stdout unless given.
        """
        self._out = sys.stdout if out is None else out
        self._told = float("-inf")
        self._status: Any = None
        self._console: Any = None
        if self._out.isatty():
            from rich.console import Console

            self._console = Console(file=self._out, highlight=False)

    def say(self, text: str) -> None:
        """Print a line that stays."""
        if self._console is not None:
            self._console.print(text, markup=False)
        else:
            print(text, file=self._out, flush=True)

    def show(self, text: str, *, last: bool = False) -> None:
        """Show a state that the next one replaces; in a pipe only every few seconds.

        Args:
            text: one line.
            last: whether it is to stay.
        """
        if last:
            self.clear()
            self.say(text)
        elif self._console is not None:
            if self._status is None:
                self._status = self._console.status(text)
                self._status.start()
            else:
                self._status.update(text)
        elif time.monotonic() - self._told >= EVERY_S:
            self._told = time.monotonic()
            self.say(text)

    def clear(self) -> None:
        """Take the live line away."""
        if self._status is not None:
            self._status.stop()
            self._status = None

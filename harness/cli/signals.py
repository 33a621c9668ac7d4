"""The order to leave: as an exception, so that everything is put away on the way out, or as a question to be asked."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

from protocols.errors import ManyskiesError


class Terminated(ManyskiesError):
    """SIGTERM came."""

    exit_code = 143


def leave_on_sigterm() -> None:
    """Turn SIGTERM into `Terminated`."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        raise Terminated("stopped: told to leave")

    signal.signal(signal.SIGTERM, on_signal)


def note_sigterm() -> Callable[[], bool]:
    """Return a function that tells whether SIGTERM has come; a second one raises `Terminated` at once."""
    came = False

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            raise Terminated("stopped: told to leave twice")
        came = True

    signal.signal(signal.SIGTERM, on_signal)
    return lambda: came


def stay_with_stdin() -> None:
    """Send SIGTERM to ourselves when standard input ends: whoever started us is gone, or lets us go."""

    def wait() -> None:
        while os.read(0, 1):  # not sys.stdin: its lock would be held when the interpreter ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()

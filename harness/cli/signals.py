"""The order to leave as an exception, so that everything is put away on the way out."""

from __future__ import annotations

import signal
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

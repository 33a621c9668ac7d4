"""Lifeline: a connection that says nothing, whose end tells at once that the server is gone; it notices hanging too.

The wheel itself learns it by time-outs only, and the thread of its traffic manager then ends the whole process with an
abort that no Python can catch.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

PROBE_TIMEOUT_S = 3.0
LOOK_EVERY_S = 1.0


def listens(host: str, port: int) -> bool:
    """Return whether something accepts connections there within three seconds."""
    try:
        with socket.create_connection((host, port), timeout=PROBE_TIMEOUT_S):
            return True
    except OSError:
        return False


def _open(line: socket.socket) -> bool:
    """Wait a second; return whether the other end is still open."""
    try:
        return bool(line.recv(4096))
    except TimeoutError:
        return True


@contextlib.contextmanager
def lifeline(host: str, port: int, gone: Callable[[], None], hangs: Callable[[], bool]) -> Iterator[None]:
    """Watch a server from a thread of its own.

    Args:
        host: of the server.
        port: any that it listens on.
        gone: called once, in that thread, when the server has closed and no longer listens, or hangs.
        hangs: asked every second, in that thread.
    """
    holder: dict[str, socket.socket] = {}
    leaving = threading.Event()

    def watch() -> None:
        while not leaving.is_set():
            try:
                with socket.create_connection((host, port), timeout=PROBE_TIMEOUT_S) as line:
                    line.settimeout(LOOK_EVERY_S)
                    holder["line"] = line
                    while not leaving.is_set() and not hangs() and _open(line):
                        pass
            except OSError:
                pass
            if not leaving.is_set() and (hangs() or not listens(host, port)):
                gone()
                return
            leaving.wait(0.2)  # it only dropped an idle line: take another

    thread = threading.Thread(target=watch, name="lifeline", daemon=True)
    thread.start()
    try:
        yield
    finally:
        leaving.set()
        with contextlib.suppress(KeyError, OSError):
            holder["line"].shutdown(socket.SHUT_RDWR)
        thread.join(2 * PROBE_TIMEOUT_S)

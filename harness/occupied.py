"""A folder that one process works in at a time: the next one waits until it has left, whatever way it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from protocols.errors import InputError

PATIENCE_S = 120.0
POLL_S = 0.1


@contextlib.contextmanager
def occupied(folder: Path, told: Callable[[], bool] = lambda: False, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Have a folder to oneself; the lock is the kernel's, and ends with the process that holds it.

    A killed `compare` leaves children behind that still write their last checkpoint when it is started again.

    Args:
        folder: that exists.
        told: whether to wait no longer.
        patience_s: seconds until whoever works there counts as staying.

    Raises:
        InputError: another process works there, and stays.
    """
    lock = os.open(folder, os.O_RDONLY)
    try:
        deadline = time.monotonic() + patience_s
        while not _locked(lock):
            if told() or time.monotonic() > deadline:
                raise InputError(f"{folder}: expected nobody at work there, found another process; wait, or end it")
            time.sleep(POLL_S)
        yield
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: then without
        return True
    return True

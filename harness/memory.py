"""Resident memory of this process and all it started, read from /proc."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def resident_mb(pid: int | None = None) -> float:
    """Return the resident memory of a process and all its descendants in MB (10^6 bytes).

    Where there is no /proc, the largest that this process ever had is returned instead.

    Args:
        pid: this process unless given.
    """
    if not Path("/proc/self/statm").exists():
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    return sum(_resident(each) for each in family(os.getpid() if pid is None else pid)) / 1e6


def family(pid: int) -> list[int]:
    """Return a process and all its descendants; those that end meanwhile may be missing."""
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        for children in Path(f"/proc/{found[-1]}/task").glob("*/children"):
            try:
                waiting += map(int, children.read_text().split())
            except OSError:
                continue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0

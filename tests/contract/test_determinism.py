"""Equal runs: the same seed, town and calls give the same bytes, in two processes, with one thread and with two."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "one_run.py"
COLUMNS = ("tick", "state", "tags", "ids", "depth", "image")

pytestmark = [pytest.mark.embedded, pytest.mark.source("ours"), pytest.mark.timeout(0)]


def rows(simulator, *options: str) -> list[list[str]]:
    """Return what a run told, a row a tick."""
    command = [sys.executable, str(RUN), simulator.host, str(simulator.port), *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=7200)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return [line.split() for line in ended.stdout.splitlines() if line[:1].isdigit()]


def both(two_simulators, *options: list[str]) -> list[list[list[str]]]:
    """Return what the two told, who are asked at once."""
    with ThreadPoolExecutor(2) as together:
        return list(together.map(lambda each, more: rows(each, *more), two_simulators, options))


def first_difference(one: list[list[str]], other: list[list[str]]) -> str:
    """Return in words where two runs part, or nothing."""
    assert len(one) == len(other) > 0
    for left, right in zip(one, other, strict=True):
        if left != right:
            which = [name for name, a, b in zip(COLUMNS, left, right, strict=True) if a != b]
            return f"tick {left[0]}: {', '.join(which)} differ; all that was sent before is equal"
    return ""


def test_equal_runs_with_one_thread_and_with_two(two_simulators, scale):
    options = ["--ticks", "1000" if scale == "soak" else "50"]
    one, other = both(two_simulators, options, options)
    assert first_difference(one, other) == ""
    assert len({row[1] for row in one}) == len(one), "expected something to move in every tick"
    assert any(before[5] != after[5] for before, after in pairwise(one))


def test_the_wheels_traffic_manager_drives_equally(two_simulators, scale, free_ports):
    """Should it not: what it is sent is what is hashed, so the words name the tick and say its inputs were equal."""
    ticks, cars = ("1000", "20") if scale == "soak" else ("50", "8")
    options = ["--ticks", ticks, "--cars", cars, "--manager"]
    one, other = both(two_simulators, [*options, str(free_ports())], [*options, str(free_ports())])
    assert first_difference(one, other) == ""
    assert len({row[1] for row in one}) == len(one)

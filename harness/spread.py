"""Independent runs spread over workers: each run a child process, as many at a time as there are workers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import NamedTuple

from harness.children import POLL_S, Child, ChildError, Children
from harness.progress import Progress
from protocols.errors import ManyskiesError

LEAVE_S = 120.0
"""How long a run may take to write its checkpoint and leave."""
SHOWN = 44
"""Letters of what a run said last."""


class Task(NamedTuple):
    """A run to be made.

    Attributes:
        name: shown to the user.
        arguments: of `carla-harness`; the command leaves when its standard input ends.
        log: file for what it prints.
    """

    name: str
    arguments: list[str]
    log: Path


class FailedRunsError(ManyskiesError):
    """Some runs ended in an error; the others are done."""


class LeftEarlyError(ManyskiesError):
    """The runs were told to leave, and have written their checkpoints."""

    exit_code = 143


class _Running(NamedTuple):
    child: Child
    task: Task
    worker: Mapping[str, str]


def spread(
    tasks: Sequence[Task], workers: Sequence[Mapping[str, str]], progress: Progress, told: Callable[[], bool]
) -> None:
    """Make all runs, in this order, each by the next worker that is free.

    Args:
        tasks: what to run.
        workers: environment variables that each worker adds to ours.
        progress: where it is shown.
        told: whether to have the runs write their checkpoints and leave.

    Raises:
        FailedRunsError: some runs failed; what they said was shown when they did.
        LeftEarlyError: told to leave.
    """
    waiting, free, running = deque(tasks), list(workers), list[_Running]()
    failed: list[str] = []
    states: dict[str, str] = {}
    with Children(progress.say) as children:
        try:
            while waiting or running:
                if told():
                    raise LeftEarlyError("stopped: told to leave; the same command goes on where it was")
                while waiting and free:
                    task, worker = waiting.popleft(), free.pop(0)
                    child = children.start(task.name, "harness.cli", task.arguments, task.log, environment=worker)
                    running.append(_Running(child, task, worker))
                    states[task.name] = "starting"
                for one in list(running):
                    ended = one.child.process.poll() is not None
                    for line in one.child.new_lines():
                        words = shorten(line.removeprefix(f"{one.task.name}: "), SHOWN, placeholder="")
                        states[one.task.name] = words or states[one.task.name]
                    if ended:
                        running.remove(one)
                        free.append(one.worker)
                        _tell(one, failed, progress)
                done = len(tasks) - len(waiting) - len(running)
                shown = "; ".join(f"{one.task.name}: {states[one.task.name]}" for one in running)
                progress.show(f"{done} of {len(tasks)} runs done; {shown or 'no more'}")
                time.sleep(POLL_S)
        finally:
            progress.clear()
            _let_leave(running, progress)
    if failed:
        raise FailedRunsError(
            f"{len(failed)} of {len(tasks)} runs failed ({'; '.join(failed)}); the same command makes them again"[:400]
        )


def _tell(one: _Running, failed: list[str], progress: Progress) -> None:
    """Say how a run has ended."""
    try:
        one.child.check()
        progress.say(f"{one.task.name}: done")
    except ChildError as error:
        failed.append(one.task.name)
        progress.say(f"failed: {error}")
    one.child.end()


def _let_leave(running: Sequence[_Running], progress: Progress) -> None:
    """Have all that still run write their checkpoints at the same time, and wait for them."""
    if not running:
        return
    progress.say(f"{len(running)} runs write their checkpoints and leave")
    for one in running:
        one.child.let_go()
    deadline = time.monotonic() + LEAVE_S
    while time.monotonic() < deadline and any(one.child.process.poll() is None for one in running):
        time.sleep(POLL_S)

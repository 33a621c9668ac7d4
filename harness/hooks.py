"""Hooks, in mmengine's registry: live progress with its history, a budget of minutes, one checkpoint of weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_world_size
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from harness.alarm import MarginAlarm
from harness.files import written_whole
from harness.memory import resident_mb
from harness.parallel import bare
from harness.progress import Progress
from protocols.errors import InputError

MARGIN_WINDOW = 20
MONITORS = ("cosine_", "spread_", "rank_", "ce_", "part_")
STAGES = ("margin_1", "margin_2", "margin_3", "margin_4")


@HOOKS.register_module()
class LiveProgress(Hook):
    """Show iteration, losses, bundles/s, share of time spent waiting for data, and memory; keep all of it.

    Attributes:
        history: one dict an iteration: all values the model logs, `wait_share`, `bundles`, `seconds`.
        validations: what each validation returned.
        rss_mb_max: largest resident memory of this process and its children.
        progress: where it is shown.
    """

    priority = "LOW"

    def __init__(self, memory_every_s: float = 1.0) -> None:
        """Start with an empty history.

        Args:
            memory_every_s: seconds between two looks at the memory.
        """
        self.history: list[dict[str, float]] = []
        self.validations: list[dict[str, float]] = []
        self.rss_mb_max = 0.0
        self.alarm = MarginAlarm()
        self.progress = Progress()
        self._memory_every_s = memory_every_s
        self._looked = float("-inf")
        self._rss_mb = 0.0
        self._started = 0.0
        self._first_bundles = 0

    def before_train(self, runner: Any) -> None:
        """Start the clock, at what an earlier part of the run has spent."""
        self._started = time.monotonic() - (self.history[-1]["seconds"] if self.history else 0.0)
        self._first_bundles = runner.train_dataloader.dataset.reservoir.seen if not self.history else 0

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint needs: each logged value as a float64 column, NaN where it was not logged."""
        keys = dict.fromkeys(key for entry in self.history for key in entry)
        columns = {
            key: torch.tensor([entry.get(key, float("nan")) for entry in self.history], dtype=torch.float64)
            for key in keys
        }
        return {"history": columns, "alarm": self.alarm.state_dict(), "rss_mb_max": self.rss_mb_max}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict`."""
        columns = {key: column.tolist() for key, column in state["history"].items()}
        rows = zip(*columns.values(), strict=True)
        self.history = [{key: value for key, value in zip(columns, row, strict=True) if value == value} for row in rows]
        self.alarm.load_state_dict(state["alarm"])
        self.rss_mb_max = max(self.rss_mb_max, float(state["rss_mb_max"]))
        self._started = time.monotonic() - (self.history[-1]["seconds"] if self.history else 0.0)

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Note and show the state after an iteration."""
        dataset = runner.train_dataloader.dataset
        seconds = time.monotonic() - self._started
        bundles = dataset.reservoir.seen
        entry = {key: float(value) for key, value in (outputs or {}).items()}
        entry |= {"seconds": seconds, "bundles": bundles, "wait_share": dataset.wait_s / max(seconds, 1e-9)}
        self.history.append(entry)
        self.look_at_memory()
        for text in self.alarm.add(entry):
            self.progress.say(f"warning: {text}: the consistency loss may be collapsing the features; lower its weight")
        self.progress.show(
            f"iteration {runner.iter + 1}/{runner.max_iters}  loss_ce {self.recent('loss_ce'):.3f}  "
            f"loss_consistency {self.recent('loss_consistency'):.4f}  bundles {bundles} "
            f"({(bundles - self._first_bundles) / max(seconds, 1e-9):.2f}/s)  waiting {entry['wait_share']:.0%}  "
            f"memory {self._rss_mb:.0f} MB"
        )

    def after_val_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Show how far the validation is."""
        self.look_at_memory()
        self.progress.show(f"evaluating: bundle {batch_idx + 1}/{len(runner.val_dataloader)}")

    def after_val_epoch(self, runner: Any, metrics: dict[str, float] | None = None) -> None:
        """Keep what the validation returned."""
        self.validations.append(dict(metrics or {}))
        self.progress.clear()

    def after_train(self, runner: Any) -> None:
        """Take the live line away."""
        self.progress.clear()

    def look_at_memory(self) -> None:
        """Note the resident memory, now and then."""
        if time.monotonic() - self._looked >= self._memory_every_s:
            self._looked = time.monotonic()
            self._rss_mb = resident_mb()
            self.rss_mb_max = max(self.rss_mb_max, self._rss_mb)

    def recent(self, key: str, count: int = MARGIN_WINDOW) -> float:
        """Return the mean of a value over the last iterations; 0 where it was never logged."""
        values = [entry[key] for entry in self.history[-count:] if key in entry]
        return float(np.mean(values)) if values else 0.0

    def margins(self) -> dict[str, dict[str, float]]:
        """Return `first`, `lowest` and `last` margin of each stage, as means over 20 iterations (fewer at first)."""
        return {
            name.replace("margin_", "stage_"): summary([entry[name] for entry in self.history if name in entry])
            for name in STAGES
        }

    @property
    def alarms(self) -> list[str]:
        """Return what was wrong with the margin, in words."""
        return self.alarm.rung

    def watched(self) -> dict[str, dict[str, float]]:
        """Return `first`, `lowest` and `last` of each monitor of the features, and of each appearance's loss."""
        keys = dict.fromkeys(key for entry in self.history for key in entry if key.startswith(MONITORS))
        return {key: summary([entry[key] for entry in self.history if key in entry]) for key in keys}


def summary(values: list[float]) -> dict[str, float]:
    """Return `first`, `lowest`, `last` of a noisy series: the mean of its first 5, and running means over 20."""
    if not values:
        return {"first": 0.0, "lowest": 0.0, "last": 0.0}
    window = min(MARGIN_WINDOW, len(values))
    running = np.convolve(values, np.full(window, 1 / window), mode="valid")
    return {"first": float(np.mean(values[:5])), "lowest": float(running.min()), "last": float(running[-1])}


@HOOKS.register_module()
class TimeBudget(Hook):
    """End training after so many minutes, and stretch the schedule so that it ends there too."""

    priority = "NORMAL"

    def __init__(self, minutes: float, settle: int = 10, clock: Callable[[], float] = time.monotonic) -> None:
        """Set the budget.

        Args:
            minutes: of training.
            settle: iterations that are left out of the estimate of the speed.
            clock: seconds that only rise.
        """
        self._clock = clock
        self._seconds = minutes * 60.0
        self._settle = settle
        self._started = 0.0
        self._settled = 0.0

    def before_train(self, runner: Any) -> None:
        """Start the clock.

        Raises:
            InputError: several ranks share the run, whose clocks would disagree.
        """
        if get_world_size() > 1:
            raise InputError("TimeBudget: expected one process, for each has a clock of its own; leave it out")
        self._started = self._clock()

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Estimate where the budget ends, tell the schedule, stop when it is spent."""
        now, done = self._clock(), runner.iter + 1
        if done == self._settle:
            self._settled = now
        if done > self._settle:
            speed = (done - self._settle) / max(now - self._settled, 1e-9)
            total = done + max(0.0, self._started + self._seconds - now) * speed
            for scheduler in runner.param_schedulers:
                scheduler.total = max(total, done + 1)
            runner.train_loop._max_iters = max(done, int(total))  # mmengine has no public way
        if now - self._started >= self._seconds:
            runner.train_loop.stop_training = True


@HOOKS.register_module()
class SaveWeights(Hook):
    """Write the network's weights once, when training has ended; `harness.checkpoint.load_weights` reads them."""

    def __init__(self, file: str = "weights.pth") -> None:
        """Set the place.

        Args:
            file: path; a relative one counts from the work folder.
        """
        self.file = file

    def after_train(self, runner: Any) -> None:
        """Write the file, whole or not at all."""
        with written_whole(Path(runner.work_dir) / self.file) as scratch:
            torch.save(bare(runner.model).state_dict(), scratch)

"""Checkpoints of a whole run: written whole or not at all, and read back so that the run goes on as if never stopped.

A checkpoint holds what cannot be had again: network, optimizer, schedule, monitors, the stream's cursor and the
reservoir's manifest. The pixels of the reservoir are not in it (gigabytes, and no data set is to touch the disk): a
producer makes bundle k again from its index, and each one's digest tells whether it is the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from harness.checkpoint import read_tensors
from harness.files import written_whole
from harness.journal import Journal
from harness.parallel import bare
from protocols.errors import InputError, ManyskiesError

FORMAT = 2
NAME = re.compile(r"checkpoint_(\d+)\.pth")
SECTIONS = ("state_dict", "optimizer", "schedulers", "run", "stream", "monitors")

FREE = (
    *("work_dir", "launcher", "log_level", "visualizer", "default_hooks", "custom_hooks", "custom_imports", "env_cfg"),
    *("val_", "test_", "checkpoints", "resume", "load_from", "_base_"),
    *(
        f"train_dataloader.dataset.{key}"
        for key in (
            "endpoint",
            "resume_from",
            "target.data_root",
            "target.endpoint",
            "slots",
            "patience_s",
            "first_patience_s",
            "shared",
            "keys",
            "record",
        )
    ),
)
"""Beginnings of settings that may change at a resume: they have no part in what is learnt."""


class StoppedError(ManyskiesError):
    """The run was told to leave, and has written its checkpoint."""

    exit_code = 143


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Return a checkpoint; code in it is never run.

    Raises:
        InputError: not there, damaged, or not a checkpoint of a run.
    """
    found = read_tensors(file)
    if not isinstance(found, dict) or not all(isinstance(found.get(key), (dict, list)) for key in SECTIONS):
        raise InputError(f"{file}: expected a checkpoint of a run with {', '.join(SECTIONS)}; got something else")
    if found.get("format") != FORMAT:
        raise InputError(f"{file}: expected format {FORMAT}, got {found.get('format')!r}; it is of another version")
    return found


def settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Return what a run has been set to, by dotted key, without what may change at a resume."""
    flat: dict[str, str] = {}

    def walk(key: str, value: Any) -> None:
        if key.startswith(FREE):
            return
        if isinstance(value, Mapping) and value:
            for name, item in value.items():
                walk(f"{key}.{name}" if key else str(name), item)
        else:
            flat[key] = json.dumps(value, default=str)

    walk("", config)
    return flat


def check_settings(file: Path, then: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse to go on with other settings.

    Raises:
        InputError: with the first ones that differ.
    """
    keys = [key for key in sorted({*then, *now}) if then.get(key) != now.get(key)]
    if keys:
        shown = "; ".join(f"{key}: {then.get(key, 'nothing')} then, {now.get(key, 'nothing')} now" for key in keys[:3])
        raise InputError(
            f"{file}: expected the settings it was made with, got {len(keys)} other: {shown}; "
            "resume with the same config and options, or begin anew in another --work-dir"
        )


@HOOKS.register_module()
class ResumableCheckpoint(Hook):
    """Write checkpoints and the journal, and go on from a checkpoint.

    It runs after all other hooks: at the end of an iteration everything has been noted, at a resume everything is set.

    Attributes:
        told: asked after each iteration and while waiting for bundles: whether to write a checkpoint and leave.
        waiting: called again and again while bundles are waited for.
        say: where a line for the user goes.
        resumes: at which iterations the run was resumed.
    """

    priority = "VERY_LOW"

    def __init__(
        self, interval: int = 1000, keep: int = 2, milestone: int = 4000, resume_from: str | None = None
    ) -> None:
        """Set how often.

        Args:
            interval: iterations between two checkpoints.
            keep: newest ones that stay.
            milestone: those at a multiple of this stay, too.
            resume_from: checkpoint to go on from.
        """
        self.interval = interval
        self.keep = keep
        self.milestone = milestone
        self.resume_from = resume_from
        self.told: Callable[[], bool] = lambda: False
        self.waiting: Callable[[], None] = lambda: None
        self.say: Callable[[str], None] = lambda text: None
        self.resumes: list[int] = []
        self._journal: Journal | None = None
        self._saved = -1
        self._parts = 1
        self._greeted = False
        self._frozen = ""

    @staticmethod
    def folder(runner: Any) -> Path:
        """Return where the checkpoints are: beside the logs."""
        return Path(runner.work_dir).parent / "checkpoints"

    @staticmethod
    def journal_file(runner: Any) -> Path:
        """Return where the journal is."""
        return Path(runner.work_dir).parent / "journal.jsonl"

    def before_train(self, runner: Any) -> None:
        """Go on from the checkpoint, or write the first one."""
        self._frozen = getattr(bare(runner.model), "frozen_digest", "")
        self._parts = _parts(runner)
        self.folder(runner).mkdir(parents=True, exist_ok=True)
        runner.train_dataloader.dataset.stream.watch = lambda: self._while_waiting(runner)
        if self.resume_from is None:
            self._journal = Journal(self.journal_file(runner))
            self._save(runner, 0)
        else:
            file = Path(self.resume_from)
            state = read_checkpoint(file)
            self._journal = Journal(self.journal_file(runner), state["run"]["journal_bytes"])
            self._load(runner, file, state)
        self._leave_if_told(runner)

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Note the iteration in the journal; write a checkpoint when it is time."""
        dataset, done = runner.train_dataloader.dataset, runner.iter + 1
        values = {key: float(value) for key, value in (outputs or {}).items()}
        self._journal.write(runner.iter, dataset.used, values)
        if dataset.resumed and not self._greeted:
            self._greeted = True
            self.say(f"resumed at iteration {self.resumes[-1]}: {dataset.resumed}")
        if done % self.interval < self._parts and self._is_whole(runner, done):
            self._save(runner, done)
        self._leave_if_told(runner, done)

    def after_train(self, runner: Any) -> None:
        """Write the last checkpoint."""
        self._save(runner, runner.iter)
        self._journal.close()

    def _while_waiting(self, runner: Any) -> None:
        self.waiting()
        self._leave_if_told(runner)

    def _leave_if_told(self, runner: Any, done: int | None = None) -> None:
        done = runner.iter if done is None else done
        if self.told() and self._is_whole(runner, done):
            self._save(runner, done)
            self._journal.close()
            raise StoppedError(
                f"stopped after {self._saved} iterations, told to leave; the same command with --resume goes on"
            )

    def _is_whole(self, runner: Any, done: int) -> bool:
        """Return whether the last step is taken: gradients that wait for the rest of theirs are in no checkpoint."""
        return done % self._parts == 0 or done == runner.max_iters

    def _save(self, runner: Any, done: int) -> None:
        """Write the state after `done` iterations; nothing if that was the last thing done."""
        if done == self._saved:
            return
        hooks = {type(hook).__name__: hook.state_dict() for hook in runner.hooks if hasattr(hook, "state_dict")}
        state = {
            "format": FORMAT,
            "state_dict": bare(runner.model).state_dict(),
            "optimizer": runner.optim_wrapper.state_dict(),
            "schedulers": [dict(scheduler.state_dict()) for scheduler in runner.param_schedulers],
            "run": {
                "iteration": done,
                "settings": settings(runner.cfg.to_dict()),
                "journal_bytes": self._journal.settle(),
                "resumes": self.resumes,
                "frozen_encoder": self._frozen,
            },
            "stream": runner.train_dataloader.dataset.state_dict(),
            "monitors": hooks,
        }
        file = self.folder(runner) / f"checkpoint_{done:07d}.pth"
        try:
            with written_whole(file) as scratch:
                torch.save(state, scratch)
        except (OSError, RuntimeError) as error:  # a full disk ends no run: the checkpoint before it stays
            self.say(f"warning: {file} was not written, the one before stays: {str(error)[:120]}")
            return
        self._saved = done
        self._remove_old(file)

    def _remove_old(self, newest: Path) -> None:
        numbers = sorted(int(match[1]) for path in newest.parent.iterdir() if (match := NAME.fullmatch(path.name)))
        for number in numbers[: -self.keep]:
            if number == 0 or number % self.milestone >= self._parts:
                (newest.parent / f"checkpoint_{number:07d}.pth").unlink(missing_ok=True)

    def _load(self, runner: Any, file: Path, state: dict[str, Any]) -> None:
        check_settings(file, state["run"]["settings"], settings(runner.cfg.to_dict()))
        self._saved = restore(runner, file, state)
        self.resumes = [*state["run"]["resumes"], self._saved]


@HOOKS.register_module()
class FollowCheckpoint(Hook):
    """Go on from the checkpoint that rank 0 goes on from, on the other ranks, which write nothing."""

    priority = "VERY_LOW"

    def __init__(self, resume_from: str | None = None) -> None:
        """Set the checkpoint.

        Args:
            resume_from: checkpoint to go on from; None for a new run.
        """
        self.resume_from = resume_from

    def before_train(self, runner: Any) -> None:
        """Go on from it, if there is one."""
        if self.resume_from is not None:
            file = Path(self.resume_from)
            restore(runner, file, read_checkpoint(file))


def restore(runner: Any, file: Path, state: Mapping[str, Any]) -> int:
    """Put back what was trained, and return after how many iterations it goes on.

    Args:
        runner: of the same config.
        file: the checkpoint, for messages.
        state: what it holds.

    Raises:
        InputError: it is of another network.
    """
    try:
        bare(runner.model).load_state_dict(state["state_dict"], strict=True)
        runner.optim_wrapper.load_state_dict(state["optimizer"])
        for scheduler, old in zip(runner.param_schedulers, state["schedulers"], strict=True):
            scheduler.load_state_dict(old)
    except (RuntimeError, ValueError, KeyError) as error:
        raise InputError(f"{file}: expected a checkpoint of this network, got: {str(error)[:200]}") from None
    for hook in runner.hooks:
        if hasattr(hook, "load_state_dict") and type(hook).__name__ in state["monitors"]:
            hook.load_state_dict(state["monitors"][type(hook).__name__])
    then, now = state["run"]["frozen_encoder"], getattr(bare(runner.model), "frozen_digest", "")
    if then != now:
        raise InputError(
            f"{file}: expected the ImageNet weights that it began with ({then[:12] or 'none'}), for the feature "
            f"distance, got others ({now[:12] or 'none'}); name the same file in model.backbone.weights"
        )
    done = int(state["run"]["iteration"])
    runner.train_loop._iter = done  # mmengine has no public way
    runner.train_loop.fast_forward_on_resume = True  # the stream's cursor is in the checkpoint: nothing to skip
    runner.optim_wrapper.initialize_count_status(runner.model, done, runner.max_iters)
    return done


def _parts(runner: Any) -> int:
    """Return over how many iterations the gradients of a step are summed; mmengine has no public way."""
    return int(getattr(runner.optim_wrapper, "_accumulative_counts", 1))

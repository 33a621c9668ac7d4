"""Training: build mmengine's Runner from a config by name or path, quietly, and run it."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.endpoint import on_disk
from harness.ranks import ALONE, Ranks
from protocols.errors import InputError

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.runner import Runner

    from harness.hooks import LiveProgress
    from harness.resume import ResumableCheckpoint


def find_config(name: str) -> Path:
    """Return the path of a config: a file, or one that ships, by its bare name.

    Raises:
        InputError: neither.
    """
    if name.endswith(".py") or "/" in name:
        if Path(name).is_file():
            return Path(name)
        raise InputError(f"config {name}: expected a file, found none")
    folder = Path(str(files("harness") / "configs"))
    if (folder / f"{name}.py").is_file():
        return folder / f"{name}.py"
    shipped = ", ".join(sorted(path.stem for path in folder.glob("[!_]*.py")))
    raise InputError(f"config {name}: expected a file or one of {shipped}")


CACHE_VARIABLES = ("MPLCONFIGDIR", "XDG_CACHE_HOME")
"""Where libraries (matplotlib's fonts, yapf's grammar) look for the place of their caches."""


@contextlib.contextmanager
def quiet_libraries(work_dir: Path, rank: int = 0) -> Iterator[None]:
    """Keep libraries from warning on the terminal, and their caches inside `work_dir`, removed at the end."""
    cache = (work_dir / (f".cache_{rank}" if rank else ".cache")).resolve()
    before = {name: os.environ.get(name) for name in CACHE_VARIABLES}
    cache.mkdir(parents=True, exist_ok=True)
    os.environ |= dict.fromkeys(CACHE_VARIABLES, str(cache))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        shutil.rmtree(cache, ignore_errors=True)


def load_config(name: str, options: dict[str, Any], work_dir: Path) -> Config:
    """Read a config and apply what the command line says.

    Args:
        name: file, or bare name.
        options: dotted keys and their values.
        work_dir: for logs and results.

    Raises:
        InputError: not found, or not a config; with the first line of what mmengine says.
    """
    path = find_config(name)
    with silence():
        try:
            from mmengine.config import Config

            config = Config.fromfile(str(path))
            config.merge_from_dict(options)
            # laying its text out with yapf takes a second, and mmengine does it four times a run
            config = Config(config.to_dict(), filename=str(path), format_python_code=False)
        except Exception as error:  # a config is code: whatever it raises is the user's
            first = (str(error) or type(error).__name__).splitlines()[0]
            raise InputError(f"config {path}: {type(error).__name__}: {first[:200]}") from None
    config.work_dir = str(work_dir)
    return config


def parse_options(options: Sequence[str]) -> dict[str, Any]:
    """Return the values of KEY=VALUE options, read as mmengine reads them.

    Raises:
        InputError: one has another form.
    """
    from mmengine.config import DictAction

    for option in options:
        if "=" not in option or option.startswith("="):
            raise InputError(f"--cfg-options {option}: expected KEY=VALUE, such as optim_wrapper.optimizer.lr=1e-4")
    parser = argparse.ArgumentParser()
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, default={})
    found: dict[str, Any] = parser.parse_args(["--cfg-options", *options] if options else []).cfg_options
    return found


def set_seed(config: Config, seed: int) -> None:
    """Put one seed everywhere that a config has one."""
    config.seed = seed
    config.merge_from_dict({"randomness": {"seed": seed}, "train_dataloader.dataset.seed": seed})


def set_iterations(config: Config, iterations: int) -> None:
    """Put the number of iterations where a config has it: the loop and the schedule."""
    config.max_iters = iterations
    config.train_cfg.max_iters = iterations
    for scheduler in config.param_scheduler:
        scheduler.total = iterations
        scheduler.warmup = min(scheduler.get("warmup", 0), max(1, iterations // 5))


def build_runner(config: Config) -> Runner:
    """Build the Runner and its loops: the addresses of the streams are bound and known afterwards.

    Raises:
        InputError: the config names something that does not exist, weights that are more than weights, or an address
            cannot be bound.
    """
    if config.get("resume"):
        raise InputError("config: expected no `resume`; go on with `carla-harness train CONFIG --resume`")
    with silence():
        from mmengine.runner import Runner

        from harness.checkpoint import read_tensors

        if config.get("load_from"):
            read_tensors(config.load_from)  # mmengine would run code in it
        try:
            runner = Runner.from_cfg(config)
            for handler in list(runner.logger.handlers):
                if type(handler) is logging.StreamHandler:
                    runner.logger.removeHandler(handler)
            runner.train_loop  # noqa: B018  # mmengine builds a loop when it is first looked at
            if runner.val_loop is not None and runner.val_evaluator is not None:
                runner.val_evaluator.dataset_meta = runner.val_dataloader.dataset.metainfo
        except (KeyError, TypeError, AttributeError) as error:
            first = str(error).strip("'\"").splitlines()[0]
            raise InputError(f"config: {type(error).__name__}: {first[:300]}") from None
    return runner


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Swallow what libraries print while they are imported and built; their log file has it."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _keeper(runner: Runner) -> ResumableCheckpoint:
    from harness.resume import ResumableCheckpoint

    return next(hook for hook in runner.hooks if isinstance(hook, ResumableCheckpoint))


def live_progress(runner: Runner) -> LiveProgress:
    """Return the hook that has the history.

    Raises:
        InputError: the config does not list it.
    """
    from harness.hooks import LiveProgress

    for hook in runner.hooks:
        if isinstance(hook, LiveProgress):
            return hook
    raise InputError("config: expected custom_hooks to list LiveProgress; see daformer_dg_cosine_small")


def _checkpoint(work_dir: Path, resume: bool) -> str | None:
    """Return the checkpoint to go on from; None for a new run, which never writes over an old one.

    Raises:
        InputError: none to go on from, or one in the way.
    """
    folder = work_dir.resolve() / "checkpoints"
    numbers = [path.name for path in folder.glob("checkpoint_*.pth")]
    if resume and not numbers:
        raise InputError(f"--resume: expected a checkpoint in {folder}, found none; begin without --resume")
    if not resume and numbers:
        raise InputError(
            f"{folder}: a run stands here already; go on with it by --resume, or choose another --work-dir"
        )
    return str(folder / max(numbers)) if resume else None


def _endpoint(config: Config) -> str:
    """Return where on disk a config has its bundles.

    Raises:
        InputError: it has an address, which changes from run to run.
    """
    endpoint = str(config.train_dataloader.dataset.endpoint)
    if on_disk(endpoint):
        return endpoint
    raise InputError(f"the following arguments are required: --from (the config itself says {endpoint!r}, no folder)")


def train(
    name: str,
    *,
    endpoint: str | None,
    work_dir: Path,
    seed: int | None,
    iterations: int | None,
    options: Sequence[str],
    resume: bool = False,
    keys: Path | None = None,
    record: Path | None = None,
    told: Callable[[], bool] = lambda: False,
    ranks: Ranks = ALONE,
) -> None:
    """Train on what comes to an address, without a test set; write weights, curves, a report, a journal and logs.

    Where several ranks share a run, all of them call this, and rank 0 alone listens, shows and writes.

    Args:
        name: of the config.
        endpoint: address to bind, or where on disk the bundles are; None = where the config says.
        work_dir: for the results.
        seed: instead of the config's.
        iterations: instead of the config's.
        options: KEY=VALUE changes of the config.
        resume: whether to go on from the newest checkpoint in `work_dir`.
        keys: folder of the trainer's keys, for addresses that other machines reach.
        record: file that every bundle is appended to as it came.
        told: whether to write a checkpoint and leave; asked again and again.
        ranks: the processes that share this run, and which of them this is.

    Raises:
        ManyskiesError: anything a user can meet.
    """
    from harness import report
    from harness.progress import Progress

    checkpoint = _checkpoint(work_dir, resume)
    ranks.wait()  # until all have looked: rank 0 is going to write there

    with contextlib.ExitStack() as stack:
        stack.enter_context(quiet_libraries(work_dir, ranks.rank))
        config = load_config(name, parse_options(options), work_dir / "logs")
        endpoint = _endpoint(config) if endpoint is None else endpoint
        config.train_dataloader.dataset.endpoint = endpoint
        for key in ("val_dataloader", "val_cfg", "val_evaluator"):
            config[key] = None
        if seed is not None:
            set_seed(config, seed)
        if iterations is not None:
            set_iterations(config, iterations)
        config.train_dataloader.dataset.resume_from = checkpoint
        if keys is not None:
            config.train_dataloader.dataset.keys = str(keys)
        if record is not None:
            config.train_dataloader.dataset.record = str(record)
        config.custom_hooks += [
            {"type": "SaveWeights", "file": str(work_dir.resolve() / "weights.pth")},
            {"type": "ResumableCheckpoint", **config.get("checkpoints", {}), "resume_from": checkpoint},
        ]
        if ranks.several:
            from harness.parallel import share_out

            share_out(config, ranks)
        runner = build_runner(config)
        dataset = runner.train_dataloader.dataset
        if not ranks.leads:
            dataset.ranks = ranks
            runner.train()
            return
        live = live_progress(runner)
        live.progress = Progress()  # the hook was built in silence
        keeper = _keeper(runner)
        keeper.told, keeper.say = told, live.progress.say
        stack.callback(live.progress.clear)
        stack.callback(dataset.stream.close)
        if ranks.several:
            from harness.dealing import Dealer

            dealer = Dealer(ranks)
            dataset.ranks, dataset.deal = ranks.world, dealer
            keeper.waiting = dealer.still_here
        dataset.stream.warn = live.progress.say
        doing = "reading" if on_disk(endpoint) else "listening at"
        live.progress.say(f"{doing} {dataset.stream.endpoint}")
        runner.train()
        stats = dataset.stream.stats()
        seconds = live.history[-1]["seconds"]
        values = {
            "iterations": len(live.history),
            "bundles": dataset.reservoir.seen,
            "loss_ce": live.recent("loss_ce"),
            "loss_consistency": live.recent("loss_consistency"),
            "margin_in_training": live.margins(),
            "alarms": live.alarms,
            "monitors": live.watched(),
            "bundles_per_s": dataset.reservoir.seen / seconds,
            "wait_share": dataset.wait_s / seconds,
            "rss_mb_max": live.rss_mb_max,
            "stream": {"duplicates": stats.duplicates, "faults": stats.faults},
            "reservoir_bytes": dataset.reservoir.nbytes,
            "sampling": dataset.reservoir.sampling(),
            "resumes": keeper.resumes,
            "ranks": ranks.world,
            "versions": report.versions(),
            "seed": config.seed,
            "command": report.command(),
        }
        report.write_json(work_dir / "report.json", values)
        report.draw_curves(work_dir / "curves.png", live.history, [])
    live.progress.say(f"see {work_dir}/weights.pth, {work_dir}/curves.png, {work_dir}/report.json")

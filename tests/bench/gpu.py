"""A training step of MiT-B5 at full size on a GPU: speed, memory, precision, arms, self-training, and where time goes.

Run it where a GPU is: `python tests/bench/gpu.py --out out/gpu`. No weights are needed; they do not change the speed.
It leaves the drawing of data out: the share of time spent waiting for that is what `carla-harness train` reports.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
import warnings
from pathlib import Path
from typing import Any

import steps
import torch
from mmengine.config import Config

from harness.training import find_config

DG = ("cosine", "l2", "mmd", "js", "contrast")
UDA = ("cosine", "l2", "mmd", "contrast")
USES = 16
"""How often a bundle may be used, for what a step wants of the simulators."""


def main() -> None:
    """Measure, print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/gpu"))
    parser.add_argument("--variant", default="B5")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--compile", action="store_true", help="also measure encoder and head compiled (inductor)")
    parser.add_argument("--only", choices=("dg", "uda", "kernels"), help="leave out the rest")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    steps.prepare()
    found: dict[str, Any] = {"machine": machine(arguments.device)}
    print(f"{found['machine']}: MiT-{arguments.variant}, crops of {arguments.size}x{arguments.size}, 2 bundles x 2")
    if arguments.only in (None, "dg"):
        found["dg"] = compared(arguments, "dg", DG)
    if arguments.only in (None, "uda"):
        print("self-training: and 2 target images")
        found["uda"] = compared(arguments, "uda", UDA)
        if "bfloat16" in found["uda"] and "bfloat16" in found.get("dg", {}):
            ratio = found["dg"]["bfloat16"]["it_per_s"] / found["uda"]["bfloat16"]["it_per_s"]
            print(f"self-training's step over one without, bfloat16: {ratio:.2f}")
    if arguments.only in (None, "kernels"):
        found["kernels"] = profiled(arguments)
        print(found["kernels"])
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "gpu.json").write_text(json.dumps(found, indent=2))


def machine(device: str) -> str:
    """Return the name of what computes, and torch's version."""
    name = torch.cuda.get_device_name() if device.startswith("cuda") else f"CPU, {torch.get_num_threads()} threads"
    return f"{name}, torch {torch.__version__}"


def compared(arguments: argparse.Namespace, kind: str, arms: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Measure a kind's baseline in each precision, then its arms in bfloat16, and say it as it comes."""
    base = f"{kind}_baseline"
    variants: dict[str, tuple[str, dict[str, Any]]] = {
        "float32": (base, {"dtype": "float32"}),
        "bfloat16": (base, {}),
        "bfloat16, channels last": (base, {"channels_last": True}),
    }
    if arguments.compile:
        variants["bfloat16, compiled"] = (base, {"compiled": "inductor"})
    variants |= {f"bfloat16, {arm}": (f"{kind}_{arm}", {}) for arm in arms}
    found: dict[str, dict[str, float]] = {}
    for name, (config, settings) in variants.items():
        try:
            found[name] = measure(arguments, config, **settings)
        except (
            RuntimeError
        ) as error:  # too little memory, or nothing to compile with: the rest is measured all the same
            print(f"  {kind} {name:26}failed: {str(error).splitlines()[0][:160]}", flush=True)
            continue
        print(f"  {kind} {name:26}{in_words(found[name])}", flush=True)
    if "bfloat16" in found:
        base = found["bfloat16"]["it_per_s"]
        steps_over = (f"{name.removeprefix('bfloat16, ')} {base / one['it_per_s']:.3f}" for name, one in found.items())
        print(f"  step over bfloat16's: {', '.join(steps_over)}")
    return found


def in_words(one: dict[str, float]) -> str:
    """Return what was measured of a config."""
    memory = f"{one['memory_gib']:6.2f} GiB  " if "memory_gib" in one else ""
    return f"{one['it_per_s']:7.3f} it/s  {memory}wants {one['wanted_per_s']:.3f} bundles/s at {USES} uses each"


def config_of(
    arguments: argparse.Namespace,
    name: str,
    *,
    dtype: str = "bfloat16",
    channels_last: bool = False,
    compiled: str | None = None,
) -> Config:
    """Return a full config, with the network and size that the arguments say."""
    config = Config.fromfile(str(find_config(f"daformer_{name}")))
    config.model.backbone.variant = arguments.variant
    if arguments.variant == "B0":
        config.model.decode_head.in_channels = [32, 64, 160, 256]
    config.model.data_preprocessor.size = (arguments.size, arguments.size)
    config.model.data_preprocessor.channels_last = channels_last
    config.model.compiled = compiled
    config.optim_wrapper.dtype = dtype
    config.optim_wrapper.device = torch.device(arguments.device).type  # on a CPU, too, where it is but a try
    return config


def measure(arguments: argparse.Namespace, name: str, **settings: Any) -> dict[str, float]:
    """Return iterations a second, bundles a second that this wants, and the most memory in GiB."""
    gc.collect()
    cuda = arguments.device.startswith("cuda")
    if cuda:
        torch.cuda.empty_cache()
    config = config_of(arguments, name, **settings)
    step = steps.step_of(config, arguments.device)
    for number in range(1, 4):
        step(number)
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    for number in range(arguments.steps):
        step(number)
    if cuda:
        torch.cuda.synchronize()
    speed = arguments.steps / (time.perf_counter() - began)
    found = {"it_per_s": speed, "wanted_per_s": config.train_dataloader.batch_size * speed / USES}
    if cuda:
        found["memory_gib"] = torch.cuda.max_memory_allocated() / 2**30
    return {key: round(value, 3) for key, value in found.items()}


def profiled(arguments: argparse.Namespace) -> str:
    """Return the table of a cosine step's kernels, the longest first."""
    step = steps.step_of(config_of(arguments, "dg_cosine"), arguments.device)
    step(1)
    step(2)
    with torch.profiler.profile() as profile:
        step(3)
    key = "self_cuda_time_total" if arguments.device.startswith("cuda") else "self_cpu_time_total"
    return str(profile.key_averages().table(sort_by=key, row_limit=25, max_name_column_width=60))


if __name__ == "__main__":
    main()

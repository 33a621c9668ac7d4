"""A whole training step of a config, on noise: all that an iteration does but draw its data; on a CPU or a GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmengine.logging import MessageHub, MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import register_all_modules

import harness.modules  # noqa: F401  # registers what configs name
from harness.chance import reseed
from harness.transforms import REFERENCE, TARGET

Step = Callable[[int], None]
BLOCK = 16
"""Side in pixels of the pieces of one class, as streets have surfaces."""


def prepare() -> None:
    """Do what mmengine's Runner does before it builds anything, quietly."""
    register_all_modules(init_default_scope=True)
    MMLogger.get_current_instance().setLevel("ERROR")  # it names every parameter that it initialises, or leaves out


def step_of(config: Any, device: str = "cpu") -> Step:
    """Return a function of an iteration's number: upload, forward, losses, monitors, backward, optimizer, teacher.

    The rate is 0, so that no round has other weights than the next; the work is the same.

    Args:
        config: of an arm.
        device: to compute on.
    """
    torch.manual_seed(0)
    model: Any = MODELS.build(config.model)
    model.backbone.pretrained = True  # for the feature distance: random weights take the same time
    model.init_weights()
    model = model.to(device).train()
    config.optim_wrapper.optimizer.lr = 0.0
    optimizer = build_optim_wrapper(model, config.optim_wrapper)
    images, labels, views = _drawn(config)
    hub = MessageHub.get_current_instance()

    def step(number: int) -> None:
        reseed(0, number)  # what is drawn in a step is drawn alike by all arms
        hub.update_info("iter", number)  # some monitors look at every tenth iteration only
        if hasattr(model, "teacher"):
            model.teacher.follow(model.backbone, model.decode_head, 0.99)
        model.train_step({"inputs": images, "data_samples": _samples(images, labels, views)}, optimizer)

    return step


def _drawn(config: Any) -> tuple[list[torch.Tensor], list[torch.Tensor], list[int]]:
    """Return a batch of the config's size: its images, the label of each bundle, and what each of a bundle's images is.

    A bundle's are its appearances, the clear one if there is a feature distance, and a target image in self-training.
    """
    dataset = config.train_dataloader.dataset
    draw = next(step for step in dataset.pipeline if step["type"] == "DrawAppearances")
    views = list(range(draw.get("count", 2)))
    views += [REFERENCE] * ("reference" in draw) + [TARGET] * ("target" in dataset)
    height, width = config.model.data_preprocessor.size
    bundles = config.train_dataloader.batch_size
    blocks = torch.randint(0, 16, (bundles, height // BLOCK, width // BLOCK))
    labels = blocks.repeat_interleave(BLOCK, 1).repeat_interleave(BLOCK, 2)
    images = torch.randint(0, 256, (bundles * len(views), 3, height, width), dtype=torch.uint8)
    return list(images), [label[None] for label in labels], views


def _samples(images: Sequence[torch.Tensor], labels: Sequence[torch.Tensor], views: Sequence[int]) -> list[Any]:
    """Return what goes with the images; new ones, for a step moves them to where it computes."""
    samples = []
    for place, image in enumerate(images):
        view = views[place % len(views)]
        name = "target" if view == TARGET else ("noon", "night")[view] if view >= 0 else "noon"
        sample = SegDataSample(metainfo={"view": view, "appearance": name, "img_shape": tuple(image.shape[1:])})
        if view != TARGET:
            sample.gt_sem_seg = PixelData(data=labels[place // len(views)])
        samples.append(sample)
    return samples

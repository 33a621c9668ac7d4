"""Evaluation: a trained network on labelled images, whole images, no augmentation, one confusion matrix a group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.checkpoint import load_weights
from harness.photographs import Example
from harness.scores import CLASSES, CONVENTIONS, NAMES_19, confusion, scores
from protocols.bundle import Bundle
from protocols.errors import InputError
from protocols.labels import LEFT_OUT, TRAIN_IDS_16, tag_to_train_id

if TYPE_CHECKING:
    from mmengine.config import Config


def build_network(config: Config, checkpoint: Path) -> Any:
    """Return the segmentor of a config with the weights of a file, ready to predict.

    Args:
        config: of the trainer.
        checkpoint: weights, or a checkpoint of a run.

    Raises:
        InputError: the file is no weights, or those of another network.
    """
    from mmengine.registry import init_default_scope
    from mmseg.registry import MODELS

    init_default_scope(config.get("default_scope", "mmseg"))
    weights = load_weights(checkpoint)
    model = MODELS.build(config.model)
    try:
        model.load_state_dict(weights, strict=True)
    except RuntimeError as error:
        first = " ".join(str(error).split())
        raise InputError(f"{checkpoint}: expected weights of the config's network, got: {first[:200]}") from None
    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()


class Predictor:
    """Answer images with train ids, as DAFormer is evaluated: resized, whole, logits brought to the label's size."""

    def __init__(self, model: Any, size: tuple[int, int] | None = None) -> None:
        """Set the network.

        Args:
            model: segmentor with 16 or 19 classes.
            size: width, height that images are brought to first; None = as they are.

        Raises:
            InputError: another number of classes.
        """
        count = int(model.decode_head.num_classes)
        if count not in (len(TRAIN_IDS_16), CLASSES):
            raise InputError(f"config: expected a network of 16 or 19 classes, got {count}")
        self._model = model
        self._size = size
        self._ids = np.array(TRAIN_IDS_16 if count == len(TRAIN_IDS_16) else range(CLASSES), np.uint8)

    @torch.no_grad()
    def __call__(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the answers, and the answers where terrain, bus and train may not be said: `(H, W)` train ids each.

        Args:
            image: `(H, W, 3)` uint8 RGB.
        """
        logits = self.logits(image)
        free = self._ids[logits.argmax(dim=1)[0].cpu().numpy()]
        if len(self._ids) < CLASSES:
            return free, free
        logits[:, list(LEFT_OUT)] = float("-inf")
        return free, self._ids[logits.argmax(dim=1)[0].cpu().numpy()]

    def logits(self, image: NDArray[np.uint8]) -> Tensor:
        """Return `(1, C, H, W)` logits at the image's own size.

        Args:
            image: `(H, W, 3)` uint8 RGB.
        """
        import cv2

        height, width = image.shape[:2]
        seen = image if self._size in (None, (width, height)) else cv2.resize(image, self._size)
        inputs = torch.from_numpy(np.ascontiguousarray(seen.transpose(2, 0, 1)))
        batch = self._model.data_preprocessor({"inputs": [inputs]}, False)["inputs"]
        shape = tuple(batch.shape[2:])
        metas = [{"img_shape": shape, "ori_shape": shape, "pad_shape": shape}]
        logits: Tensor = self._model.encode_decode(batch, metas).float()
        return torch.nn.functional.interpolate(logits, (height, width), mode="bilinear", align_corners=False)


def examples(bundles: Iterable[Bundle]) -> Iterator[Example]:
    """Yield each image of each bundle, with its appearance as the group."""
    table = tag_to_train_id()
    for bundle in bundles:
        labels = table[bundle.mask]
        for name, image in zip(bundle.header.appearances, bundle.images, strict=True):
            yield Example(name, bundle.header.identity, image, labels)


def evaluate(
    predictor: Predictor, data: Iterable[Example], progress: Callable[[int], None] = lambda count: None
) -> dict[str, dict[str, Any]]:
    """Return the scores of `all` and of each group, each with the number of its `images`.

    Args:
        predictor: the network.
        data: what to score it on.
        progress: called with the number of images done.

    Raises:
        InputError: there was nothing to score.
    """
    counts: dict[str, tuple[int, NDArray[np.int64], NDArray[np.int64]]] = {}
    for done, example in enumerate(data, start=1):
        free, masked = predictor(example.image)
        first = confusion(example.labels, free)
        second = first if masked is free else confusion(example.labels, masked)
        for group in dict.fromkeys(["all", *([example.group] if example.group else [])]):
            number, one, two = counts.get(group, (0, 0, 0))
            counts[group] = (number + 1, one + first, two + second)
        progress(done)
    if not counts:
        raise InputError("evaluate: expected at least one image, got none")
    return {group: {"images": number, **scores(one, two)} for group, (number, one, two) in counts.items()}


def table(groups: dict[str, dict[str, Any]]) -> list[str]:
    """Return the scores as lines for the terminal: the means of each group, then the classes of all."""
    widest = max(len(name) for name in groups)
    lines = [f"{'':<{widest}}  images" + "".join(f"{name:>26}" for name in CONVENTIONS)]
    for name, group in groups.items():
        cells = [_means(group[convention]) for convention in CONVENTIONS]
        lines.append(f"{name:<{widest}}  {group['images']:>6}" + "".join(f"{cell:>26}" for cell in cells))
    lines.append("mIoU / mAcc in percent (over how many classes; those in no label have no score)")
    lines.append(f"IoU over all images: {'':<7}" + "".join(f"{name:>16}" for name in CONVENTIONS))
    for name in NAMES_19:
        cells = [_percent(groups["all"][convention]["IoU"].get(name)) for convention in CONVENTIONS]
        lines.append(f"  {name:<26}" + "".join(f"{cell:>16}" for cell in cells))
    return lines


def _means(found: dict[str, Any]) -> str:
    return f"{_percent(found['mIoU'])} / {_percent(found['mAcc'])} ({found['classes']} of {found['of']})"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"

"""Transforms of bundles, in mmseg's registry: whatever moves pixels moves all appearances and the mask alike.

Each takes and returns a dict: `images (A, H, W, 3)` uint8, `mask (H, W)` uint8 tags, `appearances` A names, `identity`,
`wanted` (class 0..15 or -1), `chance` (a numpy Generator, the only source of chance). mmseg's own transforms draw from
numpy's global state and know one image only.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.structures import PixelData
from mmseg.registry import TRANSFORMS
from mmseg.structures import SegDataSample
from numpy.typing import NDArray

from protocols.errors import InputError
from protocols.labels import IGNORED, tag_to_class16

Results = dict[str, Any]

PAIRS = ("uniform", "anchor", "same")
REFERENCE = -1
"""Number of a view that only the frozen encoder sees."""
TARGET = -2
"""Number of a view that has no label: an image of the target domain."""


@TRANSFORMS.register_module()
class DrawAppearances(BaseTransform):
    """Draw which appearances of the bundle are trained on."""

    def __init__(
        self, count: int = 2, pairs: str = "uniform", anchor: str = "noon", reference: str | None = None
    ) -> None:
        """Set how many, and how they are chosen.

        Args:
            count: 2 for pairs; more than the bundle has means all.
            pairs: "uniform" draws without repetition; "anchor" draws likewise, but the appearance `anchor` is always
                one of them; "same" draws one and repeats it, so that two distortions of one image make the pair.
            anchor: name of an appearance.
            reference: name of an appearance that is added, undistorted, for the frozen encoder of the feature distance
                alone; None for none.

        Raises:
            InputError: an unknown choice.
        """
        if pairs not in PAIRS:
            raise InputError(f"pairs: expected one of {', '.join(PAIRS)}, got {pairs!r}")
        self.count = count
        self.pairs = pairs
        self.anchor = anchor
        self.reference = reference

    def transform(self, results: Results) -> Results:
        """Keep `count` of the A appearances, in the order drawn; with a reference `images` has one more at its end.

        Raises:
            InputError: the bundle has no appearance of that name.
        """
        names = results["appearances"]
        order = results["chance"].permutation(len(names))
        if self.pairs == "anchor":
            order = np.concatenate([[self._place(self.anchor, results)], order])
            order = order[[0, *(1 + np.flatnonzero(order[1:] != order[0]))]]
        chosen = list(order[: self.count]) if self.pairs != "same" else [order[0]] * self.count
        results["appearances"] = tuple(names[index] for index in chosen)
        if self.reference is not None:
            chosen.append(self._place(self.reference, {**results, "appearances": names}))
            results["references"] = 1
        results["images"] = results["images"][chosen]
        return results

    @staticmethod
    def _place(name: str, results: Results) -> int:
        names = tuple(results["appearances"])
        if name not in names:
            raise InputError(f"bundle {results['identity']}: expected an appearance {name!r}, got {', '.join(names)}")
        return names.index(name)


@TRANSFORMS.register_module()
class TagsToClasses(BaseTransform):
    """Turn the mask of tags into `label (H, W)` uint8: class 0..15, else 255."""

    def __init__(self) -> None:
        self.table = tag_to_class16()

    def transform(self, results: Results) -> Results:
        """Add `label`."""
        results["label"] = self.table[results["mask"]]
        return results


@TRANSFORMS.register_module()
class CropAll(BaseTransform):
    """Cut the same window out of all appearances and the label.

    As in DAFormer: while one class has too much of a window another one is drawn, up to `tries` times; and while the
    wanted class has too little of what came of that, all of it is done again, up to `wanted_tries` times. The last
    window is kept as it is.
    """

    def __init__(
        self,
        size: tuple[int, int],
        max_share: float = 0.75,
        min_wanted: float = 0.00572,
        tries: int = 10,
        wanted_tries: int = 10,
    ) -> None:
        """Set the window.

        Args:
            size: height, width in pixels.
            max_share: of the labelled pixels, one class must have less than this.
            min_wanted: of the window, the wanted class must have more than this.
            tries: windows refused for `max_share` at most.
            wanted_tries: windows refused for `min_wanted` at most.
        """
        self.size = size
        self.max_share = max_share
        self.min_wanted = min_wanted
        self.tries = tries
        self.wanted_tries = wanted_tries

    def transform(self, results: Results) -> Results:
        """Cut `images` to `(A, h, w, 3)` and `label` to `(h, w)`; `window` becomes its top and left."""
        label, dice, wanted = results["label"], results["chance"], results["wanted"]
        window = self._mixed(label, dice)
        for _ in range(self.wanted_tries if wanted >= 0 else 0):
            if np.count_nonzero(label[window] == wanted) > self.min_wanted * label[window].size:
                break
            window = self._mixed(label, dice)
        results["images"] = results["images"][:, *window]
        results["label"] = label[window]
        results["window"] = (window[0].start, window[1].start)
        return results

    def _mixed(self, label: NDArray[np.uint8], dice: np.random.Generator) -> tuple[slice, slice]:
        """Return a window in which no class has too much, if one is found."""
        window = self._any(label, dice)
        for _ in range(self.tries):
            labelled = np.bincount(label[window].ravel(), minlength=256)[:IGNORED]
            if np.count_nonzero(labelled) > 1 and labelled.max() < self.max_share * labelled.sum():
                break
            window = self._any(label, dice)
        return window

    def _any(self, label: NDArray[np.uint8], dice: np.random.Generator) -> tuple[slice, slice]:
        height, width = (min(self.size[0], label.shape[0]), min(self.size[1], label.shape[1]))
        top = int(dice.integers(label.shape[0] - height + 1))
        left = int(dice.integers(label.shape[1] - width + 1))
        return slice(top, top + height), slice(left, left + width)


@TRANSFORMS.register_module()
class FlipAll(BaseTransform):
    """Mirror all appearances and the label left to right, or none of them."""

    def __init__(self, probability: float = 0.5) -> None:
        self.probability = probability

    def transform(self, results: Results) -> Results:
        """Mirror `images` and `label`; `mirrored` says whether."""
        results["mirrored"] = bool(results["chance"].random() < self.probability)
        if results["mirrored"]:
            results["images"] = results["images"][:, :, ::-1]
            results["label"] = results["label"][:, ::-1]
        return results


@TRANSFORMS.register_module()
class DistortEach(BaseTransform):
    """Distort brightness, contrast, saturation and hue of each appearance by itself: mmseg's PhotoMetricDistortion.

    Each part has probability 0.5; contrast comes before or after saturation and hue with even chance.
    """

    def __init__(
        self,
        brightness: float = 32,
        contrast: tuple[float, float] = (0.5, 1.5),
        saturation: tuple[float, float] = (0.5, 1.5),
        hue: int = 18,
        probability: float = 0.5,
    ) -> None:
        """Set the ranges.

        Args:
            brightness: largest shift, of 255.
            contrast: smallest and largest gain.
            saturation: smallest and largest gain.
            hue: largest turn, of 180.
            probability: of each part.
        """
        self.brightness = brightness
        self.contrast = contrast
        self.saturation = saturation
        self.hue = hue
        self.probability = probability

    def transform(self, results: Results) -> Results:
        """Replace `images` by distorted ones, but for references."""
        images = results["images"]
        count = len(images) - results.get("references", 0)
        distorted = [self._distort(image, results["chance"]) for image in images[:count]]
        results["images"] = np.stack([*distorted, *images[count:]])
        return results

    def _distort(self, image: NDArray[np.uint8], dice: np.random.Generator) -> NDArray[np.uint8]:
        says = dice.random(5) < (self.probability, self.probability, self.probability, self.probability, 0.5)
        shift = dice.uniform(-self.brightness, self.brightness) if says[0] else 0.0
        gain = dice.uniform(*self.contrast) if says[1] else 1.0
        colourful = dice.uniform(*self.saturation) if says[2] else 1.0
        turn = int(dice.integers(-self.hue, self.hue + 1)) if says[3] else 0
        if says[4]:  # contrast first: one linear map
            return self._colour(_linear(_linear(image, 1.0, shift), gain, 0.0), colourful, turn)
        return _linear(self._colour(_linear(image, 1.0, shift), colourful, turn), gain, 0.0)

    def _colour(self, image: NDArray[np.uint8], colourful: float, turn: int) -> NDArray[np.uint8]:
        if colourful == 1.0 and turn == 0:
            return image
        hsv = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2HSV)
        hsv[..., 1] = _linear(hsv[..., 1], colourful, 0.0)
        hsv[..., 0] = (hsv[..., 0].astype(np.int16) + turn) % 180
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)


def _linear(image: NDArray[np.uint8], gain: float, shift: float) -> NDArray[np.uint8]:
    """Return `image * gain + shift`, cut to 0..255, by table."""
    if gain == 1.0 and shift == 0.0:
        return image
    table = np.clip(np.arange(256, dtype=np.float32) * gain + shift, 0, 255).astype(np.uint8)
    return table[image]


@TRANSFORMS.register_module()
class PackAppearances(BaseTransform):
    """Pack A appearances into what mmseg takes: lists of `inputs (3, h, w)` uint8 and of `SegDataSample`."""

    def transform(self, results: Results) -> Results:
        """Return `inputs` and `data_samples`, A of each; label `gt_sem_seg` is shared by all.

        Each sample says as `view` which of the bundle's appearances it is: 0 to A - 1, -1 for a reference.
        """
        label = torch.from_numpy(np.ascontiguousarray(results["label"]).astype(np.int64))[None]
        shape = tuple(label.shape[1:])
        inputs, samples = [], []
        names = [*results["appearances"], *["reference"] * results.get("references", 0)]
        for place, (image, appearance) in enumerate(zip(results["images"], names, strict=True)):
            inputs.append(torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))))
            sample = SegDataSample(
                metainfo={
                    "view": place if place < len(results["appearances"]) else REFERENCE,
                    "img_shape": shape,
                    "ori_shape": shape,
                    "pad_shape": shape,
                    "appearance": appearance,
                    "identity": results["identity"],
                }
            )
            sample.gt_sem_seg = PixelData(data=label)
            samples.append(sample)
        return {"inputs": inputs, "data_samples": samples}

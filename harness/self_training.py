"""Self-training (DAFormer, Hoyer et al. 2022): a teacher labels target images, onto which source classes are pasted.

One iteration is three passes and three backwards, then one step: the source (cross entropy, and consistency of its
pair); the feature distance on the same features; and the mixed images. All appearances of a bundle are mixed with the
**same** target image through the **same** class mask, so a consistency loss can compare the mixed ones, too.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional

from harness.losses.views import View
from harness.mixing import class_masks, paste
from harness.pseudo_labels import PseudoLabels, pseudo_labels, weighted_cross_entropy
from harness.segmentor import PairSegmentor
from harness.strong_augmentation import StrongAugmentation
from harness.teacher import Teacher
from harness.transforms import TARGET
from protocols.errors import InputError

SUPPORTS = ("full", "pasted")
MIXED = "mixed"
"""Mode of `forward` in which `data_samples` is a `Mixture`."""


class Mixture(NamedTuple):
    """What B bundles of A appearances, mixed with B target images, are to be taken for.

    Attributes:
        label: `(B, H, W)` int64: the source's inside the class mask, the teacher's outside.
        weight: `(B, H, W)` float: 1 inside, how sure the teacher is outside.
        mask: `(B, H, W)` bool, the class mask.
        names: of the appearances of the B * A images.
    """

    label: Tensor
    weight: Tensor
    mask: Tensor
    names: list[str]


@MODELS.register_module()
class SelfTrainingSegmentor(PairSegmentor):
    """Train on bundles with labels and on target images without; the student is what predicts.

    Attributes:
        teacher: a sub-module, so that every checkpoint has it; `FollowStudent` moves it.
    """

    def __init__(
        self,
        *args: Any,
        threshold: float = 0.968,
        augmentation: dict[str, Any] | None = None,
        jitter: str = "shared",
        mixed_weight: float = 1.0,
        mixed_support: str = "full",
        **kwargs: Any,
    ) -> None:
        """Build student and teacher.

        Args:
            args: as `PairSegmentor`.
            threshold: probability from which the teacher is sure of a pixel.
            augmentation: settings of `StrongAugmentation`; None for those of DAFormer.
            jitter: "shared" changes all appearances of a bundle alike; "independent" draws for each, so that the
                consistency loss of mixed images teaches to look through the jitter as well.
            mixed_weight: what the consistency losses weigh on mixed images, times their own weight; 0 for none.
            mixed_support: where they compare mixed images: "full", or "pasted": cells mostly inside the class mask.
                The target outside is the same in both, so `full` is diluted by what is equal anyway.
            kwargs: as `PairSegmentor`.

        Raises:
            InputError: an unknown choice, or a loss that cannot be taken inside a region.
        """
        super().__init__(*args, **kwargs)
        if jitter not in ("shared", "independent"):
            raise InputError(f"jitter: expected shared or independent, got {jitter!r}")
        if mixed_support not in SUPPORTS:
            raise InputError(f"mixed_support: expected one of {', '.join(SUPPORTS)}, got {mixed_support!r}")
        for loss in self.consistency if mixed_support == "pasted" else ():
            if "inside" not in inspect.signature(loss.forward).parameters:
                raise InputError(
                    f"mixed_support: expected {type(loss).__name__}.forward to take `inside`, for 'pasted'; use 'full'"
                )
        self.threshold = threshold
        self.augmentation = StrongAugmentation(**(augmentation or {}))
        self.jitter = jitter
        self.mixed_weight = mixed_weight
        self.mixed_support = mixed_support
        self.teacher = Teacher(self.backbone, self.decode_head)

    def init_weights(self) -> None:
        """Initialise the student, and the teacher as its copy, statistics included."""
        super().init_weights()
        self.teacher.backbone.load_state_dict(self.backbone.state_dict())
        self.teacher.decode_head.load_state_dict(self.decode_head.state_dict())

    def train_step(self, data: dict[str, Any], optim_wrapper: Any) -> dict[str, Tensor]:
        """Do one iteration and return all that is logged.

        Args:
            data: of the data loader: `inputs` and `data_samples`, with a target image beside each bundle.
            optim_wrapper: steps once.
        """
        return self.three_passes(data, optim_wrapper, self, contextlib.nullcontext)

    def three_passes(
        self,
        data: dict[str, Any],
        optim_wrapper: Any,
        network: Any,
        alone: Callable[[], contextlib.AbstractContextManager[Any]],
    ) -> dict[str, Tensor]:
        """Do one iteration and return all that is logged.

        Args:
            data: as `train_step`.
            optim_wrapper: steps once.
            network: what is called: self, or what exchanges its gradients with other processes.
            alone: context in which gradients are not exchanged yet.

        Raises:
            InputError: not one target image a bundle.
        """
        data = self.data_preprocessor(data, True)
        source, targets = _sorted(data["inputs"], data["data_samples"])
        with alone():
            with optim_wrapper.optim_context(network):
                losses = network(*source, mode="loss")
            features = losses.pop("loss_features", None)
            total, logged = self.parse_losses(losses)
            optim_wrapper.scale_loss(total).backward(retain_graph=features is not None)
            if features is not None:
                optim_wrapper.scale_loss(features).backward()
                logged["loss_features"] = features.detach()
                logged["loss"] = logged["loss"] + features.detach()
        with optim_wrapper.optim_context(network):
            pseudo = self._pseudo(*targets)
            images, mixture = self._mixed(source, targets[0], pseudo)
            losses = network(images, mixture, mode=MIXED)
        total, mixed = self.parse_losses(losses)
        optim_wrapper.update_params(total)
        return {**logged, **mixed, "loss": logged["loss"] + mixed["loss"], "sure": pseudo.sure}

    def forward(self, inputs: Tensor, data_samples: Any = None, mode: str = "tensor") -> Any:
        """Do as mmseg's segmentors; in the mode "mixed", return the losses of mixed images.

        Args:
            inputs: `(N, 3, H, W)` float.
            data_samples: samples, or a `Mixture`.
            mode: "loss", "predict", "tensor", or "mixed".
        """
        if mode == MIXED:
            return self.mixed_loss(inputs, data_samples)
        return super().forward(inputs, data_samples, mode)

    def mixed_loss(self, images: Tensor, mixture: Mixture) -> dict[str, Tensor]:
        """Return `loss_mixed_ce`, and `loss_mixed_consistency` where appearances are compared.

        Args:
            images: `(B * A, 3, H, W)` float, the A appearances of a bundle in a row.
            mixture: what they are taken for.
        """
        count = len(images) // len(mixture.label)
        features = self.extract_feat(images)
        logits = self.decode_head(features).float()
        with torch.autocast(images.device.type, enabled=False):
            large = functional.interpolate(
                logits, mixture.label.shape[1:], mode="bilinear", align_corners=self.align_corners
            )
            label, weight = (each.repeat_interleave(count, dim=0) for each in (mixture.label, mixture.weight))
            # a loss that weighs the source's classes weighs those of the mixture alike, or rare ones are unlearnt here
            balance = getattr(self.decode_head.loss_decode, "weights", None)
            balance = None if balance is None else balance.to(large)
            losses = {"loss_mixed_ce": weighted_cross_entropy(large, label, weight, balance)}
            if self.consistency and self.mixed_weight and count > 1:
                views = [
                    View([feature[view::count].float() for feature in features], logits[view::count])
                    for view in range(count)
                ]
                inside = mixture.mask if self.mixed_support == "pasted" else None
                found = self._consistency(views, mixture.names, mixture.label, inside)
                losses["loss_mixed_consistency"] = self.mixed_weight * found["loss_consistency"]
        return losses

    @torch.no_grad()
    def _pseudo(self, images: Tensor, valid: Tensor) -> PseudoLabels:
        return pseudo_labels(self.teacher(images), self.threshold, valid)

    @torch.no_grad()
    def _mixed(self, source: tuple[Tensor, list[Any]], targets: Tensor, pseudo: PseudoLabels) -> tuple[Tensor, Mixture]:
        """Return `(B * A, 3, H, W)` mixed images, strongly augmented, and what they are to be taken for."""
        shown = [place for place, sample in enumerate(source[1]) if sample.metainfo.get("view", 0) >= 0]
        images, samples = source[0][shown], [source[1][place] for place in shown]
        count = len(samples) // len(targets)
        label = torch.stack([sample.gt_sem_seg.data[0] for sample in samples[::count]])
        mask = class_masks(label)
        mixture = Mixture(
            paste(mask, label, pseudo.label),
            paste(mask, torch.ones_like(pseudo.weight), pseudo.weight),
            mask,
            [sample.metainfo.get("appearance", "image") for sample in samples],
        )
        mixed = paste(
            mask.repeat_interleave(count, dim=0), images, targets.to(images.dtype).repeat_interleave(count, dim=0)
        )
        draws = self.augmentation.draw(len(targets) if self.jitter == "shared" else len(mixed))
        each = [draw for draw in draws for _ in range(len(mixed) // len(draws))]
        return self.augmentation.apply(mixed, each, self.data_preprocessor.mean, self.data_preprocessor.std), mixture


def _sorted(inputs: Tensor, samples: list[Any]) -> tuple[tuple[Tensor, list[Any]], tuple[Tensor, Tensor]]:
    """Return the source's images and samples, and the target's images and `(B, H, W)` bool of what to trust in them.

    Raises:
        InputError: not one target image a bundle.
    """
    views = [sample.metainfo.get("view", 0) for sample in samples]
    ours = [place for place, view in enumerate(views) if view != TARGET]
    theirs = [place for place, view in enumerate(views) if view == TARGET]
    if len(theirs) != views.count(0):
        raise InputError(
            f"self-training: expected a target image beside each of {views.count(0)} bundles, got {len(theirs)}; see "
            "train_dataloader.dataset.target"
        )
    valid = torch.zeros(len(theirs), *inputs.shape[2:], dtype=torch.bool, device=inputs.device)
    for row, place in enumerate(theirs):
        height, width = samples[place].metainfo["img_shape"][:2]  # what was padded is nobody's
        known = samples[place].get("valid")
        valid[row, :height, :width] = True if known is None else known.data[0].bool()
    return (inputs[ours], [samples[place] for place in ours]), (inputs[theirs], valid)

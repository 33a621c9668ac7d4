"""Segmentor: mmseg's EncoderDecoder on bundles: cross entropy on every appearance, and losses between them."""

from __future__ import annotations

import copy
import hashlib
import itertools
from collections.abc import Sequence
from typing import Any

import torch
from mmengine.logging import MessageHub
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional

from harness.compiled import compile_parts
from harness.losses.margin import margin
from harness.losses.spread import directions, effective_rank, spread
from harness.losses.views import View, clear_first
from harness.transforms import REFERENCE
from protocols.errors import InputError

CLEAREST_FIRST = ("noon", "sunset", "rain", "fog", "night")


@MODELS.register_module()
class PairSegmentor(EncoderDecoder):
    """Train on batches in which each bundle stands as A appearances in a row, cut and mirrored alike.

    All appearances of all bundles pass the network in one forward.
    """

    def __init__(
        self,
        *args: Any,
        consistency: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        feature_distance: dict[str, Any] | None = None,
        hardest: bool = False,
        detach: str | None = None,
        clearest_first: Sequence[str] = CLEAREST_FIRST,
        details_every: int = 10,
        compiled: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Build the network.

        Args:
            args: as `EncoderDecoder`.
            consistency: config of a loss between two appearances, or of several, whose sum is taken; None trains with
                cross entropy alone on the same images.
            feature_distance: config of `FeatureDistance`; None for none.
            hardest: with more than two appearances a bundle, take the pair of appearances with the largest loss; else
                the mean over all pairs.
            detach: "clear" stops the gradient of the consistency loss at the clearer appearance of each pair, so that
                the other one follows; None treats both alike.
            clearest_first: names of appearances, the clearest first; unnamed ones are the least clear.
            details_every: iterations between two looks at cosine, spread and effective rank.
            compiled: backend of torch.compile for encoder and head, such as "inductor"; None for none.
            kwargs: as `EncoderDecoder`.

        Raises:
            InputError: an unknown side, or an unknown backend.
        """
        super().__init__(*args, **kwargs)
        if detach not in (None, "clear"):
            raise InputError(f"detach: expected None or 'clear', got {detach!r}")
        configs = [] if consistency is None else [consistency] if isinstance(consistency, dict) else consistency
        self.consistency = nn.ModuleList(MODELS.build(config) for config in configs)
        self.feature_distance = MODELS.build(feature_distance) if feature_distance is not None else None
        self.hardest = hardest
        self.detach = detach
        self.clearest_first = tuple(clearest_first)
        self.details_every = details_every
        self._frozen: list[nn.Module] = []  # in a list, so that it is no sub-module: neither trained nor saved
        if compiled is not None:
            compile_parts((self.backbone, self.decode_head), compiled)

    def init_weights(self) -> None:
        """Initialise, and keep a frozen copy of the encoder if the feature distance asks for one.

        Raises:
            InputError: the encoder to be copied knows nothing of ImageNet.
        """
        super().init_weights()
        if self.feature_distance is None:
            return
        if not has_pretrained_weights(self.backbone):
            raise InputError(
                "feature_distance: expected an encoder with ImageNet weights, got a random one; set "
                "model.backbone.weights=FILE, or model.feature_distance=None to go without"
            )
        frozen = copy.deepcopy(self.backbone).eval()
        for parameter in frozen.parameters():
            parameter.requires_grad_(False)
        self._frozen = [frozen]

    @property
    def frozen_digest(self) -> str:
        """Return what the frozen encoder's weights hash to, "" without one; no checkpoint holds them."""
        if not self._frozen:
            return ""
        found = hashlib.sha256()
        for value in self._frozen[0].state_dict().values():
            found.update(value.cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return found.hexdigest()

    def loss(self, inputs: Tensor, data_samples: list[Any]) -> dict[str, Tensor]:
        """Return the losses, and monitors, which are no part of them.

        Losses: `loss_ce`; `loss_consistency` if there is any such loss; `loss_features` if there is a feature distance.
        Monitors: `acc_seg`, `ce_<appearance>` (on every fourth pixel), `margin_<stage>`, and now and then
        `cosine_<stage>`, `spread_<stage>`, `rank_<stage>`; `part_<name>` where losses are summed.

        Args:
            inputs: `(N, 3, H, W)` float.
            data_samples: N samples with `gt_sem_seg`; `view` says which of its bundle's appearances each one is.
        """
        numbers = [sample.metainfo.get("view", 0) for sample in data_samples]
        shown = [place for place, number in enumerate(numbers) if number != REFERENCE]
        count = _views(numbers)
        samples = [data_samples[place] for place in shown]
        images = inputs if len(shown) == len(numbers) else inputs[shown]
        features = self.extract_feat(images)
        logits = self.decode_head(features).float()
        losses: dict[str, Tensor] = dict(self.decode_head.loss_by_feat(logits, samples))
        names = [sample.metainfo.get("appearance", "image") for sample in samples]
        with torch.autocast(inputs.device.type, enabled=False):
            views = [
                View([feature[view::count].float() for feature in features], logits[view::count])
                for view in range(count)
            ]
            label = torch.stack([sample.gt_sem_seg.data[0] for sample in samples[::count]])
            if self.consistency:
                losses |= self._consistency(views, names, label)
            if self.feature_distance is not None:
                references = [place for place, number in enumerate(numbers) if number == REFERENCE]
                losses["loss_features"] = self._features(views, inputs[references] if references else images, label)
            losses |= self._monitors(views, logits, label, names)
        return losses

    def _consistency(
        self, views: list[View], names: list[str], label: Tensor, inside: Tensor | None = None
    ) -> dict[str, Tensor]:
        if len(views) < 2:
            raise InputError("consistency: expected at least 2 appearances a bundle, got 1; see DrawAppearances")
        totals, parts = [], []
        for one, two in itertools.combinations(range(len(views)), 2):
            first, second = views[one], views[two]
            if self.detach == "clear":
                ranks = [self._rank(name) for name in names]
                swap = [ranks[place + two] < ranks[place + one] for place in range(0, len(names), len(views))]
                first, second = clear_first(first, second, torch.tensor(swap, device=label.device))
            region = {} if inside is None else {"inside": inside}
            each = torch.stack([loss(first, second, label, **region) for loss in self.consistency])
            parts.append(each)
            totals.append(each.sum())
        stacked = torch.stack(totals)
        found = {"loss_consistency": stacked.max() if self.hardest else stacked.mean()}
        if len(self.consistency) > 1:
            means = torch.stack(parts).detach().mean(dim=0)
            found |= {f"part_{loss.name}": mean for loss, mean in zip(self.consistency, means, strict=True)}
        return found

    def _rank(self, name: str) -> int:
        return self.clearest_first.index(name) if name in self.clearest_first else len(self.clearest_first)

    def _features(self, views: list[View], images: Tensor, label: Tensor) -> Tensor:
        """Return the feature distance of all views.

        The target is the reference's where there is one, else each appearance's own.
        """
        if not self._frozen:
            raise RuntimeError("feature_distance: expected init_weights() to have been called before the first loss")
        frozen = self._frozen[0].to(images.device)
        with torch.no_grad():
            target = frozen(images)[-1]
        count = len(views)
        targets = [target] * count if len(target) == len(label) else [target[view::count] for view in range(count)]
        student = torch.cat([view.features[-1] for view in views])
        return self.feature_distance(student, torch.cat(targets), label.repeat(count, 1, 1))

    @torch.no_grad()
    def _monitors(self, views: list[View], logits: Tensor, label: Tensor, names: list[str]) -> dict[str, Tensor]:
        found = _by_appearance(logits.detach(), label.repeat_interleave(len(views), dim=0), names)
        detailed = MessageHub.get_current_instance().get_info("iter", 0) % self.details_every == 0
        dice = torch.Generator().manual_seed(0)  # monitors draw nothing from the chance that training draws from
        for stage, first in enumerate(views[0].features, start=1):
            if len(views) > 1:
                second = views[1].features[stage - 1]
                found[f"margin_{stage}"] = margin(first, second, generator=dice)
            if detailed:
                if len(views) > 1:
                    found[f"cosine_{stage}"] = functional.cosine_similarity(first, second, dim=1).mean()
                units = directions(first, generator=dice)
                found[f"spread_{stage}"], found[f"rank_{stage}"] = spread(units), effective_rank(units)
        return found


def has_pretrained_weights(backbone: Any) -> bool:
    """Return whether a backbone was given weights: ours say so, mmseg's have an `init_cfg` that does."""
    config = getattr(backbone, "init_cfg", None) or {}
    return bool(getattr(backbone, "pretrained", False)) or (
        isinstance(config, dict) and config.get("type") == "Pretrained"
    )


def _views(numbers: list[int]) -> int:
    """Return how many appearances each bundle of a batch stands as.

    Raises:
        InputError: not the same number of each, in order.
    """
    shown = [number for number in numbers if number != REFERENCE]
    count = max(shown) + 1
    if shown != list(range(count)) * (len(shown) // count):
        raise InputError(f"batch: expected the same number of appearances of each bundle, in order, got views {shown}")
    return count


def _by_appearance(logits: Tensor, label: Tensor, names: list[str]) -> dict[str, Tensor]:
    """Return `ce_<appearance>`: cross entropy over the known pixels, on the logits' own grid.

    Args:
        logits: `(N, K, h, w)`.
        label: `(N, H, W)` int64.
        names: of the N images.
    """
    rows = torch.arange(logits.shape[2], device=label.device) * label.shape[1] // logits.shape[2]
    columns = torch.arange(logits.shape[3], device=label.device) * label.shape[2] // logits.shape[3]
    few = label[:, rows][:, :, columns]
    pixels = functional.cross_entropy(logits, few, ignore_index=255, reduction="none").sum((1, 2))
    known = (few != 255).sum((1, 2))
    found = {}
    for name in dict.fromkeys(names):
        places = [place for place, other in enumerate(names) if other == name]
        key = f"ce_{name.replace('loss', 'los_')}"  # mmengine adds up whatever has "loss" in its name
        found[key] = pixels[places].sum() / known[places].sum().clamp_min(1)
    return found

"""Names of MiT's weights: from NVIDIA's (and DAFormer's) and Hugging Face's to those of mmsegmentation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from protocols.errors import InputError

PREFIXES = ("module.", "model.backbone.", "backbone.", "segformer.encoder.", "encoder.")
CLASSIFIER = re.compile(r"(module\.)?(model\.)?(head|classifier|decode_head|auxiliary_head|decoder)\.")
OTHER_NETWORKS = ("ema_model.", "imnet_model.")
"""DAFormer's checkpoints hold its teacher and its frozen encoder, too."""

HUGGING_FACE = (
    (r"^patch_embeddings\.(\d)\.proj\.", r"layers.\1.0.projection."),
    (r"^patch_embeddings\.(\d)\.layer_norm\.", r"layers.\1.0.norm."),
    (r"^layer_norm\.(\d)\.", r"layers.\1.2."),
    (r"^block\.(\d)\.(\d+)\.", r"layers.\1.1.\2."),
    (r"\.layer_norm_([12])\.", r".norm\1."),
    (r"\.attention\.self\.(query|key|value)\.", r".attn.\1."),
    (r"\.attention\.self\.sr\.", ".attn.sr."),
    (r"\.attention\.self\.layer_norm\.", ".attn.norm."),
    (r"\.attention\.output\.dense\.", ".attn.attn.out_proj."),
    (r"\.mlp\.dense1\.", ".ffn.layers.0."),
    (r"\.mlp\.dwconv\.dwconv\.", ".ffn.layers.1."),
    (r"\.mlp\.dense2\.", ".ffn.layers.4."),
)
NVIDIA = (
    (r"^patch_embed(\d)\.proj\.", lambda match: f"layers.{int(match[1]) - 1}.0.projection."),
    (r"^patch_embed(\d)\.norm\.", lambda match: f"layers.{int(match[1]) - 1}.0.norm."),
    (r"^norm(\d)\.", lambda match: f"layers.{int(match[1]) - 1}.2."),
    (r"^block(\d)\.(\d+)\.", lambda match: f"layers.{int(match[1]) - 1}.1.{match[2]}."),
    (r"\.attn\.proj\.", ".attn.attn.out_proj."),
    (r"\.mlp\.fc1\.", ".ffn.layers.0."),
    (r"\.mlp\.dwconv\.dwconv\.", ".ffn.layers.1."),
    (r"\.mlp\.fc2\.", ".ffn.layers.4."),
)
FUSED = (("q", "kv"), ("query", "key", "value"))
"""Rows of the attention's one input matrix, in order, as NVIDIA and Hugging Face split them."""


def to_mmseg(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return an encoder's weights under mmsegmentation's names, whichever of the three namings they have.

    Classifiers and decoders are left out, and so are the other networks of a DAFormer checkpoint.

    Args:
        weights: state dict of an encoder, or of a network around one.
    """
    found = {
        _bare(name): value
        for name, value in weights.items()
        if not CLASSIFIER.match(name) and not name.startswith(OTHER_NETWORKS)
    }
    if any(name.startswith("patch_embed1.") for name in found):
        found = _renamed(found, NVIDIA)
    elif any(name.startswith("patch_embeddings.") for name in found):
        found = _renamed(found, HUGGING_FACE)
    return found


def load_encoder(network: nn.Module, weights: Mapping[str, Tensor], source: str) -> None:
    """Load weights of any of the three namings into mmsegmentation's MixVisionTransformer.

    Args:
        network: to load into.
        weights: state dict.
        source: where they are from, for the message.

    Raises:
        InputError: anything but a classifier is missing, left over, or of another shape.
    """
    found, wanted = to_mmseg(weights), network.state_dict()
    for name, value in found.items():
        like = wanted.get(name)
        if like is not None and value.ndim == 2 and like.ndim == 4 and like.shape[2:] == (1, 1):
            found[name] = value[:, :, None, None]  # a linear layer, which mmsegmentation has as a convolution
    faults = [
        *_named("missing", wanted.keys() - found.keys()),
        *_named("left over", found.keys() - wanted.keys()),
        *_named(
            "of another shape", (name for name in wanted.keys() & found if wanted[name].shape != found[name].shape)
        ),
    ]
    if faults:
        raise InputError(f"{source}: expected the weights of this MiT, got: {'; '.join(faults)}")
    network.load_state_dict(found)


def _named(what: str, names: Iterable[str]) -> list[str]:
    listed = sorted(names)
    return [f"{len(listed)} {what} ({listed[0]}{', ...' if len(listed) > 1 else ''})"] if listed else []


def _bare(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _renamed(weights: Mapping[str, Tensor], rules: Iterable[tuple[str, object]]) -> dict[str, Tensor]:
    found = {}
    for old, value in weights.items():
        name = old
        for pattern, replacement in rules:
            name = re.sub(pattern, replacement, name)  # type: ignore[call-overload]
        found[name] = value
    return _fused(found)


def _fused(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Join the query, key and value layers of each attention to one; an incomplete one is left, to be complained of."""
    for first in [name for name in weights if re.search(r"\.attn\.(q|query)\.(weight|bias)$", name)]:
        start, part, kind = first.rsplit(".", 2)
        names = [f"{start}.{other}.{kind}" for group in FUSED if group[0] == part for other in group]
        if all(name in weights for name in names):
            weights[f"{start}.attn.in_proj_{kind}"] = torch.cat([weights.pop(name) for name in names])
    return weights

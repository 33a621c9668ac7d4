"""Weights of MiT in three namings: an encoder of our own in NVIDIA's layout gives the same features as mmseg's."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.checkpoint import load_weights
from harness.mix_transformer import MixTransformer
from protocols.errors import InputError

WIDTHS, HEADS, REDUCTIONS = (32, 64, 160, 256), (1, 2, 5, 8), (8, 4, 2, 1)


class Attention(nn.Module):
    def __init__(self, width, heads, reduction):
        super().__init__()
        self.heads = heads
        self.q, self.kv, self.proj = nn.Linear(width, width), nn.Linear(width, 2 * width), nn.Linear(width, width)
        if reduction > 1:
            self.sr, self.norm = nn.Conv2d(width, width, reduction, reduction), nn.LayerNorm(width, eps=1e-6)

    def forward(self, tokens, height, width):
        batch, count, channels = tokens.shape
        few = tokens
        if hasattr(self, "sr"):
            few = self.sr(tokens.transpose(1, 2).reshape(batch, channels, height, width))
            few = self.norm(few.flatten(2).transpose(1, 2))
        split = (batch, -1, self.heads, channels // self.heads)
        key, value = self.kv(few).chunk(2, dim=-1)
        query, key, value = (each.reshape(split).transpose(1, 2) for each in (self.q(tokens), key, value))
        weights = (query @ key.transpose(-2, -1) * (channels // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ value).transpose(1, 2).reshape(batch, count, channels))


class DepthWise(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.dwconv = nn.Conv2d(width, width, 3, padding=1, groups=width)


class Perceptron(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1, self.dwconv, self.fc2 = nn.Linear(width, 4 * width), DepthWise(4 * width), nn.Linear(4 * width, width)

    def forward(self, tokens, height, width):
        hidden = self.fc1(tokens).transpose(1, 2).unflatten(2, (height, width))
        return self.fc2(functional.gelu(self.dwconv.dwconv(hidden)).flatten(2).transpose(1, 2))


class Block(nn.Module):
    def __init__(self, width, heads, reduction):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attn, self.mlp = Attention(width, heads, reduction), Perceptron(width)

    def forward(self, tokens, *size):
        tokens = tokens + self.attn(self.norm1(tokens), *size)
        return tokens + self.mlp(self.norm2(tokens), *size)


class Embedding(nn.Module):
    def __init__(self, before, width, kernel, stride):
        super().__init__()
        self.proj = nn.Conv2d(before, width, kernel, stride, kernel // 2)
        self.norm = nn.LayerNorm(width, eps=1e-6)


class Encoder(nn.Module):
    """MiT-B0 from daformer.md's description, its parts named as in NVIDIA's release."""

    def __init__(self):
        super().__init__()
        for stage in range(4):
            before = (3, *WIDTHS)[stage]
            kernel, stride = ((7, 4), (3, 2), (3, 2), (3, 2))[stage]
            setattr(self, f"patch_embed{stage + 1}", Embedding(before, WIDTHS[stage], kernel, stride))
            blocks = [Block(WIDTHS[stage], HEADS[stage], REDUCTIONS[stage]) for _ in range(2)]
            setattr(self, f"block{stage + 1}", nn.ModuleList(blocks))
            setattr(self, f"norm{stage + 1}", nn.LayerNorm(WIDTHS[stage], eps=1e-6))
        self.head = nn.Linear(WIDTHS[-1], 1000)

    def forward(self, images):
        found = []
        for stage in "1234":
            embedding = getattr(self, f"patch_embed{stage}")
            images = embedding.proj(images)
            size = images.shape[2:]
            tokens = embedding.norm(images.flatten(2).transpose(1, 2))
            for block in getattr(self, f"block{stage}"):
                tokens = block(tokens, *size)
            images = getattr(self, f"norm{stage}")(tokens).transpose(1, 2).unflatten(2, size)
            found.append(images)
        return found


def to_hugging_face(weights):
    """Rename as `SegformerForImageClassification` has it."""
    found = {}
    for name, value in weights.items():
        if name.startswith("head."):
            found[name.replace("head", "classifier")] = value
            continue
        name = re.sub(r"^patch_embed(\d)\.norm", lambda m: f"patch_embeddings.{int(m[1]) - 1}.layer_norm", name)
        name = re.sub(r"^patch_embed(\d)", lambda m: f"patch_embeddings.{int(m[1]) - 1}", name)
        name = re.sub(r"^norm(\d)", lambda m: f"layer_norm.{int(m[1]) - 1}", name)
        name = re.sub(r"^block(\d)", lambda m: f"block.{int(m[1]) - 1}", name)
        for old, new in (
            *(("norm1", "layer_norm_1"), ("norm2", "layer_norm_2"), ("attn.norm", "attention.self.layer_norm")),
            *(("attn.proj", "attention.output.dense"), ("attn.sr", "attention.self.sr")),
            *(("attn.q", "attention.self.query"), ("fc1", "dense1"), ("fc2", "dense2")),
        ):
            name = name.replace(old, new)
        if "attn.kv" in name:
            for part, half in zip(("key", "value"), value.chunk(2), strict=True):
                found[f"segformer.encoder.{name.replace('attn.kv', f'attention.self.{part}')}"] = half
        else:
            found[f"segformer.encoder.{name}"] = value
    return found


def to_mmseg(weights):
    """Take the state dict of the network itself, as mmsegmentation trains it inside a segmentor."""
    twin = MixTransformer("B0")
    from harness.encoder_names import load_encoder

    load_encoder(twin, weights, "test")
    return {f"backbone.{name}": value for name, value in twin.state_dict().items()} | {
        "decode_head.conv_seg.weight": torch.zeros(19, 256, 1, 1)
    }


def to_daformer(weights):
    """Rename as DAFormer's checkpoints have it: student, teacher and frozen encoder in one."""
    found = {f"model.backbone.{name}": value for name, value in weights.items() if not name.startswith("head.")}
    others = {
        f"{other}_model.backbone.{name}": value * 0 for other in ("ema", "imnet") for name, value in weights.items()
    }
    return {"state_dict": found | others | {"model.decode_head.conv_seg.weight": torch.zeros(19, 256, 1, 1)}}


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    made = Encoder().eval()
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.05)
    return made


NAMINGS = {"nvidia": dict, "hugging face": to_hugging_face, "mmseg": to_mmseg, "daformer": to_daformer}


@pytest.mark.parametrize("naming", NAMINGS)
def test_same_features_from_each_naming(encoder, naming, tmp_path):
    torch.save(NAMINGS[naming](encoder.state_dict()), tmp_path / "mit_b0.pth")
    ours = MixTransformer("B0", weights=str(tmp_path / "mit_b0.pth"), drop_path_rate=0.0)
    ours.init_weights()
    assert ours.pretrained
    images = torch.randn(2, 3, 64, 96)
    for found, expected in zip(ours.eval()(images), encoder(images), strict=True):
        assert torch.allclose(found, expected, atol=1e-4)


def test_safetensors_are_read(encoder, tmp_path):
    from safetensors.torch import save_file

    save_file(to_hugging_face(encoder.state_dict()), tmp_path / "model.safetensors")
    assert load_weights(tmp_path / "model.safetensors").keys() == to_hugging_face(encoder.state_dict()).keys()
    (tmp_path / "bad.safetensors").write_bytes(b"\xff" * 64)
    with pytest.raises(InputError, match="nothing else"):
        load_weights(tmp_path / "bad.safetensors")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("block3.1.attn.proj.bias"), r"1 missing \(layers.2.1.1.attn.attn.out_proj.bias\)$"),
        (lambda w: w.pop("block2.0.attn.kv.weight"), "1 missing .*1 left over .layers.1.1.0.attn.q.weight"),
        (lambda w: w.update({"block1.2.norm1.weight": torch.zeros(32)}), "1 left over"),
        (lambda w: w.update({"norm4.weight": torch.zeros(512)}), "1 of another shape .layers.3.2.weight"),
        (dict.clear, "missing .layers"),
    ],
)
def test_anything_but_the_classifier_is_complained_of(encoder, change, words, tmp_path):
    weights = dict(encoder.state_dict())
    change(weights)
    torch.save(weights, tmp_path / "mit_b0.pth")
    with pytest.raises(InputError, match=words):
        MixTransformer("B0", weights=str(tmp_path / "mit_b0.pth")).init_weights()


def test_random_weights_are_as_described():
    torch.manual_seed(0)
    network = MixTransformer("B0")
    network.init_weights()
    for name, value in network.named_parameters():
        if name.endswith(("in_proj_weight", "ffn.layers.0.weight", "ffn.layers.4.weight", "out_proj.weight")):
            assert float(value.detach().std()) == pytest.approx(0.02, rel=0.1)
        if name.endswith(("projection.weight", "sr.weight", "ffn.layers.1.weight")):
            fan_out = value.shape[0] * value.shape[2] * value.shape[3] / (value.shape[0] if value.shape[1] == 1 else 1)
            assert float(value.detach().std()) == pytest.approx((2 / fan_out) ** 0.5, rel=0.1)
        if name.endswith(".bias"):
            assert not value.any()


def test_unknown_variant():
    with pytest.raises(InputError, match="B0, B1"):
        MixTransformer("B9")

"""Networks: parameter counts as published, shapes, the backbone's weights and frozen statistics, one training step."""

import math
from functools import partial

import pytest
import torch
from mmengine.config import ConfigDict

import harness.modules  # noqa: F401
from harness.daformer_head import DAFormerHead
from harness.efficientnet_lite import EfficientNetLite0
from harness.mix_transformer import VARIANTS, MixTransformer

WIDTHS = {name: (32, 64, 160, 256) if name == "B0" else (64, 128, 320, 512) for name in VARIANTS}

# encoder, with its 1000-class head, with DAFormer's head of 19 classes: the table of DAFormer's release
MIT = {
    "B0": (3_319_392, 3_576_392, 6_900_595),
    "B1": (13_151_424, 13_664_424, 16_863_699),
    "B2": (24_196_288, 24_709_288, 27_908_563),
    "B3": (44_072_128, 44_585_128, 47_784_403),
    "B4": (60_842_688, 61_355_688, 64_554_963),
    "B5": (81_443_008, 81_956_008, 85_155_283),
}


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", MIT)
def test_mit_and_head_have_the_published_parameters(name, monkeypatch):
    monkeypatch.setattr(torch, "linspace", partial(torch.linspace, device="cpu"))  # its values are read
    with torch.device("meta"):  # shapes alone: B5 takes seconds to fill
        backbone = MixTransformer(name)
        heads = {classes: DAFormerHead(in_channels=WIDTHS[name], num_classes=classes) for classes in (16, 19)}
    encoder, classifier, whole = MIT[name]
    assert count(backbone) == encoder
    assert count(backbone) + (WIDTHS[name][-1] + 1) * 1000 == classifier
    assert count(backbone) + count(heads[19]) == whole
    assert count(heads[19]) - count(heads[16]) == 771


def test_lite0_with_head_has_the_known_parameters():
    backbone = EfficientNetLite0(pretrained=False)
    assert count(backbone) == 2_958_848
    assert count(backbone) + count(DAFormerHead(in_channels=[24, 40, 112, 320], num_classes=19)) == 6_535_955


def test_head_gives_logits_at_the_finest_stage():
    head = DAFormerHead(in_channels=[8, 12, 16, 20], channels=6, num_classes=16).eval()
    features = [torch.randn(2, width, 16 >> stage, 32 >> stage) for stage, width in enumerate([8, 12, 16, 20])]
    assert head(features).shape == (2, 16, 16, 32)


def test_lite0_stages_and_frozen_statistics():
    backbone = EfficientNetLite0(pretrained=True).train()
    before = {name: value.clone() for name, value in backbone.named_buffers()}
    features = backbone(torch.randn(2, 3, 64, 128))
    assert [tuple(feature.shape[1:]) for feature in features] == [
        (24, 16, 32),
        (40, 8, 16),
        (112, 4, 8),
        (320, 2, 4),
    ]
    assert all(torch.equal(value, before[name]) for name, value in backbone.named_buffers())
    assert any(parameter.requires_grad for parameter in backbone.parameters())
    thawed = EfficientNetLite0(pretrained=True, frozen_statistics=False).train()
    thawed(torch.randn(2, 3, 64, 128))
    assert not all(torch.equal(value, before[name]) for name, value in thawed.named_buffers())


def test_lite0_knows_imagenet():
    """Its stem and blocks are those that were shipped: the whole network's logits come out through them."""
    from efficientnet_lite_pytorch import EfficientNet

    from harness.efficientnet_lite import imagenet_weights

    whole = EfficientNet.from_name("efficientnet-lite0")
    whole.load_state_dict(imagenet_weights())
    whole.eval()
    image = torch.randn(1, 3, 64, 64)
    hidden = EfficientNetLite0().eval()(image)[-1]
    expected = whole.extract_features(image)
    assert torch.allclose(whole._swish(whole._bn1(whole._conv_head(hidden))), expected, atol=1e-5)


def segmentor(**consistency):
    from mmengine.registry import init_default_scope
    from mmseg.registry import MODELS

    init_default_scope("mmseg")
    return MODELS.build(
        ConfigDict(
            type="PairSegmentor",
            data_preprocessor={"type": "SegDataPreProcessor", "size": (32, 64), "mean": [0] * 3, "std": [255] * 3},
            backbone={"type": "EfficientNetLite0", "pretrained": False},
            decode_head={
                "type": "DAFormerHead",
                "in_channels": [24, 40, 112, 320],
                "channels": 8,
                "num_classes": 16,
                "loss_decode": {"type": "CrossEntropyLoss"},
            },
            consistency={"type": "ConsistencyLoss", **consistency} if consistency else None,
            test_cfg={"mode": "whole"},
        )
    )


def batch(bundle, count=2):
    from harness.chance import chance
    from harness.datasets import as_results, collate_appearances
    from harness.transforms import DrawAppearances, PackAppearances, TagsToClasses

    samples = []
    for index in range(count):
        results = as_results(bundle(index), -1, chance(0, 2, 0, index))
        for transform in (DrawAppearances(2), TagsToClasses(), PackAppearances()):
            results = transform.transform(results)
        samples.append(results)
    return collate_appearances(samples)


def test_one_step_gives_both_losses_and_moves_the_weights(bundle):
    from mmengine.optim import OptimWrapper

    model = segmentor(distance="cosine", loss_weight=0.1).train()
    before = {name: value.clone() for name, value in model.named_parameters()}
    logged = model.train_step(batch(bundle), OptimWrapper(torch.optim.AdamW(model.parameters(), lr=1e-3)))
    assert set(logged) >= {"loss", "loss_ce", "loss_consistency", "acc_seg", "margin_1", "margin_4"}
    assert float(logged["loss"]) == pytest.approx(float(logged["loss_ce"]) + float(logged["loss_consistency"]))
    assert float(logged["loss_ce"]) == pytest.approx(math.log(16), rel=0.5)
    moved = [name for name, value in model.named_parameters() if not torch.equal(value, before[name])]
    assert any(name.startswith("backbone") for name in moved)
    assert any(name.startswith("decode_head") for name in moved)


def test_without_consistency_there_is_cross_entropy_alone(bundle):
    model = segmentor().train()
    data = model.data_preprocessor(batch(bundle), True)
    losses = model.loss(data["inputs"], data["data_samples"])
    assert "loss_consistency" not in losses
    assert [key for key in losses if "loss" in key] == ["loss_ce"]


def test_equal_appearances_have_no_consistency_loss(bundle):
    model = segmentor(distance="cosine").eval()
    data = model.data_preprocessor(batch(bundle), True)
    data["inputs"][1::2] = data["inputs"][0::2]
    assert float(model.loss(data["inputs"], data["data_samples"])["loss_consistency"]) == pytest.approx(0, abs=1e-6)

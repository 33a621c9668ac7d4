"""The segmentor on bundles: one forward for all appearances, pairs, the detached side, feature distance, monitors."""

import itertools

import numpy as np
import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS
from torch import nn

import harness.modules  # noqa: F401
from harness.chance import chance
from harness.datasets import as_results, collate_appearances
from harness.transforms import DrawAppearances, PackAppearances, TagsToClasses
from protocols.errors import InputError

COSINE = {"type": "ConsistencyLoss", "distance": "cosine", "loss_weight": 1.0}
L2 = {"type": "ConsistencyLoss", "distance": "l2", "loss_weight": 0.5, "stages": (2,)}
JS = {"type": "LogitConsistencyLoss", "loss_weight": 2.0}
CONTRAST = {"type": "PixelContrastLoss", "loss_weight": 0.1}


@MODELS.register_module()
class FourConvolutions(nn.Module):
    """A backbone of a few lines: strides 4, 8, 16, 32."""

    def __init__(self, pretrained=True):
        super().__init__()
        self.pretrained = pretrained
        widths = (3, 8, 8, 12, 16)
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 5, 4 if number == 0 else 2, 2)
            for number, (before, after) in enumerate(itertools.pairwise(widths))
        )

    def init_weights(self):
        torch.manual_seed(5)
        for layer in self.layers:
            nn.init.normal_(layer.weight, std=0.1)

    def forward(self, images):
        found = []
        for layer in self.layers:
            images = torch.tanh(layer(images))
            found.append(images)
        return tuple(found)


def segmentor(dropout=0.0, pretrained=True, **more):
    init_default_scope("mmseg")
    torch.manual_seed(0)
    model = MODELS.build(
        ConfigDict(
            type="PairSegmentor",
            data_preprocessor={"type": "BundlePreProcessor", "size": (32, 64), "mean": [99] * 3, "std": [50] * 3},
            backbone={"type": "FourConvolutions", "pretrained": pretrained},
            decode_head={
                "type": "DAFormerHead",
                "in_channels": [8, 8, 12, 16],
                "channels": 8,
                "num_classes": 16,
                "dropout_ratio": dropout,
                "loss_decode": {"type": "CrossEntropyLoss"},
            },
            test_cfg={"mode": "whole"},
            **more,
        )
    )
    model.init_weights()
    return model.train()


def batch(model, bundle, bundles=2, seed=0, **draw):
    """Return inputs and samples of bundles, each drawn as `DrawAppearances` is told."""
    samples = []
    for place in range(bundles):
        results = as_results(bundle(place), -1, chance(seed, 2, 0, place))
        for transform in (DrawAppearances(**draw), TagsToClasses(), PackAppearances()):
            results = transform.transform(results)
        samples.append(results)
    data = model.data_preprocessor(collate_appearances(samples), True)
    return data["inputs"], data["data_samples"]


def value(losses, key="loss_consistency"):
    return float(losses[key].detach())


def test_cross_entropy_divides_by_all_pixels(bundle):
    """By a loop, with a third of the pixels ignored: DAFormer's denominator counts them."""
    model = segmentor()
    inputs, samples = batch(model, bundle, bundles=1)
    for sample in samples:
        sample.gt_sem_seg.data = sample.gt_sem_seg.data.clone()
        sample.gt_sem_seg.data[:, ::3] = 255
    losses = model.loss(inputs, samples)
    with torch.no_grad():
        logits = nn.functional.interpolate(
            model.decode_head(model.extract_feat(inputs)), size=(32, 64), mode="bilinear"
        )
    total, pixels = 0.0, 0
    for image, sample in zip(logits.double().numpy(), samples, strict=True):
        for row, column in np.ndindex(32, 64):
            label = int(sample.gt_sem_seg.data[0, row, column])
            pixels += 1
            if label != 255:
                scores = image[:, row, column]
                total += np.log(np.exp(scores - scores[label]).sum())
    assert value(losses, "loss_ce") == pytest.approx(total / pixels, rel=1e-4)


def test_one_forward_equals_one_by_one(bundle):
    """A batch of both appearances gives what each would give alone (no batch norm here but the head's, in eval)."""
    model = segmentor().eval()
    inputs, samples = batch(model, bundle)
    whole = model.loss(inputs, samples)
    parts = []
    for view in (0, 1):
        for sample in samples[view::2]:
            sample.set_metainfo({"view": 0})
        parts.append(model.loss(inputs[view::2], samples[view::2]))
    assert value(whole, "loss_ce") == pytest.approx(sum(value(part, "loss_ce") for part in parts) / 2, rel=1e-5)


def test_losses_add_up(bundle):
    model = segmentor(consistency=[COSINE, L2, JS, CONTRAST])
    inputs, samples = batch(model, bundle)
    torch.manual_seed(1)
    losses = model.loss(inputs, samples)
    parts = [value(losses, f"part_{name}") for name in ("cosine", "l2", "js", "contrast")]
    assert all(part > 0 for part in parts)
    assert value(losses) == pytest.approx(sum(parts))
    total, logged = model.parse_losses(losses)
    assert float(total.detach()) == pytest.approx(value(losses) + value(losses, "loss_ce"))
    assert float(logged["loss"].detach()) == float(total.detach())
    for name, config in (("cosine", COSINE), ("l2", L2), ("js", JS)):
        alone = segmentor(consistency=config)
        assert value(alone.loss(inputs, samples)) == pytest.approx(value(losses, f"part_{name}"), rel=1e-5)


@pytest.mark.parametrize("loss", [COSINE, L2, {**COSINE, "distance": "mmd"}, JS])
def test_equal_images_leave_no_loss_and_no_gradient(bundle, loss):
    model = segmentor(consistency=loss).eval()
    inputs, samples = batch(model, bundle)
    inputs[1::2] = inputs[0::2]
    losses = model.loss(inputs, samples)
    losses["loss_consistency"].backward()
    assert value(losses) == pytest.approx(0, abs=1e-6)
    assert all(float(each.grad.abs().max()) < 1e-6 for each in model.parameters() if each.grad is not None)


def test_several_appearances_give_the_mean_or_the_hardest_pair(bundle):
    """Each pair by itself is what two appearances would give."""
    model = segmentor(consistency=COSINE).eval()
    inputs, samples = batch(model, bundle, count=3)
    assert len(inputs) == 6
    pairs = []
    for one, two in ((0, 1), (0, 2), (1, 2)):
        places = [place + view for place in (0, 3) for view in (one, two)]
        chosen = [samples[place].clone() for place in places]
        for number, sample in enumerate(chosen):
            sample.set_metainfo({"view": number % 2})
        pairs.append(value(model.loss(inputs[places], chosen)))
    assert max(pairs) > 1.01 * np.mean(pairs)
    assert value(model.loss(inputs, samples)) == pytest.approx(np.mean(pairs), rel=1e-5)
    model.hardest = True
    assert value(model.loss(inputs, samples)) == pytest.approx(max(pairs), rel=1e-5)


def test_gradient_stops_at_the_clearer_appearance(bundle):
    """Noon is clearer than night, whichever of the two comes first."""
    model = segmentor(consistency=COSINE, detach="clear")
    reached = {}
    for seed in range(40):
        inputs, samples = batch(model, bundle, bundles=1, seed=seed)
        names = tuple(sample.metainfo["appearance"] for sample in samples)
        inputs.requires_grad_()
        losses = model.loss(inputs, samples)
        losses["loss_consistency"].backward()
        reached[names] = [bool(image.abs().max() > 0) for image in inputs.grad]
    assert len(reached) == 6
    order = ("noon", "fog", "night")
    for names, found in reached.items():
        assert found == [order.index(name) == max(order.index(other) for other in names) for name in names]


def test_a_side_that_does_not_exist():
    with pytest.raises(InputError, match="expected None or 'clear', got 'noon'"):
        segmentor(detach="noon")


def test_one_appearance_has_nothing_to_compare_with(bundle):
    model = segmentor(consistency=COSINE)
    with pytest.raises(InputError, match="at least 2 appearances a bundle, got 1"):
        model.loss(*batch(model, bundle, count=1))
    losses = segmentor().loss(*batch(model, bundle, count=1))
    assert not [key for key in losses if key.startswith("margin")]
    assert losses.keys() >= {"loss_ce", "spread_1", "rank_4"}


def test_batch_of_unequal_bundles_is_refused(bundle):
    model = segmentor()
    inputs, samples = batch(model, bundle)
    samples[3].set_metainfo({"view": 0})
    with pytest.raises(InputError, match=r"got views \[0, 1, 0, 0\]"):
        model.loss(inputs, samples)


FEATURES = {"type": "FeatureDistance", "loss_weight": 0.005}


def cars(data):
    """Make every pixel one of a car."""
    for sample in data[1]:
        sample.gt_sem_seg.data = torch.full_like(sample.gt_sem_seg.data, 12)
    return data


def test_feature_distance_holds_the_clear_target(bundle):
    """It starts at what the appearances differ by from noon; with the network moved away, it grows."""
    model = segmentor(feature_distance=FEATURES)
    inputs, samples = cars(batch(model, bundle, reference="noon"))
    assert [sample.metainfo["view"] for sample in samples] == [0, 1, -1] * 2
    losses = model.loss(inputs, samples)
    assert not [key for key in losses if "reference" in key]
    before = value(losses, "loss_features")
    losses["loss_features"].backward()
    assert model.backbone.layers[0].weight.grad.abs().max() > 0
    same = inputs.clone()
    for place in range(len(same)):
        same[place] = inputs[place - place % 3 + 2]  # every appearance is noon
    assert value(model.loss(same, samples), "loss_features") == pytest.approx(0, abs=1e-6)
    assert before > 1e-4
    with torch.no_grad():
        model.backbone.layers[3].weight += 0.2
    assert value(model.loss(same, samples), "loss_features") > 1e-4


def test_reference_changes_nothing_else(bundle):
    plain, model = segmentor(consistency=COSINE), segmentor(consistency=COSINE, feature_distance=FEATURES)
    first = plain.eval().loss(*batch(plain, bundle))
    second = model.eval().loss(*batch(model, bundle, reference="noon"))
    for key in ("loss_ce", "loss_consistency", "margin_1"):
        assert value(first, key) == pytest.approx(value(second, key), rel=1e-6)


def test_without_a_reference_each_appearance_is_its_own_target(bundle):
    model = segmentor(feature_distance=FEATURES)
    inputs, samples = cars(batch(model, bundle))
    assert value(model.loss(inputs, samples), "loss_features") == pytest.approx(0, abs=1e-7)
    with torch.no_grad():
        model.backbone.layers[3].weight += 0.2
    assert value(model.loss(inputs, samples), "loss_features") > 1e-4


def test_frozen_encoder_is_no_part_of_the_network(bundle):
    model, plain = segmentor(feature_distance=FEATURES), segmentor()
    assert model.state_dict().keys() == plain.state_dict().keys()
    assert len(list(model.parameters())) == len(list(plain.parameters()))
    model.train()
    assert not model._frozen[0].training


def test_random_encoder_cannot_be_the_target():
    with pytest.raises(InputError, match=r"model.backbone.weights=FILE"):
        segmentor(feature_distance=FEATURES, pretrained=False)


def test_monitors_name_appearances_and_draw_no_chance(bundle):
    model = segmentor(consistency=COSINE)
    inputs, samples = batch(model, bundle)
    torch.manual_seed(3)
    losses = model.loss(inputs, samples)
    after = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(1), after)
    names = {sample.metainfo["appearance"] for sample in samples}
    wanted = {f"ce_{name}" for name in names}
    wanted |= {f"{kind}_{stage}" for kind in ("margin", "cosine", "spread", "rank") for stage in range(1, 5)}
    assert wanted <= losses.keys()
    assert not [key for key in wanted if "loss" in key or losses[key].requires_grad]


def test_an_appearance_named_like_a_loss_is_not_added_up(bundle):
    model = segmentor()
    inputs, samples = batch(model, bundle)
    for sample in samples:
        sample.set_metainfo({"appearance": "glossy"})
    losses = model.loss(inputs, samples)
    assert float(model.parse_losses(losses)[0].detach()) == pytest.approx(value(losses, "loss_ce"))


def test_cross_entropy_of_each_appearance(bundle):
    """On the logits' own grid, against mmseg's function."""
    model = segmentor().eval()
    inputs, samples = batch(model, bundle)
    losses = model.loss(inputs, samples)
    with torch.no_grad():
        logits = model.decode_head(model.extract_feat(inputs))
    for name in {sample.metainfo["appearance"] for sample in samples}:
        places = [place for place, sample in enumerate(samples) if sample.metainfo["appearance"] == name]
        label = torch.stack([samples[place].gt_sem_seg.data[0, ::4, ::4] for place in places])
        expected = nn.functional.cross_entropy(logits[places], label, ignore_index=255)
        assert value(losses, f"ce_{name}") == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("channels_last", [False, True])
def test_one_upload_gives_what_mmseg_gives(bundle, channels_last):
    from mmseg.models import SegDataPreProcessor

    from harness.preprocessor import BundlePreProcessor

    settings = {"size": (32, 64), "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}
    ours, theirs = BundlePreProcessor(channels_last=channels_last, **settings), SegDataPreProcessor(**settings)
    raw = {"inputs": [torch.from_numpy(np.ascontiguousarray(i.transpose(2, 0, 1))) for i in bundle(1).images]}
    assert torch.equal(ours(raw)["inputs"], theirs(raw)["inputs"])
    assert ours(raw)["inputs"].is_contiguous(memory_format=torch.channels_last) == channels_last
    assert raw["inputs"][0].dtype == torch.uint8
    small = {"inputs": [image[:, :16] for image in raw["inputs"]]}
    assert torch.equal(ours(small)["inputs"], theirs(small)["inputs"])


def test_small_images_are_padded_as_mmseg_pads_them(bundle):
    model = segmentor()
    samples = []
    for place in range(2):
        results = as_results(bundle(place, height=24, width=40), -1, chance(0, 2, 0, place))
        for transform in (DrawAppearances(), TagsToClasses(), PackAppearances()):
            results = transform.transform(results)
        samples.append(results)
    data = model.data_preprocessor(collate_appearances(samples), True)
    assert data["inputs"].shape == (4, 3, 32, 64)
    assert (data["data_samples"][0].gt_sem_seg.data[0, 24:] == 255).all()


@pytest.mark.parametrize(("dtype", "low"), [("bfloat16", True), ("float32", False)])
def test_autocast_computes_low_and_keeps_losses_and_weights_high(bundle, dtype, low):
    """On a CPU autocast is asked for here by name; a config asks for it on a GPU alone."""
    from mmengine.registry import OPTIM_WRAPPERS

    model = segmentor(consistency=[COSINE, {**COSINE, "distance": "mmd"}], feature_distance=FEATURES)
    seen = []
    model.backbone.layers[1].register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for device, expected in (("cpu", torch.bfloat16 if low else torch.float32), ("cuda", torch.float32)):
        wrapper = OPTIM_WRAPPERS.build(
            {"type": "AutocastOptimWrapper", "optimizer": optimizer, "dtype": dtype, "device": device}
        )
        with wrapper.optim_context(model):
            losses = model.loss(*batch(model, bundle, reference="noon"))
        assert seen[0] == expected
        assert all(each.dtype == torch.float32 for key, each in losses.items() if "loss" in key)
        wrapper.update_params(model.parse_losses(losses)[0])
        assert all(each.dtype == torch.float32 for each in model.parameters())
        seen.clear()


def test_digest_of_the_frozen_encoder_tells_its_weights_apart():
    config = {"feature_distance": {"type": "FeatureDistance"}}
    one, two, none = segmentor(**config), segmentor(**config), segmentor()
    assert one.frozen_digest == two.frozen_digest
    assert len(one.frozen_digest) == 64
    assert none.frozen_digest == ""
    with torch.no_grad():
        two.backbone.layers[0].weight.add_(1)  # in training; the frozen copy stays
    assert one.frozen_digest == two.frozen_digest
    with torch.no_grad():
        two._frozen[0].layers[3].bias.add_(1e-6)
    assert one.frozen_digest != two.frozen_digest

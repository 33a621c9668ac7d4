"""Self-training: what is mixed with what, what weighs how much, three backwards and one step, and who predicts."""

import contextlib
import itertools

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import nn

import harness.modules  # noqa: F401
from harness.chance import chance, reseed
from harness.datasets import as_results, collate_appearances
from harness.segmentor import PairSegmentor
from harness.self_training import MIXED, SelfTrainingSegmentor, _sorted
from harness.targets import IgnoreMargins, PackTarget
from harness.transforms import DrawAppearances, PackAppearances, TagsToClasses
from protocols.errors import InputError

COSINE = {"type": "ConsistencyLoss", "distance": "cosine", "loss_weight": 1.0}
SIZE = (32, 64)


@MODELS.register_module()
class FourLayers(nn.Module):
    """A backbone of a few lines: strides 4, 8, 16, 32."""

    pretrained = True

    def __init__(self):
        super().__init__()
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
            images = torch.tanh(torch.sin(layer(images)))  # two, so that a compiled graph saves what is in between
            found.append(images)
        return tuple(found)


def segmentor(kind="SelfTrainingSegmentor", dropout=0.0, **more):
    init_default_scope("mmseg")
    torch.manual_seed(0)
    head = {
        **{"type": "DAFormerHead", "in_channels": [8, 8, 12, 16], "channels": 8, "num_classes": 16},
        **{"dropout_ratio": dropout, "loss_decode": {"type": "CrossEntropyLoss"}},
    }
    preprocessor = {"type": "BundlePreProcessor", "size": SIZE, "mean": [99] * 3, "std": [50] * 3}
    model = MODELS.build(
        ConfigDict(
            **{"type": kind, "data_preprocessor": preprocessor, "backbone": {"type": "FourLayers"}},
            **{"decode_head": head, "test_cfg": {"mode": "whole"}},
            **more,
        )
    )
    model.init_weights()
    return model.train()


def target_of(place, margins=None):
    """Return a packed target image, unlike any source image."""
    image = torch.randint(0, 256, (*SIZE, 3), generator=torch.Generator().manual_seed(100 + place)).byte().numpy()
    results = {"img": image, "img_path": f"target/{place}.png"}
    return PackTarget().transform(results if margins is None else IgnoreMargins(*margins).transform(results))


def batch(bundle, bundles=2, margins=None, **draw):
    """Return bundles as a data loader gives them, each with its target image."""
    samples = []
    for place in range(bundles):
        results = as_results(bundle(place, coarse=4), -1, chance(0, 2, 0, place))
        for transform in (DrawAppearances(**draw), TagsToClasses(), PackAppearances()):
            results = transform.transform(results)
        for key, value in target_of(place, margins).items():
            results[key].append(value)
        samples.append(results)
    return collate_appearances(samples)


def wrapper_of(model, **more):
    return OptimWrapper(torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1), **more)


def caught(model, data):
    """Return images and mixture of an iteration's mixed pass."""
    seen = []
    forward = model.forward

    def noted(inputs, data_samples=None, mode="tensor"):
        if mode == MIXED:
            seen.append((inputs, data_samples))
        return forward(inputs, data_samples, mode)

    model.forward = noted
    model.train_step(data, wrapper_of(model))
    return seen[0]


NO_AUGMENTATION = {"jitter_above": 1.0, "blur_above": 1.0}


@pytest.mark.parametrize("views", [1, 2, 3])
def test_all_appearances_share_target_mask_and_pseudo_label(bundle, views):
    """Byte for byte: pixels inside the class mask are each appearance's own, outside they are one target image's."""
    model = segmentor(augmentation=NO_AUGMENTATION)
    data = batch(bundle, count=views)
    normalised = model.data_preprocessor(data, True)
    (source, samples), (targets, _) = _sorted(normalised["inputs"], normalised["data_samples"])
    pseudo = model.teacher(targets).argmax(dim=1)
    images, mixture = caught(model, data)
    assert images.shape == (2 * views, 3, *SIZE)
    assert mixture.names == [sample.appearance for sample in samples]
    for place in range(2):
        mask, label = mixture.mask[place], samples[place * views].gt_sem_seg.data[0]
        assert 0 < mask.float().mean() < 1
        for view in range(views):
            image = images[place * views + view]
            assert torch.equal(image[:, mask], source[place * views + view][:, mask])
            assert torch.equal(image[:, ~mask], targets[place][:, ~mask])
        assert torch.equal(mixture.label[place][mask], label[mask])
        assert torch.equal(mixture.label[place][~mask], pseudo[place][~mask])
    if views > 1:
        assert not torch.equal(images[0], images[1])


def test_masked_rows_weigh_nothing_outside_the_class_mask_only(bundle):
    """Rows 0 to 4 and the last 7: what the source pasted there counts, what the teacher says there does not."""
    model = segmentor(threshold=0.0)  # sure of everything
    _, mixture = caught(model, batch(bundle, margins=(5, 7)))
    assert mixture.mask[:, :5].any()
    assert mixture.mask[:, -7:].any()
    expected = torch.ones(2, *SIZE)
    expected[:, :5] = 0
    expected[:, -7:] = 0
    assert torch.equal(mixture.weight, torch.where(mixture.mask, torch.ones(()), expected))


def test_share_of_sure_pixels_weighs_what_the_teacher_says(bundle):
    model = segmentor()
    data = batch(bundle)
    normalised = model.data_preprocessor(data, True)
    _, (targets, _) = _sorted(normalised["inputs"], normalised["data_samples"])
    likeliest = model.teacher(targets).softmax(dim=1).amax(dim=1)
    model.threshold = float(likeliest.quantile(0.7))
    share = (likeliest >= model.threshold).float().mean()
    assert share == pytest.approx(0.3, abs=0.01)
    _, mixture = caught(model, data)
    assert torch.equal(mixture.weight, torch.where(mixture.mask, torch.ones(()), share))


@pytest.mark.parametrize(("jitter", "alike"), [("shared", True), ("independent", False)])
def test_jitter_is_shared_by_appearances_or_not(bundle, jitter, alike):
    """Two equal appearances, changed: equal if they share the draw."""
    model = segmentor(jitter=jitter, augmentation={"jitter_above": -1.0, "blur_above": -1.0})
    images, _ = caught(model, batch(bundle, count=2, pairs="same"))
    assert torch.equal(images[0], images[1]) == alike
    assert not torch.allclose(images[0], images[2])


def gradients(model):
    return {name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None}


@pytest.fixture
def compiler():
    yield
    torch.compiler.reset()


def test_compiled_parts_take_the_second_backward_of_the_feature_distance(bundle, compiler):
    """A graph compiled where there is one backward gives away what it saved, unless told to keep it for a second."""
    data, found = batch(bundle, reference="noon"), []
    for compiled in (None, "aot_eager"):
        more = {"feature_distance": {"type": "FeatureDistance", "loss_weight": 0.05, "min_share": 0.2}}
        model = segmentor(compiled=compiled, augmentation=NO_AUGMENTATION, **more)
        reseed(1, 0)
        distance, model.feature_distance = model.feature_distance, None
        model.train_step(data, wrapper_of(model))
        model.feature_distance = distance
        assert "loss_features" in model.train_step(data, wrapper_of(model))
        found.append(model.state_dict())
    eager, compiled = found
    assert all(torch.allclose(compiled[key], value, atol=1e-5) for key, value in eager.items())


def test_three_backwards_and_one_step_are_the_sum_of_the_losses(bundle, monkeypatch):
    """By one backward over the sum, of a second network: the same gradients; and the optimizer steps once."""
    more = {
        "consistency": [COSINE, {"type": "LogitConsistencyLoss", "loss_weight": 2.0}],
        "feature_distance": {"type": "FeatureDistance", "loss_weight": 0.05, "min_share": 0.2},
        "mixed_weight": 0.5,
    }
    model, other = segmentor(**more), segmentor(**more)
    other.load_state_dict(model.state_dict())
    data = batch(bundle, reference="noon")
    steps, backwards, seen = [], [], []
    wrapper = wrapper_of(model)
    monkeypatch.setattr(wrapper, "step", lambda **_: steps.append(gradients(model)))
    backward = torch.Tensor.backward

    def noted(self, *args, **kwargs):
        backwards.append(float(self.detach()))
        backward(self, *args, **kwargs)

    monkeypatch.setattr(torch.Tensor, "backward", noted)
    forward = model.forward

    def call(inputs, data_samples=None, mode="tensor"):
        seen.append((inputs, data_samples, mode))
        return forward(inputs, data_samples, mode)

    monkeypatch.setattr(model, "forward", call)
    logged = model.train_step(data, wrapper)
    monkeypatch.undo()
    assert (len(steps), len(backwards), [mode for *_, mode in seen]) == (1, 3, ["loss", "mixed"])
    losses = {key: float(value) for key, value in logged.items() if "loss" in key and key != "loss"}
    assert losses.keys() == {
        *("loss_ce", "loss_consistency", "loss_features", "loss_mixed_ce", "loss_mixed_consistency"),
    }
    assert float(logged["loss"]) == pytest.approx(sum(losses.values()), rel=1e-6)
    assert sum(backwards) == pytest.approx(sum(losses.values()), rel=1e-6)
    (inputs, samples, _), (images, mixture, _) = seen
    source = other.loss(inputs, samples)
    total, _ = other.parse_losses(source)
    mixed, _ = other.parse_losses(other.mixed_loss(images, mixture))
    (total + mixed).backward()
    expected = gradients(other)
    assert steps[0].keys() == expected.keys()
    assert not any(name.startswith("teacher.") for name in expected)
    for name, value in expected.items():
        assert torch.allclose(steps[0][name], value, rtol=1e-4, atol=1e-6), name


def test_accumulated_parts_are_scaled_alike(bundle):
    """Two parts of one step: half the sum of their gradients; nothing moves after the first."""
    model = segmentor(consistency=COSINE, augmentation=NO_AUGMENTATION)
    before = {name: value.clone() for name, value in model.named_parameters()}
    wrapper = wrapper_of(model, accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 4)
    torch.manual_seed(1)
    model.train_step(batch(bundle), wrapper)
    assert all(torch.equal(value, before[name]) for name, value in model.named_parameters())
    half = gradients(model)
    alone = segmentor(consistency=COSINE, augmentation=NO_AUGMENTATION)
    torch.manual_seed(1)
    whole = wrapper_of(alone, accumulative_counts=1)
    whole.step = lambda **_: None
    whole.zero_grad = lambda **_: None
    alone.train_step(batch(bundle), whole)
    for name, value in gradients(alone).items():
        assert torch.allclose(half[name], value / 2, rtol=1e-4, atol=1e-7), name
    model.train_step(batch(bundle), wrapper)
    assert any(not torch.equal(value, before[name]) for name, value in model.named_parameters())


def test_pasted_support_looks_inside_the_class_mask_only(bundle):
    """Where both mixed images show the target they are equal; a change there goes unnoticed only if it is left out."""
    full, pasted = (segmentor(consistency=COSINE, mixed_support=support) for support in ("full", "pasted"))
    images, mixture = caught(full, batch(bundle, count=2))
    mask = torch.zeros_like(mixture.mask)
    mask[:, :, : SIZE[1] // 2] = True
    mixture = mixture._replace(mask=mask)
    for changed in (images.clone(), images.clone()):
        changed[::2, :, :, -8:] += 50.0  # of one appearance only, far outside
        values = [
            float(m.mixed_loss(i, mixture)["loss_mixed_consistency"]) for m in (full, pasted) for i in (images, changed)
        ]
        assert values[1] > values[0] + 1e-4
    stages = full.extract_feat(images)
    expected = 0.0
    for stage in stages:
        cells = stage.shape[3] // 2
        near = 1 - nn.functional.cosine_similarity(stage[::2], stage[1::2], dim=1)[:, :, :cells]
        expected += float(near.mean()) / len(stages)
    pasted.load_state_dict(full.state_dict())
    assert float(pasted.mixed_loss(images, mixture)["loss_mixed_consistency"]) == pytest.approx(expected, rel=1e-4)


def test_equal_mixed_images_cost_nothing(bundle):
    model = segmentor(consistency=COSINE, augmentation=NO_AUGMENTATION)
    images, mixture = caught(model, batch(bundle, count=2, pairs="same"))
    loss = model.mixed_loss(images, mixture)["loss_mixed_consistency"]
    loss.backward()
    assert float(loss) == pytest.approx(0.0, abs=1e-6)
    assert all(float(value.grad.abs().max()) < 1e-6 for value in model.backbone.parameters())


def test_student_predicts_and_teacher_is_in_the_checkpoint(bundle):
    model = segmentor().eval()
    images = torch.randn(1, 3, *SIZE)
    metas = [{"img_shape": SIZE, "ori_shape": SIZE, "pad_shape": SIZE}]
    before = model.encode_decode(images, metas)
    with torch.no_grad():
        for parameter in model.teacher.parameters():
            parameter.add_(1.0)
    assert torch.equal(model.encode_decode(images, metas), before)
    with torch.no_grad():
        model.backbone.layers[0].weight.add_(1.0)
    assert not torch.equal(model.encode_decode(images, metas), before)
    state = model.state_dict()
    own = [name for name in state if not name.startswith("teacher.")]
    assert {f"teacher.{name}" for name in own} == state.keys() - set(own)
    plain = segmentor("PairSegmentor")
    assert isinstance(plain, PairSegmentor)
    assert set(own) == plain.state_dict().keys()


def test_source_pass_is_that_of_the_trainer_without_a_target(bundle):
    model, plain = segmentor(consistency=COSINE), segmentor("PairSegmentor", consistency=COSINE)
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith("teacher.")})
    data = model.data_preprocessor(batch(bundle), True)
    (inputs, samples), _ = _sorted(data["inputs"], data["data_samples"])
    ours, theirs = model.loss(inputs, samples), plain.loss(inputs, samples)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_passes_before_the_last_one_exchange_no_gradients(bundle):
    """What a wrapper for several processes relies on: backward passes under `alone`, but for the last one's."""
    model, order = segmentor(consistency=COSINE), []

    @contextlib.contextmanager
    def alone():
        order.append("alone")
        yield
        order.append("together")

    class Wrapped:
        def __call__(self, *args, mode):
            order.append(mode)
            return model(*args, mode=mode)

        def parameters(self):
            return model.parameters()

    model.three_passes(batch(bundle), wrapper_of(model), Wrapped(), alone)
    assert order == ["alone", "loss", "together", "mixed"]


def test_small_target_images_are_trusted_only_where_they_are(bundle):
    data = batch(bundle)
    inputs = torch.zeros(len(data["inputs"]), 3, *SIZE)
    small = data["data_samples"][2]
    small.set_metainfo({"img_shape": (20, 30)})
    small.valid = PixelData(data=torch.ones(1, 20, 30, dtype=torch.uint8))
    _, (_, valid) = _sorted(inputs, data["data_samples"])
    assert valid[0, :20, :30].all()
    assert valid[0].sum() == 600
    assert valid[1].all()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"jitter": "sometimes"}, "jitter: expected shared or independent"),
        ({"mixed_support": "half"}, "mixed_support: expected one of full, pasted"),
        ({"mixed_support": "pasted", "consistency": {"type": "PlainLoss"}}, "PlainLoss.forward to take `inside`"),
    ],
)
def test_unknown_settings_are_refused_in_words(more, words):
    with pytest.raises(InputError, match=words):
        segmentor(**more)


@MODELS.register_module()
class PlainLoss(nn.Module):
    """A loss of a user who knows nothing of regions."""

    name = "plain"

    def forward(self, first, second, label):
        return (first.logits - second.logits).square().mean()


def test_a_users_loss_works_on_whole_mixed_images(bundle):
    model = segmentor(consistency={"type": "PlainLoss"})
    assert float(model.train_step(batch(bundle), wrapper_of(model))["loss_mixed_consistency"]) > 0


def test_a_balanced_source_has_a_balanced_mixture(bundle):
    """Weights of classes as the source pass left them; a plain source's mixture is plain."""
    model = segmentor()
    images, mixture = caught(model, batch(bundle))
    plain = float(model.mixed_loss(images, mixture)["loss_mixed_ce"])
    model.decode_head.loss_decode = MODELS.build({"type": "BalancedCrossEntropy", "num_classes": 16})
    model.decode_head.loss_decode.pixels[:] = torch.arange(1, 17)
    weights = model.decode_head.loss_decode.weights
    known = mixture.label.clamp_max(15)  # of ignored pixels no weight is asked
    large = nn.functional.interpolate(model.decode_head(model.extract_feat(images)), SIZE, mode="bilinear")
    each = nn.functional.cross_entropy(large, mixture.label.repeat_interleave(2, 0), ignore_index=255, reduction="none")
    expected = (each * (mixture.weight * weights[known]).repeat_interleave(2, 0)).mean()
    found = model.mixed_loss(images, mixture)["loss_mixed_ce"]
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    assert float(found) != pytest.approx(plain, rel=1e-2)


def test_bundles_without_target_images_are_refused_in_words(bundle):
    data = batch(bundle)
    del data["inputs"][2], data["data_samples"][2]
    model = segmentor()
    assert isinstance(model, SelfTrainingSegmentor)
    with pytest.raises(InputError, match=r"a target image beside each of 2 bundles, got 1; see .*target"):
        model.train_step(data, wrapper_of(model))

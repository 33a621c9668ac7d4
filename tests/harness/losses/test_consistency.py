"""The consistency modules choose distance, weight, stages and positions; all are called alike."""

import pytest
import torch

from harness.losses import ConsistencyLoss, LogitConsistencyLoss, PixelContrastLoss, View, cosine_distance, js_distance
from harness.losses.views import clear_first
from protocols.errors import InputError

LABEL = torch.arange(16).repeat_interleave(4).reshape(1, 1, 64).expand(2, 64, 64).contiguous()


def view(seed):
    dice = torch.Generator().manual_seed(seed)
    features = [torch.randn(2, 4 * stage, 16 // stage, 16 // stage, generator=dice) for stage in (1, 2, 4, 8)]
    return View(features, torch.randn(2, 16, 16, 16, generator=dice))


def test_average_over_chosen_stages():
    one, two = view(1), view(2)
    each = [cosine_distance(a, b) for a, b in zip(one.features[1:3], two.features[1:3], strict=True)]
    found = ConsistencyLoss("cosine", 0.1, stages=(2, 3))(one, two, LABEL)
    assert float(found) == pytest.approx(float(0.1 * sum(each) / 2))


def test_weights_multiply():
    one, two = view(1), view(2)
    assert float(LogitConsistencyLoss(3.0)(one, two, LABEL)) == pytest.approx(
        3 * float(js_distance(one.logits, two.logits))
    )
    torch.manual_seed(0)
    single = PixelContrastLoss(1.0, stages=(1,))(one, two, LABEL)
    torch.manual_seed(0)
    assert float(PixelContrastLoss(0.3, stages=(1,))(one, two, LABEL)) == pytest.approx(0.3 * float(single))


def test_normalised_features_may_be_scaled_and_shifted():
    """Each position by its own factor and offset over the channels: mmd does not notice, unless it is left as it is."""
    one, two = view(1), view(2)
    dice = torch.Generator().manual_seed(0)
    bent = [
        f * (0.5 + torch.rand(2, 1, *f.shape[2:], generator=dice)) + torch.rand(2, 1, 1, 1, generator=dice)
        for f in two.features
    ]
    for normalised in (True, False):
        loss = ConsistencyLoss("mmd", 1.0, positions=4096, normalised=normalised)
        same = float(loss(one, two, LABEL)) == pytest.approx(float(loss(one, View(bent, two.logits), LABEL)), rel=1e-3)
        assert same == normalised


def test_only_what_lies_inside_counts():
    """Features equal inside a region and wild outside: nothing is lost, and what is inside is averaged alone."""
    one, two = view(1), view(2)
    inside = torch.zeros(2, 64, 64, dtype=torch.bool)
    inside[0, :32] = True  # of bundle 1 nothing
    for loss in (ConsistencyLoss(), ConsistencyLoss("l2"), ConsistencyLoss("mmd"), LogitConsistencyLoss()):
        alike = View([f.clone() for f in two.features], two.logits.clone())
        for mine, theirs in zip((*alike.features, alike.logits), (*one.features, one.logits), strict=True):
            mine[0, :, : mine.shape[2] // 2] = theirs[0, :, : mine.shape[2] // 2]
        assert float(loss(one, alike, LABEL, inside=inside)) == pytest.approx(0, abs=1e-6)
        assert abs(float(loss(one, alike, LABEL))) > 1e-3
    halves = [
        cosine_distance(a[:1, :, : a.shape[2] // 2], b[:1, :, : a.shape[2] // 2])
        for a, b in zip(one.features, two.features, strict=True)
    ]
    assert float(ConsistencyLoss("cosine", 1.0)(one, two, LABEL, inside=inside)) == pytest.approx(
        float(sum(halves) / 4)
    )
    torch.manual_seed(0)
    found = PixelContrastLoss(1.0)(one, two, LABEL, inside=inside)
    torch.manual_seed(0)
    assert float(found) == pytest.approx(float(PixelContrastLoss(1.0)(one, two, torch.where(inside, LABEL, 255))))


@pytest.mark.parametrize("change", [{"distance": "nearness"}, {"stages": ()}, {"stages": (0,)}, {"stages": (5,)}])
def test_unknown_choice_is_refused(change):
    with pytest.raises(InputError, match="expected"):
        ConsistencyLoss(**change)


def test_only_the_less_clear_side_follows():
    """Of bundle 0 the first view is the clearer one, of bundle 1 the second."""
    one, two = view(1), view(2)
    for each in (one, two):
        for feature in (*each.features, each.logits):
            feature.requires_grad_()
    clear, other = clear_first(one, two, torch.tensor([False, True]))
    losses = ConsistencyLoss(), ConsistencyLoss("mmd"), LogitConsistencyLoss(), PixelContrastLoss()
    sum(loss(clear, other, LABEL) for loss in losses).backward()
    for first, second in zip((*one.features, one.logits), (*two.features, two.logits), strict=True):
        assert first.grad[0].abs().max() == second.grad[1].abs().max() == 0
        assert first.grad[1].abs().max() > 0
        assert second.grad[0].abs().max() > 0

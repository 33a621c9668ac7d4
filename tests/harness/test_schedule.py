"""The learning rate against DAFormer's formula, worked by hand, and through mmengine's optimizer."""

import pytest
import torch

from harness.schedule import WarmupPolyLR, factor

# lr(t) / base = (1 - t / 40000) * (1 - (1 - t / 1500) * (1 - 1e-6)), the second factor 1 from t = 1500 on
POINTS = {
    0: 1e-6,
    1: (1 - 1 / 40000) * (1 - (1 - 1 / 1500) * (1 - 1e-6)),
    750: (1 - 750 / 40000) * 0.5000005,
    1499: (1 - 1499 / 40000) * (1 - (1 / 1500) * (1 - 1e-6)),
    1500: 0.9625,
    20000: 0.5,
    39999: 0.000025,
}


@pytest.mark.parametrize("iteration", POINTS)
def test_seven_points(iteration):
    assert factor(iteration, total=40_000, warmup=1500) == pytest.approx(POINTS[iteration], rel=1e-9)


def test_scheduler_sets_each_group():
    parameters = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = torch.optim.AdamW([{"params": [parameters[0]]}, {"params": [parameters[1]], "lr": 6e-4}], lr=6e-5)
    scheduler = WarmupPolyLR(optimizer, total=40_000, warmup=1500, by_epoch=False)
    for iteration in range(1502):
        if iteration in POINTS:
            rates = [group["lr"] for group in optimizer.param_groups]
            assert rates == pytest.approx([6e-5 * POINTS[iteration], 6e-4 * POINTS[iteration]], rel=1e-9)
        optimizer.step()
        scheduler.step()

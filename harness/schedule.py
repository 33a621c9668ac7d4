"""Learning rate schedule of DAFormer: a linear warm-up that multiplies a polynomial decay.

mmengine's LinearLR followed by PolyLR is another curve: it starts the decay only after the warm-up.
"""

from __future__ import annotations

from typing import Any

from mmengine.optim.scheduler.lr_scheduler import LRSchedulerMixin
from mmengine.optim.scheduler.param_scheduler import _ParamScheduler
from mmengine.registry import PARAM_SCHEDULERS


def factor(iteration: int, *, total: int, warmup: int, ratio: float = 1e-6, power: float = 1.0) -> float:
    """Return what the base rate is multiplied by in an iteration.

    Args:
        iteration: 0-based.
        total: iterations in all; the rate is 0 there.
        warmup: iterations of the warm-up.
        ratio: of the first iteration.
        power: of the decay.
    """
    rising = 1 - (1 - iteration / warmup) * (1 - ratio) if iteration < warmup else 1.0
    return max(0.0, 1 - iteration / total) ** power * rising


class _WarmupPoly(_ParamScheduler):
    def __init__(
        self,
        optimizer: Any,
        param_name: str,
        *,
        total: int,
        warmup: int = 1500,
        ratio: float = 1e-6,
        power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        self.total, self.warmup, self.ratio, self.power = total, warmup, ratio, power
        super().__init__(optimizer, param_name, **kwargs)

    def _get_value(self) -> list[float]:
        scale = factor(self.last_step, total=self.total, warmup=self.warmup, ratio=self.ratio, power=self.power)
        return [base * scale for base in self.base_values]


@PARAM_SCHEDULERS.register_module()
class WarmupPolyLR(LRSchedulerMixin, _WarmupPoly):
    """Set the learning rate to base * (1 - t/total)^power * warm-up(t)."""

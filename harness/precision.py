"""Precision: forward and losses in bfloat16 where there is a GPU; the same config trains in float32 on a CPU."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """Step in float32, after a forward under autocast.

    bfloat16 has float32's range, so nothing needs to be scaled, as mmengine's AmpOptimWrapper would.
    """

    def __init__(self, *args: Any, dtype: str = "bfloat16", device: str = "cuda", **kwargs: Any) -> None:
        """Set the precision.

        Args:
            args: as `OptimWrapper`.
            dtype: of the forward: bfloat16, or float32 for none.
            device: kind on which autocast is used; others train in float32.
            kwargs: as `OptimWrapper`.
        """
        super().__init__(*args, **kwargs)
        self.dtype = getattr(torch, dtype)
        self.device = device

    @contextlib.contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        """Put the forward under autocast.

        Args:
            model: the network.
        """
        wanted = self.dtype != torch.float32 and next(model.parameters()).device.type == self.device
        with super().optim_context(model), torch.autocast(self.device, dtype=torch.bfloat16, enabled=wanted):
            yield

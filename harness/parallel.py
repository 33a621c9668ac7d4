"""Parallel: the same network on several ranks, whose gradients are averaged before each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mmengine.model import MMDistributedDataParallel, is_model_wrapper
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor, nn

from harness.ranks import Ranks

if TYPE_CHECKING:
    from mmengine.config import Config

LEADERS = ("LiveProgress", "MarginProbe", "ResumableCheckpoint", "SaveWeights")
"""Hooks of rank 0 alone: they show and write."""


def bare(model: Any) -> Any:
    """Return the network itself, without what wraps it: its weights are named as those of one process."""
    return model.module if is_model_wrapper(model) else model


@MODEL_WRAPPERS.register_module()
class EncoderDecoderDDP(MMDistributedDataParallel):
    """Average the gradients of all ranks; batch statistics and other buffers stay each rank's own."""

    def __init__(
        self, module: nn.Module, device_ids: Any = None, broadcast_buffers: bool = False, **kwargs: Any
    ) -> None:
        """Wrap a network.

        Args:
            module: the network, on its device.
            device_ids: as mmengine gives them; not used on a CPU.
            broadcast_buffers: whether rank 0's buffers replace the others' before each forward.
            kwargs: as `torch.nn.parallel.DistributedDataParallel`.
        """
        if next(module.parameters()).device.type == "cpu":
            device_ids = None
        super().__init__(module, device_ids=device_ids, broadcast_buffers=broadcast_buffers, **kwargs)

    def train_step(self, data: Any, optim_wrapper: Any) -> dict[str, Tensor]:
        """Do one iteration and return all that is logged; of self-training, only the last of three passes exchanges.

        Args:
            data: of the data loader.
            optim_wrapper: steps once.
        """
        if hasattr(self.module, "three_passes"):
            found: dict[str, Tensor] = self.module.three_passes(data, optim_wrapper, self, self.no_sync)
            return found
        found = super().train_step(data, optim_wrapper)
        return found


def share_out(config: Config, ranks: Ranks) -> None:
    """Change a config, as it is for one process, to what this rank is to do.

    Args:
        config: of the trainer, with everything in it.
        ranks: which of them this is.
    """
    config.launcher = "pytorch"
    config.ranks = ranks.world
    config.setdefault("model_wrapper_cfg", {"type": "EncoderDecoderDDP"})
    if ranks.leads:
        return
    dataset = config.train_dataloader.dataset
    checkpoint = dataset.get("resume_from")
    config.train_dataloader.dataset = {"type": "DealtBundles", "seed": dataset.get("seed", 0)}
    config.custom_hooks = [hook for hook in config.custom_hooks if hook["type"] not in LEADERS]
    config.custom_hooks.append({"type": "FollowCheckpoint", "resume_from": checkpoint})

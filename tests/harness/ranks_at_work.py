"""What test_parallel.py has torchrun start twice: gradients of fixed shares, a run to its end, a run that is killed."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper
from mmseg.registry import MODEL_WRAPPERS, MODELS

sys.path.insert(0, str(Path(__file__).parent))
from conftest import make_bundle
from mmengine.registry import init_default_scope

from harness import training
from harness.chance import chance
from harness.cli import main
from harness.datasets import as_results, collate_appearances
from harness.ranks import joined
from harness.segmentor import PairSegmentor
from harness.transforms import CropAll, DrawAppearances, PackAppearances, TagsToClasses


@MODELS.register_module()
class TwoPasses(PairSegmentor):
    """Stand in for self-training: a pass whose gradients stay here, then one that exchanges all."""

    exchanged: list[bool]

    def three_passes(self, data: Any, optim_wrapper: Any, network: Any, alone: Any) -> dict[str, torch.Tensor]:
        self.exchanged = []
        data = self.data_preprocessor(data, True)
        with alone():
            self._pass(network, data, optim_wrapper).backward()
        data["inputs"] = data["inputs"].flip(3)
        optim_wrapper.update_params(self._pass(network, data, optim_wrapper))
        return {}

    def _pass(self, network: Any, data: Any, optim_wrapper: Any) -> torch.Tensor:
        self.exchanged.append(getattr(network, "require_backward_grad_sync", True))
        with optim_wrapper.optim_context(network):
            return self.parse_losses(network(**data, mode="loss"))[0]


class Kept(OptimWrapper):
    """Keep the gradients of a step in place of stepping."""

    def step(self, **_: Any) -> None:
        self.kept = [None if one.grad is None else one.grad.clone() for one in self.optimizer.param_groups[0]["params"]]


def network(config: Path, kind: str) -> Any:
    """Return the tiny network, the same every time, and without chance in it."""
    init_default_scope("mmseg")
    MMLogger.get_current_instance().setLevel("WARNING")  # it names every parameter it initialises
    model = training.load_config(str(config), {}, config.parent / "none").model
    model.type = kind
    model.backbone.drop_path_rate = model.decode_head.dropout_ratio = 0.0
    torch.manual_seed(0)
    made = MODELS.build(model)
    made.init_weights()
    return made


def gradients(model: Any, places: range) -> list[Any]:
    """Return the gradients of one step on the bundles of these places of a batch."""
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()
    samples = []
    for place in places:
        results = as_results(make_bundle(place, 64, 128), -1, chance(5, 2, 0, place))
        for step in (DrawAppearances(), TagsToClasses(), CropAll((64, 64)), PackAppearances()):
            results = step.transform(results)
        samples.append(results)
    kept = Kept(torch.optim.SGD(model.parameters(), lr=1.0))
    if hasattr(model, "three_passes"):  # not wrapped: one process
        model.three_passes(collate_appearances(samples), kept, model, contextlib.nullcontext)
    else:
        model.train_step(collate_appearances(samples), kept)
    return kept.kept


def both_gradients(config: Path, share: int) -> None:
    """Take the gradients of this rank's share, averaged with the other's, and write them."""
    with joined() as ranks:
        found = {}
        for kind in ("PairSegmentor", "TwoPasses"):
            model = MODEL_WRAPPERS.build({"type": "EncoderDecoderDDP"}, default_args={"module": network(config, kind)})
            found[kind] = gradients(model, range(ranks.rank * share, (ranks.rank + 1) * share))
        assert model.module.exchanged == [False, True]
        torch.save(found, config.parent / f"gradients_{ranks.rank}.pth")


if __name__ == "__main__":
    config, *runs = sys.argv[1:]
    Path(config).with_name(f"pid_{os.environ['RANK']}").write_text(str(os.getpid()))
    both_gradients(Path(config), 2)
    for run in runs:
        status = main(run.split())
    sys.exit(status)

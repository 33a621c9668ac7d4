"""Gradients summed over iterations: the same step as with larger batches, and resumed between two whole steps."""

import pytest
import torch
from mmengine.registry import OPTIM_WRAPPERS, init_default_scope
from mmseg.registry import MODELS

from harness import datasets, training
from harness.chance import chance
from harness.datasets import as_results, collate_appearances
from harness.resume import ResumableCheckpoint, StoppedError
from harness.transforms import CropAll, DrawAppearances, PackAppearances, TagsToClasses


def still(network):
    """Take out whatever is chance, or mixes images of a batch."""
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()
    return network


@pytest.fixture
def network(tiny_config, tmp_path):
    """Return a function that makes the tiny network, every time with the same weights, and without chance in it."""
    (tmp_path / "tiny.py").write_text(tiny_config("cosine"))
    config = training.load_config(str(tmp_path / "tiny.py"), {}, tmp_path).model
    config.backbone.drop_path_rate = config.decode_head.dropout_ratio = 0.0
    config.decode_head.loss_decode = {"type": "CrossEntropyLoss"}  # the balanced one weighs by all it has seen so far
    training.build_runner  # noqa: B018  # what the config names is imported with it
    init_default_scope("mmseg")

    def make():
        torch.manual_seed(0)
        made = MODELS.build(config)
        made.init_weights()
        return still(made)

    return make


def batch(bundle, places):
    samples = []
    for place in places:
        results = as_results(bundle(place, 64, 128), -1, chance(5, 2, 0, place))
        for step in (DrawAppearances(), TagsToClasses(), CropAll((64, 64)), PackAppearances()):
            results = step.transform(results)
        samples.append(results)
    return collate_appearances(samples)


def stepped(network, batches, **wrapper):
    """Return the parameters after as many iterations as there are batches."""
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    made = OPTIM_WRAPPERS.build({"type": "AutocastOptimWrapper", "optimizer": optimizer, **wrapper})
    for each in batches:
        network.train_step(each, made)
    return dict(network.named_parameters())


def test_two_halves_make_the_step_of_a_whole_batch(network, bundle):
    before = dict(network().named_parameters())
    whole = stepped(network(), [batch(bundle, range(4))])
    halves = stepped(network(), [batch(bundle, range(2)), batch(bundle, range(2, 4))], accumulative_counts=2)
    first = stepped(network(), [batch(bundle, range(2))], accumulative_counts=2)
    steps = {name: (whole[name] - before[name], halves[name] - before[name]) for name in before}
    largest = max(float(one.norm()) for one, _ in steps.values())
    assert largest > 0.01
    for name, (one, two) in steps.items():
        assert float((one - two).norm()) <= 1e-5 * float(one.norm()) + 1e-6 * largest, name
        assert torch.equal(first[name], before[name])  # no step before both are there


@pytest.fixture
def run(tiny_config, tmp_path, bundle, still_stream, monkeypatch):
    """Return a function that builds a run with steps of 3 iterations, and a checkpoint about every 4."""
    (tmp_path / "tiny.py").write_text(tiny_config("cosine"))

    def build(name, checkpoint=None, iterations=8):
        monkeypatch.setattr(datasets, "open_stream", still_stream(bundle))
        options = {"optim_wrapper.accumulative_counts": 3, **dict.fromkeys(("val_dataloader", "val_cfg"))}
        config = training.load_config(str(tmp_path / "tiny.py"), options, tmp_path / name / "logs")
        config.val_evaluator = None
        training.set_seed(config, 5)
        training.set_iterations(config, iterations)
        config.train_dataloader.dataset.resume_from = checkpoint
        config.custom_hooks.append({"type": "ResumableCheckpoint", "interval": 4, "resume_from": checkpoint})
        runner = training.build_runner(config)
        return runner, next(hook for hook in runner.hooks if isinstance(hook, ResumableCheckpoint))

    return build


def kept(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def test_checkpoints_are_written_between_steps_and_go_on_exactly(run, tmp_path):
    whole, _ = run("whole")
    whole.train()
    assert kept(tmp_path / "whole") == ["checkpoint_0000006.pth", "checkpoint_0000008.pth"]  # the last step is of two
    part, keeper = run("part")
    keeper.told = lambda: part.iter >= 4  # while it waits for the fifth: a step is taken after the sixth
    with pytest.raises(StoppedError, match="stopped after 6 iterations"):
        part.train()
    assert kept(tmp_path / "part") == ["checkpoint_0000000.pth", "checkpoint_0000006.pth"]
    part, _ = run("part", str(tmp_path / "part/checkpoints/checkpoint_0000006.pth"))
    part.train()
    found = part.model.state_dict()
    assert all(torch.equal(value, found[name]) for name, value in whole.model.state_dict().items())
    first, second = ((tmp_path / name / "journal.jsonl").read_bytes() for name in ("whole", "part"))
    assert first == second

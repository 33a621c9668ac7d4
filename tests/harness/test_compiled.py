"""torch.compile of encoder and head: the same losses, the same names of weights, and an eager copy for the teacher."""

import copy

import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from harness import training
from harness.chance import chance, reseed
from harness.datasets import as_results, collate_appearances
from harness.transforms import CropAll, DrawAppearances, PackAppearances, TagsToClasses
from protocols.errors import InputError


@pytest.fixture
def network(tiny_config, tmp_path):
    """Return a function that makes the tiny network, every time with the same weights: (backend)."""
    (tmp_path / "tiny.py").write_text(tiny_config("cosine"))
    config = training.load_config(str(tmp_path / "tiny.py"), {}, tmp_path).model
    init_default_scope("mmseg")

    def make(compiled):
        torch.manual_seed(0)
        config.compiled = compiled
        made = MODELS.build(config)
        made.init_weights()
        return made.train()

    yield make
    torch.compiler.reset()


def losses(network, bundle):
    """Return the losses of one batch, and the sum of all gradients' sizes."""
    samples = []
    for place in range(2):
        results = as_results(bundle(place, 64, 128), -1, chance(5, 2, 0, place))
        for step in (DrawAppearances(), TagsToClasses(), CropAll((64, 64)), PackAppearances()):
            results = step.transform(results)
        samples.append(results)
    reseed(1, 0)
    data = network.data_preprocessor(collate_appearances(samples), True)
    total, found = network.parse_losses(network(**data, mode="loss"))
    total.backward()
    found["gradients"] = sum(parameter.grad.abs().sum() for parameter in network.parameters())
    return {key: float(value) for key, value in found.items()}


def test_losses_and_gradients_are_those_of_the_eager_network(network, bundle, monkeypatch, scale):
    """The soak goes all steps but the last, which needs a compiler; the default captures graphs, and runs them."""
    eager, compiled = network(None), network("aot_eager" if scale == "soak" else "eager")
    assert list(compiled.state_dict()) == list(eager.state_dict())
    expected = losses(eager, bundle)
    calls = []
    monkeypatch.setattr(type(compiled.backbone), "_call_impl", lambda *_, **__: calls.append(1))
    found = losses(compiled, bundle)
    assert not calls  # it went another way than the eager one does
    assert found == pytest.approx(expected, rel=1e-5)
    assert copy.deepcopy(compiled.backbone)._compiled_call_impl is None


def test_unknown_backends_are_refused_in_words(network):
    with pytest.raises(InputError, match=r"compiled: expected 'inductor', or another .*, got 'fast'"):
        network("fast")


def test_inductor_without_a_compiler_is_refused_in_words(network, monkeypatch):
    monkeypatch.setenv("CXX", "/no/such/compiler")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"a C\+\+ compiler, /no/such/compiler or .* set model.compiled=None"):
        network("inductor")

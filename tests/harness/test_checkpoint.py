"""A file of weights is data: whoever reads one, and by whichever door of mmengine's, no code in it runs."""

import os

import numpy as np
import pytest
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.model import BaseModule
from mmengine.runner import load_checkpoint
from mmengine.runner.checkpoint import _load_checkpoint_with_prefix
from torch import nn

import harness.modules  # noqa: F401
from harness.checkpoint import load_weights, read_tensors
from harness.mix_transformer import MixTransformer
from protocols.errors import InputError


class Trap:
    """Make a folder when unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return (os.mkdir, (self.folder,))


class Layer(BaseModule):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.linear = nn.Linear(2, 2)


def pretrained(file):
    Layer(init_cfg={"type": "Pretrained", "checkpoint": file}).init_weights()


DOORS = {
    "load_weights": load_weights,
    "read_tensors": read_tensors,
    "mit": lambda file: MixTransformer("B0", weights=file).init_weights(),
    "init_cfg": pretrained,
    "load_checkpoint": lambda file: load_checkpoint(nn.Linear(2, 2), file),
    "prefix": lambda file: _load_checkpoint_with_prefix("backbone.", file),
}


@pytest.mark.parametrize("door", DOORS)
def test_hostile_file_runs_nothing(door, tmp_path):
    torch.save({"state_dict": {"weight": Trap(tmp_path / "sprung")}}, tmp_path / "hostile.pth")
    with pytest.raises(InputError, match="weights and nothing else"):
        DOORS[door](str(tmp_path / "hostile.pth"))
    assert not (tmp_path / "sprung").exists()


def test_the_trap_would_have_sprung(tmp_path):
    torch.save({"weight": Trap(tmp_path / "sprung")}, tmp_path / "hostile.pth")
    torch.load(tmp_path / "hostile.pth", weights_only=False)
    assert (tmp_path / "sprung").exists()


@pytest.mark.parametrize("door", ["load_weights", "load_checkpoint", "init_cfg"])
def test_missing_file_in_words(door, tmp_path):
    with pytest.raises(InputError, match="No such file"):
        DOORS[door](str(tmp_path / "none.pth"))


@pytest.mark.parametrize("scheme", ["https", "http", "torchvision", "open-mmlab", "s3", "modelzoo"])
def test_nothing_is_downloaded(scheme):
    with pytest.raises(InputError, match="nothing is downloaded"):
        pretrained(f"{scheme}://weights.pth")


def test_checkpoints_of_mmengine_are_read(tmp_path):
    """They hold numpy values and the log beside the weights."""
    log = HistoryBuffer([1.0, 2.0], [1, 1])
    state = {"state_dict": {"weight": torch.ones(2)}, "message_hub": {"loss": log}, "meta": {"iter": np.float64(3)}}
    torch.save(state, tmp_path / "iter_3.pth")
    assert read_tensors(tmp_path / "iter_3.pth")["message_hub"]["loss"].mean() == 1.5
    assert load_weights(tmp_path / "iter_3.pth")["weight"].tolist() == [1, 1]


@pytest.mark.parametrize("content", [{"weight": 3}, [torch.ones(1)], {"state_dict": {"weight": "x"}}])
def test_something_else_in_words(content, tmp_path):
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(InputError, match="expected a dict of tensors"):
        load_weights(tmp_path / "odd.pth")


class Reach:
    """Reach for a method of a class that a log may not name."""

    def __reduce__(self):
        return (getattr, (HistoryBuffer, "__init_subclass__"))


def test_a_log_names_its_own_methods_only(tmp_path):
    torch.save({"log": Reach()}, tmp_path / "reach.pth")
    with pytest.raises(InputError, match="a call of getattr"):
        read_tensors(tmp_path / "reach.pth")


def test_the_message_names_the_call_and_does_not_invite_to_it(tmp_path):
    torch.save({"weight": Trap(tmp_path / "sprung")}, tmp_path / "hostile.pth")
    with pytest.raises(InputError) as caught:
        load_weights(tmp_path / "hostile.pth")
    assert str(caught.value).endswith("got: a call of posix.mkdir")

"""The evaluate command on bundles: a recording and a live stream score as the same bundles do in memory."""

import json
import threading

import pytest
import torch

from harness import cli, training
from harness.evaluation import Predictor, evaluate, examples
from protocols.bundle import encode_bundle
from protocols.recording import RecordingWriter

COUNT = 3
NAME = "daformer_dg_baseline_small"
OPTIONS = ["model.backbone.pretrained=False", "model.decode_head.channels=8", "model.data_preprocessor.size=(32,32)"]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Return a tiny network and a file of its weights."""
    folder = tmp_path_factory.mktemp("network")
    with training.silence():
        import harness.modules  # noqa: F401

        config = training.load_config(NAME, training.parse_options(OPTIONS), folder)
        from mmengine.registry import init_default_scope
        from mmseg.registry import MODELS

        init_default_scope("mmseg")
        torch.manual_seed(3)
        model = MODELS.build(config.model).eval()
    torch.nn.init.normal_(model.decode_head.conv_seg.weight)  # not all one class
    torch.save(model.state_dict(), folder / "weights.pth")
    return model, folder / "weights.pth"


@pytest.fixture
def score(network, bundle, tmp_path):
    """Return a function that runs the command, and checks what it wrote against the bundles themselves."""
    model, weights = network

    def score(*where):
        file = tmp_path / "scores.json"
        command = ["evaluate", NAME, str(weights), *where, "--json", str(file), "--cfg-options", *OPTIONS]
        assert cli.main(command) == 0
        found = json.loads(file.read_text())["groups"]
        expected = evaluate(Predictor(model), examples(bundle(index) for index in range(COUNT)))
        assert {name: group["images"] for name, group in found.items()} == {"all": 9, "noon": 3, "night": 3, "fog": 3}
        for name, group in expected.items():
            for convention in ("sixteen_strict", "sixteen_ignore", "nineteen"):
                assert found[name][convention]["IoU"] == pytest.approx(group[convention]["IoU"], abs=1e-6)
        assert found["noon"]["nineteen"]["IoU"] != found["night"]["nineteen"]["IoU"]

    return score


def test_a_recording(score, bundle, tmp_path):
    with open(tmp_path / "some.rec", "x+b", buffering=0) as opened:
        writer = RecordingWriter(opened)
        for index in (2, 0, 1):
            writer.append(encode_bundle(bundle(index), mask_codec="zstd"))
        writer.close()
    score("--data", "recording", "--root", str(tmp_path / "some.rec"))


def test_a_live_stream_of_which_so_many_are_taken(score, fake_plugin, tmp_path):
    address = f"ipc://{tmp_path}/bundles"
    plugin = fake_plugin(address)  # it makes more than are asked for
    score("--data", "stream", "--root", address, "--count", str(COUNT))
    plugin.join()
    assert plugin.error is None
    assert plugin.sent == COUNT
    assert not [thread for thread in threading.enumerate() if thread.name == "receiver"]

"""The whole plugin through the real wheel: bundles follow from scenario and seed, and say what they are."""

import json

import numpy as np
import pytest

from protocols.bundle import mask_hash
from protocols.recording import Recording


def streamed(command, ended, trainer, simulator, *arguments):
    process = command("stream", *arguments, "--server", simulator.address, "--to", trainer.endpoint)
    trainer.pump(lambda t: process.poll() is not None or (t.bundles and not t.consumer.producers))
    status, lines = ended(process)
    return status, lines


def test_bundles_say_what_they_are(simulator, trainer, tiny, command, ended, tmp_path):
    log = tmp_path / "log.json"
    status, lines = streamed(command, ended, trainer, simulator, tiny, "--bundles", "4", "--json", str(log))
    assert status == 0
    assert lines[-1] == "bundles sent 4, masks checked 12, refused 0"
    # three bundles an episode: the fourth begins the next
    assert [b.header.identity for b in trainer.bundles] == ["tiny:5:0:0", "tiny:5:0:1", "tiny:5:0:2", "tiny:5:1:3"]
    for bundle in trainer.bundles:
        assert bundle.header.appearances == ("noon", "night", "rain")
        assert bundle.header.town == "Grid_07"
        assert bundle.images.shape == (3, 32, 64, 3)
        assert bundle.header.mask_sha256 == mask_hash(bundle.mask)
        assert set(np.unique(bundle.mask)) <= set(range(29))
        noon, night, _ = (float(image.mean()) for image in bundle.images)
        assert noon > 1.2 * night
    assert len({bundle.header.mask_sha256 for bundle in trainer.bundles}) == 4
    told = json.loads(log.read_text())
    assert (told["bundles"], told["masks_checked"], told["masks_refused"]) == (4, 12, 0)


def test_same_seed_same_bundles(scale, simulator, trainers, tiny, command, ended):
    if scale == "test":
        pytest.skip("test_replay.py holds it to two servers; this is part of make soak")
    runs = []
    for seed in ("5", "5", "6"):
        trainer = trainers()
        assert streamed(command, ended, trainer, simulator, tiny, "--bundles", "4", "--seed", seed)[0] == 0
        runs.append(trainer.identities())
    assert runs[0] == runs[1]
    assert not {mask for _, mask, _ in runs[0]} & {mask for _, mask, _ in runs[2]}


def test_a_recording_without_a_trainer_goes_on_where_it_was(simulator, tiny, command, ended, tmp_path):
    """The first call fills half of it, the second makes what is missing, the third nothing."""
    file = tmp_path / "tiny.rec"
    made = []
    for bundles in ("2", "4", "4"):
        process = command("stream", tiny, "--server", simulator.address, "--record", str(file), "--bundles", bundles)
        status, lines = ended(process)
        assert status == 0, lines
        made.append(lines[-1].partition(",")[0])
    assert made == ["bundles sent 2", "bundles sent 2", "bundles sent 0"]
    with file.open("rb") as opened:
        recording = Recording(opened)
        assert recording.indices == [0, 1, 2, 3]
        assert recording.header(3).identity == "tiny:5:1:3"


def test_a_trainer_that_has_enough_ends_it(simulator, trainer, tiny, command, ended):
    process = command("stream", tiny, "--bundles", "1000", "--server", simulator.address, "--to", trainer.endpoint)
    trainer.pump(lambda t: t.bundles)
    trainer.send(trainer.consumer.stop())
    trainer.pump(lambda t: not t.consumer.producers)
    status, lines = ended(process)
    assert status == 0
    assert lines[-1].endswith("the trainer has enough")


def test_preview_of_a_running_stream(simulator, trainer, tiny, command, ended, tmp_path, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    endpoint = f"ipc://{tmp_path}/monitor"
    process = command(
        "stream", tiny, "--bundles", "1000", "--server", simulator.address, "--to", trainer.endpoint,
        "--monitor", endpoint,
    )  # fmt: skip
    preview = command("preview", "--from", endpoint, "--snapshot", str(tmp_path / "seen.png"), "--frames", "2")
    trainer.pump(lambda t: preview.poll() is not None)
    assert ended(preview) == (0, [])
    assert (tmp_path / "seen.png").stat().st_size > 1000
    trainer.send(trainer.consumer.stop())
    trainer.pump(lambda t: not t.consumer.producers)
    assert ended(process)[0] == 0

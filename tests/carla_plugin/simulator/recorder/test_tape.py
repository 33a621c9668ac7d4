"""The tape: where recordings may lie, and what is said of those that are not there."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from carla_plugin.simulator.recorder import recorder
from carla_plugin.simulator.recorder.frames import Birth, Blow, Frame, Recording
from carla_plugin.simulator.recorder.reports import blocked, collisions
from carla_plugin.simulator.recorder.tape import Tape
from carla_plugin.simulator.refusal import CallError
from protocols.carla_rpc.types import ActorDescription, Location, Transform


@pytest.fixture
def tape(tmp_path) -> Tape:
    return Tape(tmp_path / "recordings", lambda what, where: None)


@pytest.mark.parametrize("name", ["a.log", "/etc/a.log", "../../a.log", "C:\\tmp\\a.log", "./x/../a.log"])
def test_whatever_path_is_given_the_file_lies_in_the_folder(tape, tmp_path, name):
    assert tape.path(name) == tmp_path / "recordings" / "a.log"


@pytest.mark.parametrize("name", ["", "/", "..", "a/..", "x\0y"])
def test_a_name_is_needed(tape, name):
    with pytest.raises(CallError):
        tape.path(name)


def test_a_file_that_is_none_is_told_of(tape, tmp_path):
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "b.log").write_bytes(b"no recording")
    assert tape.open("a.log").endswith("not found on server\n")
    assert "is not a CARLA recorder" in tape.open("b.log")


def test_a_folder_that_cannot_be_made_is_an_error_of_the_call(tmp_path):
    (tmp_path / "file").write_text("in the way")
    world = SimpleNamespace(town=SimpleNamespace(name="Grid_07"))
    with pytest.raises(CallError, match="cannot be written"):
        Tape(tmp_path / "file" / "x", lambda what, where: None).start(world, "a.log", False)


def test_a_full_disk_ends_the_recording_and_not_the_simulator(tape, tmp_path, monkeypatch, caplog):
    world = SimpleNamespace(
        town=SimpleNamespace(name="Grid_07"), elapsed_s=0.0, step_s=0.05, actors={}, collisions=[]
    )  # fmt: skip
    path = tape.start(world, "a.log", False)
    assert path == str(tmp_path / "recordings" / "a.log")

    def full(frame):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recorder, "frame_bytes", full)
    tape.after_step(world)
    tape.after_step(world)
    assert caplog.text.count("No space left") == 1


def still(seconds: float, x: float, blows: list[Blow]) -> Frame:
    return Frame(int(seconds) + 1, 1.0, seconds, places={1: Transform(Location(x))}, blows=blows)


def test_reports_tell_of_who_touched_and_who_stood():
    frames = [still(float(second), 0.0 if second < 5 else 10.0 * second, []) for second in range(10)]
    for number, name in ((1, "vehicle.a.b"), (2, "walker.pedestrian.0001")):
        kind = 1 if number == 1 else 2
        frames[0].births.append(Birth(number, kind, Transform(), ActorDescription(0, name)))
    frames[3].blows = frames[4].blows = [Blow(1, 1, 2)]
    recording = Recording("Grid_07", 0, frames)
    assert collisions(recording, "v", "w").count("walker.pedestrian.0001") == 1
    assert collisions(recording, "w", "a").count("walker.pedestrian.0001") == 1
    assert "walker" not in collisions(recording, "v", "v")
    assert "vehicle.a.b" in blocked(recording, 4.0, 100.0)
    assert "vehicle.a.b" not in blocked(recording, 6.0, 100.0)

"""Layouts files: read as written, episode by episode; what is broken, cut short or hostile is refused in words."""

import random
import zlib

import msgspec
import pytest
import zstandard

from carla_plugin import layouts_file
from carla_plugin.cli import main
from carla_plugin.layouts import ActorPlan, Layouts, Moment, Pose
from carla_plugin.layouts_file import (
    END,
    EPISODE,
    HEAD,
    MAGIC,
    PART,
    LayoutsError,
    load_source,
    open_layouts,
    write_layouts,
)
from carla_plugin.scenario import parse_scenario
from protocols.carla_rpc.types import Location, Rotation, Transform

SCENARIO = parse_scenario(
    "seed: 5\ntown: Grid_07\nappearances: [noon, {name: haze, fog_density: [3, 9]}]\nepisodes: 3\nbundles: 2\n"
    "name: made\n"
    "cameras: [{name: a}, {name: b, preset: cityscapes}]\nplanes: [depth]\n",
    "made.yaml",
)


def place(dice: random.Random) -> Transform:
    x, y, z, pitch, yaw, roll = (dice.uniform(-99.0, 99.0) for _ in range(6))
    return Transform(Location(x, y, z), Rotation(pitch, yaw, roll))


def plan(episode: int) -> Layouts:
    dice = random.Random(episode)
    actors = (
        ActorPlan("cars", "vehicle.a.b", (("color", "1,2,3"),)),
        ActorPlan("pedestrians", "walker.pedestrian.0001"),
        ActorPlan("trucks", "vehicle.c", parked=True),
    )
    moments = tuple(
        Moment(
            tick=3 * number,
            places=tuple(place(dice) for _ in actors),
            lights=(3, 0, 0),
            poses=(-1, number, -1),
            signals=(0, 2),
            cameras=(place(dice), place(dice)),
            hidden=0,
        )
        for number in range(2)
    )
    bones = tuple(Pose(0, dice.randbytes(48)) for _ in range(2))
    return Layouts(
        town="Grid_07", seed=5, episode=episode, actors=actors, signals=("7", "9"), skeletons=(("hip", "knee"),),
        poses=bones, moments=moments,
    )  # fmt: skip


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "made.layouts"
    write_layouts(path, SCENARIO, 5, "Grid_07", map(plan, range(3)))
    return path


def read_all(path) -> list[Layouts]:
    opened = open_layouts(path)
    return [opened.read(episode) for episode in range(opened.episodes)]


def refused(path) -> str:
    """Return the one message with which a file, or any episode of it, is refused by `check`."""
    with pytest.raises(LayoutsError) as caught:
        read_all(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    assert len(message) < 600
    return message


def parts(path) -> list[list]:
    data, at, found = path.read_bytes(), len(MAGIC), []
    while at < len(data):
        kind, length, _ = PART.unpack_from(data, at)
        at += PART.size
        found.append([kind, data[at : at + length]])
        at += length
    return found


def rewritten(path, changed) -> None:
    """Write parts as a hostile sender would: whatever they hold, lengths and checksums are right."""
    data = MAGIC + b"".join(PART.pack(kind, len(part), zlib.crc32(part)) + part for kind, part in changed)
    path.write_bytes(data)


def test_read_as_written(file):
    opened = open_layouts(file)
    assert (opened.scenario, opened.seed, opened.town, opened.episodes) == (SCENARIO, 5, "Grid_07", 3)
    for episode in (2, 0, 1, 2):
        assert opened.read(episode) == plan(episode)
    with pytest.raises(LayoutsError, match="expected an episode from 0 to 2, asked for 3"):
        opened.read(3)


def test_same_plans_same_bytes(file, tmp_path):
    write_layouts(tmp_path / "again.layouts", SCENARIO, 5, "Grid_07", map(plan, range(3)))
    assert (tmp_path / "again.layouts").read_bytes() == file.read_bytes()


def test_either_kind_is_a_source(file):
    planned = load_source(str(file))
    assert (planned.scenario, planned.seed) == (SCENARIO, 5)
    assert planned.planned.read(1) == plan(1)
    alone = load_source("smoke")
    assert (alone.scenario.name, alone.seed, alone.planned) == ("smoke", 1, None)


def test_check_takes_either(file, capsys):
    assert main(["check", str(file)]) == 0
    words = capsys.readouterr().out
    assert words.startswith("made: ok. 3 episodes of 2 moments in Grid_07")
    assert "up to 3 actors" in words
    file.write_bytes(file.read_bytes()[:-9])
    assert main(["check", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"carla-plugin: {file}: expected ")


def test_cut_short_anywhere(file, scale):
    data = file.read_bytes()
    step = 1 if scale == "soak" else 37
    for length in range(len(MAGIC), len(data), step):
        file.write_bytes(data[:length])
        assert "truncated" in refused(file)


def test_a_flipped_bit_anywhere(file, scale):
    data = file.read_bytes()
    dice = random.Random(1)
    for _ in range(5000 if scale == "soak" else 150):
        at, bit = dice.randrange(len(data)), dice.randrange(8)
        if at >= len(MAGIC):
            file.write_bytes(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
            refused(file)


def test_another_version(file):
    data = file.read_bytes()
    file.write_bytes(MAGIC[:-1] + b"\x09" + data[8:])
    assert "expected format 1, got 9; plan anew" in refused(file)
    rewritten(file, [[HEAD, msgspec.msgpack.encode({"version": 2, "new": "things"})]])
    assert "expected version 1, got 2; plan anew" in refused(file)


@pytest.mark.parametrize("junk", [b"", b"seed: 1\n", b"\x00" * 100])
def test_other_files(tmp_path, junk):
    (tmp_path / "x").write_bytes(junk)
    assert "expected a layouts file of `carla-plugin plan`" in refused(tmp_path / "x")
    assert "No such file" in refused(tmp_path / "none")


def changed(file, **changes) -> str:
    """Return why a file is refused whose first episode differs."""
    found = parts(file)
    values = msgspec.to_builtins(plan(0), builtin_types=(bytes,)) | changes
    found[1][1] = zstandard.compress(msgspec.msgpack.encode(values))
    rewritten(file, found)
    return refused(file)


def moment(**changes) -> tuple:
    first, second = msgspec.to_builtins(plan(0).moments)
    return (first, second | changes)


NOWHERE = [[float("nan"), 0.0, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"town": "Grid_08"}, "expected town, seed, episode, moments"),
        ({"episode": 1}, "expected town, seed, episode, moments"),
        ({"moments": ()}, "expected town, seed, episode, moments"),
        ({"moments": moment(places=[])}, "moments[1].places: expected 3, got 0"),
        ({"moments": moment(places=[NOWHERE] * 3)}, "moments[1].places: expected metres within 1e6"),
        ({"moments": moment(cameras=[NOWHERE] * 2)}, "moments[1].cameras: expected metres within 1e6"),
        ({"moments": moment(cameras=[])}, "expected poses of 2 cameras in each moment"),
        ({"moments": moment(poses=[-1, 2, -1])}, "moments[1].poses: expected -1 or one of 2"),
        ({"moments": moment(poses=[0, 0, -1])}, "moments[1].poses: expected"),
        ({"moments": moment(signals=[0, 5])}, "moments[1].signals: expected 0 to 4"),
        ({"moments": moment(signals=[0])}, "moments[1].signals: expected 2, got 1"),
        ({"moments": moment(lights=[1 << 40, 0, 0])}, "moments[1].lights: expected 32 bits"),
        ({"moments": moment(hidden=3)}, "moments[1].hidden: expected -1 to 2, got 3"),
        ({"moments": moment(tick="now")}, "Expected int, got str - at $.moments[1].tick"),
        ({"moments": moment(more=1)}, "unknown field more"),
        ({"poses": [[0, b"short"]]}, "Expected object, got array"),
        ({"poses": [{"skeleton": 0, "bones": b"x"}] * 2}, "poses[0]: expected 2 bones, got 1 bytes"),
        ({"poses": [{"skeleton": 7, "bones": b""}] * 2}, "poses[0]: expected 0 bones, got"),
        (
            {"actors": [{"kind": "cars", "blueprint": "sensor.camera.rgb"}] * 3},
            "expected one that begins with vehicle., got 'sensor",
        ),
        ({"actors": 3}, "Expected array, got int - at $.actors"),
    ],
)
def test_hostile_episodes(file, changes, words):
    assert words in changed(file, **changes)


def test_hostile_parts(file, monkeypatch):
    head, *episodes, end = parts(file)
    whole = {
        "expected a header at byte": [episodes[0], *episodes, end],
        "expected an episode or an end mark": [head, [b"EVIL", b""], end],
        "expected an end mark after 2 episodes, got one of 3": [head, *episodes[:2], end],
        "and 17 bytes after it": [head, *episodes, end, [b"", b"x"]],
        "expected at least one episode": [head, [END, msgspec.msgpack.encode({"episodes": 0})]],
        "expected an end mark, got the end of the file": [head, *episodes],
        "header: ": [[HEAD, b"\xff\xff"], *episodes, end],
        "episode 0: expected compressed msgpack": [head, [EPISODE, b"no zstd"], *episodes[1:], end],
        "episode 0: ": [head, [EPISODE, zstandard.compress(b"\xc1" * 9)], *episodes[1:], end],
        "scenario.appearances": [[HEAD, head[1].replace(b"\xa4noon", b"\xa4nope")], *episodes, end],
    }
    for words, order in whole.items():
        rewritten(file, order)
        assert words in refused(file)
    bomb = zstandard.compress(bytes(2_000_000))
    monkeypatch.setattr(layouts_file, "PLAIN_LIMIT", 1_000_000)
    rewritten(file, [head, [EPISODE, bomb], *episodes[1:], end])
    assert "episode 0: expected at most 1000000 bytes of plan, got 2000000" in refused(file)


def test_deep_nesting_is_refused(file):
    found = parts(file)
    found[1][1] = zstandard.compress(b"\x91" * 1_000_000)
    rewritten(file, found)
    assert "episode 0: " in refused(file)


def test_a_length_beyond_all_bounds(file):
    data = bytearray(file.read_bytes())
    PART.pack_into(data, len(MAGIC), HEAD, 1 << 60, 0)
    file.write_bytes(data)
    assert "expected a part of at most 1048576 bytes" in refused(file)


def test_a_plan_that_fails_leaves_the_old_file(file):
    before = file.read_bytes()

    def failing():
        yield plan(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_layouts(file, SCENARIO, 5, "Grid_07", failing())
    assert file.read_bytes() == before
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_a_plan_that_is_too_large_is_refused(file, monkeypatch):
    monkeypatch.setattr(layouts_file, "PLAIN_LIMIT", 100)
    with pytest.raises(LayoutsError, match=r"expected at most 100 bytes, got \d+; plan fewer bundles or people"):
        write_layouts(file, SCENARIO, 5, "Grid_07", [plan(0)])
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_no_folder_to_write_to(tmp_path):
    with pytest.raises(LayoutsError, match="expected a file that can be written, got: No such file"):
        write_layouts(tmp_path / "none" / "x", SCENARIO, 5, "Grid_07", [plan(0)])

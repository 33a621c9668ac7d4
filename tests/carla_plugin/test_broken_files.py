"""Broken scenario files: each gives one message with path, line and what was expected; `check` says the same."""

import sys

import pytest

from carla_plugin.cli import main
from carla_plugin.scenario import load_scenario
from carla_plugin.strict_yaml import ScenarioError

BASE = "seed: 1\ntown: Grid_07\nappearances: [noon, night]\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{now}: &{now} [{', '.join(['*' + last] * 9)}]\n" for last, now in zip("abcdefgh", "bcdefghi", strict=True)
)
OWN = BASE.replace("night", "{name: mine, %s}")

BROKEN = {
    # not what a scenario is
    "empty": ("", 1, "expected a mapping of keys such as seed and town, got an empty file"),
    "only remarks": ("# nothing\n\n", 1, "expected a mapping of keys such as seed and town, got an empty file"),
    "a list": ("- seed: 1\n- town: x\n", 1, "expected a mapping of keys such as seed and town, got a list"),
    "one word": ("smoke\n", 1, "expected a mapping of keys such as seed and town, got one value"),
    "two documents": (BASE + "---\nseed: 2\n", 4, "expected one document, got a second"),
    # not YAML
    "open bracket": (BASE + "cameras: [{width: 64}\n", 4, "not YAML: expected ',' or ']'"),
    "open quote": (BASE + "name: 'x\n", 4, "not YAML: found unexpected end of stream"),
    "tab": (BASE + "traffic:\n\tcars: 1\n", 5, "not YAML: found character '\\t' that cannot start any token"),
    "bad indent": (BASE + "traffic:\n  cars: 1\n bicycles: 2\n", 6, "not YAML: expected <block end>"),
    "two colons": (BASE + "name: a: b\n", 4, "not YAML: mapping values are not allowed here"),
    "a program": ("#!/usr/bin/env python\nimport os\nprint(os.name)\n", 1, "expected a mapping of keys"),
    "json with a comma": ('{"seed": 1,, }\n', 1, "not YAML: expected the node content, but found ','"),
    # bytes
    "binary": (bytes(range(256)), 2, "expected UTF-8 text, got a foreign byte at 128"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(64), 1, "expected UTF-8 text, got a foreign byte at 0"),
    "latin 1": (BASE.encode() + "name: Straße\n".encode("latin-1"), 4, "expected UTF-8 text, got a foreign byte"),
    "zeros": (bytes(100), 1, "expected YAML text, got the character #x0000"),
    "100 MB": (100_000_000, 1, "expected a scenario of at most 1048576 bytes, got more"),
    # bombs
    "aliases": (BOMB, 1, "expected no anchors and aliases"),
    "an alias to itself": ("seed: &x [*x]\n", 1, "expected no anchors and aliases"),
    "deep": (BASE + "name: " + "[" * 5000, 4, "expected at most 12 levels and 20000 values, got more"),
    "wide": (BASE + "name: [" + "1," * 30000 + "]\n", 4, "expected at most 12 levels and 20000 values, got more"),
    "an object": (BASE + "name: !!python/object/apply:os.system [ls]\n", 4, "name: expected a plain value"),
    # keys
    "unknown key": (BASE + "towwn: x\n", 4, "towwn: unknown key; expected one of seed, town, appearances"),
    "unknown inner key": (BASE + "traffic:\n  carz: 3\n", 5, "traffic.carz: unknown key; expected one of cars"),
    "unknown key of a camera": (BASE + "cameras:\n  - fov: 90\n", 5, "cameras[0].fov: unknown key; expected one of"),
    "unknown number": (OWN % "fogg: 3", 3, "appearances[1].fogg: unknown key; expected one of name, base, cloudiness"),
    "twice": (BASE + "seed: 2\n", 4, "seed: expected each key once, got it again, first on line 1"),
    "twice within": (BASE + "traffic:\n  cars: 1\n  cars: 2\n", 6, "traffic.cars: expected each key once"),
    "no town": ("seed: 1\nappearances: [noon]\n", 1, "expected the key town, got none"),
    "a key of a list": (BASE + "? [a, b]\n: 3\n", 4, "expected a plain word as key"),
    # types
    "a word for a number": (BASE + "traffic: {cars: many}\n", 4, "traffic.cars: expected int, got str 'many'"),
    "half a car": (BASE + "traffic: {cars: 2.5}\n", 4, "traffic.cars: expected int, got float 2.5"),
    "a number for a part": (BASE + "traffic: 3\n", 4, "traffic: expected object, got int 3"),
    "nothing for a part": (BASE + "capture:\n", 4, "capture: expected object, got null"),
    "true for a number": (BASE + "episodes: true\n", 4, "episodes: expected int, got bool True"),
    "yes": (BASE + "episodes: yes\n", 4, "episodes: expected true or false, or a quoted word, got yes"),
    "octal": (BASE + "bundles: 010\n", 4, "bundles: expected a plain decimal number, got 010"),
    "an hour": (BASE + "bundles: 1:30\n", 4, "bundles: expected a plain decimal number, got 1:30"),
    "a list for a camera": (BASE + "camera: [64, 32]\n", 4, "camera: expected object, got array"),
    "three ends": (OWN % "fog_density: [1, 2, 3]", 3, "appearances[1].fog_density: expected array of length <= 2"),
    # ranges
    "a negative count": (BASE + "traffic: {cars: -1}\n", 4, "traffic.cars: expected int >= 0, got -1"),
    "too many bundles": (BASE + "bundles: 51\n", 4, "bundles: expected int <= 50, got 51"),
    "not a number": (BASE + "step_s: .nan\n", 4, "step_s: expected a finite number, got .nan"),
    "endless": (BASE + "camera: {fov_deg: 1e999}\n", 4, "camera.fov_deg: expected a finite number, got 1e999"),
    "a low camera": (BASE + "camera:\n  mount:\n    z_m: -4\n", 6, "camera.mount.z_m: expected float >= 0.2, got -4"),
    "wind": (OWN % "wind_intensity: 10", 3, "appearances[1].wind_intensity: expected float <= 0.0, got 10"),
    "an upturned range": (OWN % "fog_density: [9, 3]", 3, "fog_density: expected [low, high] within 0 .. 100"),
    "too much fog": (OWN % "fog_density: [9, 300]", 3, "fog_density: expected [low, high] within 0 .. 100"),
    "a ceiling too low": (BASE + "settle: {floor_ticks: 9, ceiling_ticks: 3}\n", 4, "at least floor_ticks = 9"),
    "no camera": (BASE + "cameras: []\n", 4, "cameras: expected at least one camera, got none"),
    # names
    "unknown appearance": (BASE.replace("night", "nigth"), 3, "expected one of noon, morning"),
    "an appearance twice": (BASE.replace("night", "noon"), 3, "appearances[1]: expected each name once"),
    "a taken name": (BASE.replace("night", "{name: ClearNoon}"), 3, "appearances[1].name: expected a name of its own"),
    "unknown base": (OWN % "base: non", 3, "appearances[1].base: expected one of noon, morning"),
    "unknown preset": (BASE + "camera: {preset: kitti}\n", 4, "one of cityscapes, cityscapes_half, got"),
    "unknown plane": (BASE + "planes: [dept]\n", 4, "planes[0]: expected one of depth, instance, got 'dept'"),
    "unknown kind": (BASE + "traffic: {total: 9, shares: {horses: 1}}\n", 4, "shares.horses: unknown key; expected"),
    "unknown where": (BASE + "capture: {where: rail}\n", 4, "expected one of views, drive, spawn_points, got 'rail'"),
    # what does not go together
    "camera and cameras": (BASE + "camera: {}\ncameras: [{}]\n", 5, "cameras: expected camera or cameras, got both"),
    "metres without a drive": (BASE + "capture: {every_m: 2}\n", 4, "capture.every_m: expected where: drive beside it"),
    "metres and ticks": (
        BASE + "capture: {where: drive, every_m: 2, every_ticks: 3}\n", 4, "expected every_ticks or every_m, got both",
    ),
    "counts and shares": (
        BASE + "traffic: {cars: 3, total: 9, shares: {cars: 1}}\n", 4, "expected counts or shares, got both",
    ),
    "shares of nothing": (BASE + "traffic: {shares: {cars: 1}}\n", 4, "expected total and shares together"),
    "a drive without drivers": (
        BASE + "capture: {where: drive}\ntraffic: {total: 9, shares: {pedestrians: 1}}\n", 4, "expected a vehicle",
    ),
    "cameras of one name": (BASE + "cameras: [{name: a}, {name: a}]\n", 4, "cameras[1]: expected each name once"),
}  # fmt: skip


def written(path, content):
    if isinstance(content, int):  # so many bytes, which take no place on the disk
        with path.open("wb") as stream:
            stream.truncate(content)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize("name", BROKEN)
def test_one_message_with_path_line_and_what_was_expected(name, tmp_path, capsys, monkeypatch):
    content, line, words = BROKEN[name]
    file = written(tmp_path / "broken.yaml", content)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(file)
    message = str(caught.value)
    assert message.startswith(f"{file}:{line}: ")
    assert words in message
    assert "expected" in message or "not YAML" in message
    assert len(message.splitlines()) <= 2
    assert max(map(len, message.splitlines())) < 900

    monkeypatch.setitem(sys.modules, "carla", None)  # no server, and not even the wheel
    assert main(["check", file]) == 2
    assert capsys.readouterr().err == f"carla-plugin: {message}\n"


def test_there_are_enough():
    assert len(BROKEN) >= 40


@pytest.mark.parametrize("kind", ["a folder", "nothing"])
def test_what_is_no_file(kind, tmp_path, capsys):
    path = tmp_path / "x.yaml"
    if kind == "a folder":
        path.mkdir()
    assert main(["check", str(path)]) == 2
    words = "Is a directory" if kind == "a folder" else "No such file or directory"
    assert capsys.readouterr().err == f"carla-plugin: {path}: expected a readable scenario file, got: {words}\n"

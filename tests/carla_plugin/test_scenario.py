"""Scenarios: each fault is named with file, line and key; the schema that ships is the one that is generated."""

import json
import re
from importlib import resources

import pytest

from carla_plugin.scenario import episode_seed, load_scenario, parse_scenario, schema, shipped_names
from carla_plugin.scenario_parts import Shares, Traffic
from carla_plugin.strict_yaml import ScenarioError

BASE = "seed: 1\ntown: Grid_07\nappearances: [noon, night]\n"


def test_numbers_that_yaml_reads_as_words_are_mended():
    assert parse_scenario(BASE + "step_s: 1e-2\n", "x.yaml").step_s == 0.01


def test_files(tmp_path):
    file = tmp_path / "street.yaml"
    file.write_text(BASE)
    assert load_scenario(str(file)).name == "street"
    file.write_bytes(b"#" * (1 << 20) + b"\n" + BASE.encode())
    with pytest.raises(ScenarioError, match="at most 1048576 bytes"):
        load_scenario(str(file))
    file.write_bytes(b"seed: \xff\n")
    with pytest.raises(ScenarioError, match="expected UTF-8"):
        load_scenario(str(file))
    with pytest.raises(ScenarioError, match="No such file"):
        load_scenario(str(tmp_path / "none.yaml"))
    with pytest.raises(ScenarioError, match=r"scenario 'smok': expected a file or one of .*; did you mean smoke\?"):
        load_scenario("smok")


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_scenarios(name):
    assert load_scenario(name).name == name


def test_train_and_test_town_differ():
    train, unseen = load_scenario("town"), load_scenario("town_unseen")
    assert train.town != unseen.town
    assert train.seed != unseen.seed
    assert (train.appearances, train.camera) == (unseen.appearances, unseen.camera)


def test_schema_is_the_generated_one():
    shipped = json.loads((resources.files("scenarios") / "schema.json").read_text())
    assert shipped == schema(), "write it anew: python -m carla_plugin.scenario"


def rows() -> list[tuple[list[str], list[str]]]:
    """Return the cells of each row of the README's tables that begins with keys: keys, then the other cells."""
    readme = (resources.files("scenarios") / "README.md").read_text()
    found = []
    for line in readme.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        keys = re.findall(r"`(\w+)`", cells[0])
        if line.startswith("| `") and keys:
            found.append((keys, cells[1:]))
    return found


def test_every_key_is_explained():
    explained = set(re.findall(r"`(\w+)`", (resources.files("scenarios") / "README.md").read_text()))
    for part in schema()["$defs"].values():
        assert set(part["properties"]) <= explained


def test_defaults_and_ranges_in_the_readme_are_those_of_the_types():
    said: dict[str, list[tuple[str, str]]] = {}
    for keys, cells in rows():
        if len(cells) == 3:
            defaults, ranges = cells[1].replace(",", " ").split(), cells[0]
            for number, key in enumerate(keys):
                said.setdefault(key, []).append((defaults[number] if number < len(defaults) else "", ranges))
    compared = 0
    for name, part in schema()["$defs"].items():
        for key, kind in part["properties"].items():
            if name in ("OwnAppearance", "Shares"):
                continue
            default = kind.get("default")
            if isinstance(default, int | float) and not isinstance(default, bool):
                assert f"{default:g}" in [word for word, _ in said[key]], key
                compared += 1
            if key in part.get("required", ()):
                assert ("required", said[key][0][1]) in said[key]
            for bound in ("minimum", "maximum"):
                if bound in kind:
                    value = kind[bound]
                    written = "2^62" if value == 2**62 else f"{value:g}" if value < 1e6 else f"{value}"
                    assert any(written in ranges for _, ranges in said[key]), (key, bound, value)
                    compared += 1
    assert compared > 60


def test_episode_seeds_are_the_same_everywhere():
    assert episode_seed(4711, 0) == 3796649159890009309
    assert len({episode_seed(seed, episode) for seed in range(20) for episode in range(20)}) == 400


def test_every_index_has_a_place_of_its_own():
    scenario = parse_scenario(BASE + "episodes: 3\nbundles: 4\ncameras: [{name: a}, {}]\n", "x.yaml")
    assert scenario.indices == 24
    places = [scenario.place_of(index) for index in range(scenario.indices)]
    assert places[:4] == [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)]
    assert places[8] == (1, 0, 0)
    assert [scenario.index_of(*place) for place in places] == list(range(24))
    assert scenario.camera_names == ("a", "camera1")


def test_one_camera_is_the_first_of_many():
    one = parse_scenario(BASE + "camera: {width: 64}\n", "x.yaml")
    assert one.cameras == (one.camera,)
    assert one == parse_scenario(BASE + "cameras: [{width: 64}]\n", "x.yaml")
    assert one.camera_names == ("",)


def test_presets_of_cameras_give_way_to_keys():
    scenario = parse_scenario(
        BASE + "cameras: [{preset: cityscapes}, {preset: cityscapes_half, fov_deg: 60, mount: {y_m: 1}}]\n", "x.yaml"
    )
    whole, half = scenario.cameras
    assert (whole.width, whole.height, whole.fov_deg, whole.mount.z_m) == (2048, 1024, 50.0, 1.2)
    assert (half.width, half.height, half.fov_deg, half.mount.z_m, half.mount.y_m) == (1024, 512, 60.0, 1.2, 1.0)


def test_settle_profiles_give_way_to_keys():
    assert parse_scenario(BASE + "settle: {profile: carla}\n", "x.yaml").settle.floor_ticks == 40
    assert parse_scenario(BASE + "settle: {profile: carla, floor_ticks: 7}\n", "x.yaml").settle.floor_ticks == 7


def test_a_lens_is_what_the_wheel_takes():
    scenario = parse_scenario(BASE + "camera: {lens: {exposure_mode: histogram, iso: 200}}\n", "x.yaml")
    assert scenario.camera.lens.overrides() == {"exposure_mode": "histogram", "iso": "200.0"}
    assert load_scenario("smoke").camera.lens.overrides() == {}


@pytest.mark.parametrize("total", [0, 1, 7, 100, 2000])
def test_shares_deal_out_the_total(total):
    shares = Shares(cars=0.5, bicycles=0.25, pedestrians=0.3)
    counts = Traffic(total=total, shares=shares).counts()
    assert sum(counts.values()) == total
    for kind, share in (("cars", 0.5), ("bicycles", 0.25), ("pedestrians", 0.3), ("trucks", 0.0)):
        assert abs(counts[kind] - total * share / 1.05) < 1.0


def test_counts_are_counts():
    counts = Traffic(cars=3, buses=0).counts()
    assert (counts["cars"], counts["buses"], counts["pedestrians"]) == (3, 0, 30)


def test_weather_of_an_episode_follows_from_the_seed():
    scenario = parse_scenario(BASE.replace("night", "{name: mine, fog_density: [0, 100]}"), "x.yaml")
    assert scenario.weathers(1, 0) == scenario.weathers(1, 0)
    drawn = {scenario.weathers(seed, episode)["mine"].fog_density for seed in (1, 2) for episode in (0, 1)}
    assert len(drawn) == 4
    assert scenario.appearance_names == ("noon", "mine")

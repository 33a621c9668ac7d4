"""Scenarios: each fault is named with file, line and key; the schema that ships is the one that is generated."""

import json
from importlib import resources

import pytest

from carla_plugin.scenario import episode_seed, load_scenario, parse_scenario, schema, shipped_names
from carla_plugin.strict_yaml import ScenarioError

BASE = "seed: 1\ntown: Grid_07\nappearances: [noon, night]\n"

FAULTS = [
    ("traffic:\n  carz: 3\n", "x.yaml:5: traffic.carz: unknown key", "carz: 3"),
    ("traffic:\n  carz: 3\n", "did you mean cars?", None),
    ("towwn: 3\n", "x.yaml:4: towwn: unknown key; expected one of seed, town", "towwn: 3"),
    ("traffic:\n  cars: many\n", "x.yaml:5: traffic.cars: expected int, got str 'many'", "cars: many"),
    ("traffic:\n  cars: 2.5\n", "x.yaml:5: traffic.cars: expected int, got float 2.5", None),
    ("traffic:\n  cars: -1\n", "x.yaml:5: traffic.cars: expected int >= 0, got -1", None),
    ("traffic:\n  cars: 010\n", "x.yaml:5: traffic.cars: expected a plain decimal number, got 010", "cars: 010"),
    ("traffic:\n  cars: 1_0\n", "expected a plain decimal number, got 1_0", None),
    ("traffic:\n  cars: 0x1F\n", "expected a plain decimal number, got 0x1F", None),
    ("episodes: 1:30\n", "expected a plain decimal number, got 1:30", None),
    ("traffic: 3\n", "x.yaml:4: traffic: expected object, got int 3", None),
    ("traffic:\n", "x.yaml:4: traffic: expected object, got null", None),
    ("seed: 2\n", "x.yaml:4: seed: given twice, first on line 1", "seed: 2"),
    ("camera: {fov_deg: .nan}\n", "x.yaml:4: camera.fov_deg: expected a finite number, got .nan", None),
    ("camera: {fov_deg: -.inf}\n", "camera.fov_deg: expected a finite number", None),
    ("camera: {fov_deg: 1e999}\n", "camera.fov_deg: expected a finite number", None),
    ("camera:\n  mount:\n    z_m: -4\n", "x.yaml:6: camera.mount.z_m: expected float >= 0.2, got -4", "z_m: -4"),
    ("episodes: yes\n", "x.yaml:4: episodes: expected true or false, or a quoted word, got yes", None),
    ("bundles: 51\n", "x.yaml:4: bundles: expected int <= 50, got 51", "bundles: 51"),
    ("settle: {floor_ticks: 9, ceiling_ticks: 3}\n", "settle.ceiling_ticks: expected at least floor_ticks = 9", None),
    ("traffic: &a {cars: 1}\n", "anchors and aliases are not taken", None),
    ("traffic: !!python/none {}\n", "x.yaml:4: traffic: tags are not taken", None),
    ("---\nseed: 3\n", "expected one document, got a second", None),
    ("camera: {width: 8}\n", "camera.width: expected int >= 16, got 8", None),
    ("? [a]\n: 3\n", "expected a plain word as key", None),
]


@pytest.mark.parametrize(("extra", "message", "quoted"), FAULTS)
def test_faults_are_named(extra, message, quoted):
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(BASE + extra, "x.yaml")
    text = str(caught.value)
    assert message in text
    assert len(text.splitlines()) <= 2
    if quoted:
        assert text.splitlines()[1].strip() == quoted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a mapping of keys such as seed and town, got an empty file"),
        ("- 1\n", "got a list"),
        ("seed: [", "not YAML"),
        ("\x00", "not YAML"),
        ("seed: 1\ntown: Grid_07\n", "x.yaml:1: expected the key appearances, got none"),
        (BASE.replace("night", "nigth"), "x.yaml:3: appearances[1]: expected one of noon"),
        (BASE.replace("night", "nigth"), "did you mean night?"),
        (BASE.replace("night", "noon"), "appearances[1]: expected each name once, got 'noon' again"),
        (BASE.replace("noon, night", ""), "appearances: expected array of length >= 1"),
        ("a: " * 3000 + "1", "not YAML"),
        ("[" * 5000, "expected at most 12 levels"),
        ("a: &x [1]\nb: [*x, *x]", "x.yaml:1: anchors and aliases are not taken"),
        ("x: [" + "1," * 30000 + "]", "expected at most 12 levels and 20000 values"),
    ],
)
def test_broken_files(text, message):
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(text, "x.yaml")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 2


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


def test_every_key_is_explained():
    readme = (resources.files("scenarios") / "README.md").read_text()
    for part in schema()["$defs"].values():
        for key in part["properties"]:
            assert f"`{key}`" in readme, f"scenarios/README.md does not explain {key}"


def test_episode_seeds_are_the_same_everywhere():
    assert episode_seed(4711, 0) == 3796649159890009309
    assert len({episode_seed(seed, episode) for seed in range(20) for episode in range(20)}) == 400

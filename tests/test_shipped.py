"""Scenarios stream what they ask for: those that ship, and one of many parts, from its layouts file as well."""

import subprocess
import sys

import numpy as np
import pytest

from carla_plugin.scenario import load_scenario, shipped_names
from harness import BundleStream
from protocols.bundle import Bundle, mask_hash

BUNDLES = 20
PLUGIN = (sys.executable, "-m", "carla_plugin.cli")

MANY_PARTS = """
seed: 5
town: Grid_07
appearances: [noon, {name: haze, fog_density: [10, 60]}]
planes: [depth, instance]
episodes: 2
bundles: 2
traffic: {total: 14, shares: {cars: 0.4, bicycles: 0.2, pedestrians: 0.4}, radius_m: 60, warm_up_ticks: 5}
cameras: [{width: 64, height: 32}, {name: side, width: 96, height: 48, mount: {yaw_deg: 90}}]
capture: {where: drive, every_ticks: 3}
"""


@pytest.fixture(scope="module")
def simulator(run_simulator):
    """One server for all; it loads the town that a scenario names."""
    with run_simulator() as running:
        yield running


@pytest.fixture
def count(scale, name) -> int:
    if scale == "soak":
        return BUNDLES
    if name != "smoke":
        pytest.skip("streams in the soak: its town, traffic and images take minutes")
    return 2


def streamed(reference: str, simulator, count: int) -> list[Bundle]:
    """Return the first bundles of a scenario or a layouts file, in the order of their indices."""
    with BundleStream("tcp://127.0.0.1:*", ordered=True) as stream:
        command = [*PLUGIN, "stream", reference, "--server", simulator.address, "--to", stream.endpoint]
        command += ["--bundles", str(count), "--stay-with-stdin"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as plugin:
            bundles = [bundle for _, bundle in zip(range(count), stream, strict=False)]
            plugin.wait(120)  # with its standard input open: the end of that is the order to leave
            said = plugin.stderr.read()
    assert plugin.returncode == 0, said
    return bundles


@pytest.mark.parametrize("name", shipped_names())
def test_bundles_of_a_shipped_scenario(name, count, simulator):
    scenario = load_scenario(name)
    bundles = streamed(name, simulator, count)
    assert {bundle.header.index for bundle in bundles} == set(range(count))
    for bundle in bundles:
        episode, _, view = scenario.place_of(bundle.header.index)
        camera = scenario.cameras[view]
        assert bundle.header.episode == episode
        assert bundle.header.camera == scenario.camera_names[view]
        assert bundle.header.appearances == scenario.appearance_names
        assert bundle.images.shape == (len(scenario.appearances), camera.height, camera.width, 3)
        assert bundle.header.mask_sha256 == mask_hash(bundle.mask)
        assert set(bundle.extras) == set(scenario.planes)
        assert len(np.unique(bundle.mask)) >= 4  # a street, not a wall
        assert all(np.ptp(image) > 40 for image in bundle.images)


def same_parts(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two planes of numbers part an image alike, whatever the server numbered the parts."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1).shape[1]
    return pairs == len(np.unique(one)) == len(np.unique(other))


def test_a_layouts_file_streams_what_its_scenario_streams(tmp_path, simulator):
    scenario, layouts = tmp_path / "parts.yaml", tmp_path / "parts.layouts"
    scenario.write_text(MANY_PARTS)
    planned = subprocess.run(
        [*PLUGIN, "plan", str(scenario), "-o", str(layouts), "--server", simulator.address],
        capture_output=True, text=True, check=True, timeout=200,
    )  # fmt: skip
    assert "episode 2 of 2: 2 moments" in planned.stderr
    from_scenario, from_file = (streamed(str(file), simulator, 8) for file in (scenario, layouts))
    assert [bundle.header.index for bundle in from_scenario] == list(range(8))
    assert [bundle.header.camera for bundle in from_scenario] == ["camera0", "side"] * 4
    assert [bundle.header.episode for bundle in from_scenario] == [0] * 4 + [1] * 4
    for one, other in zip(from_scenario, from_file, strict=True):
        assert one.header.identity == other.header.identity
        assert np.array_equal(one.mask, other.mask)
        assert np.array_equal(one.images, other.images)
        assert set(one.extras) == {"depth", "instance"}
        assert np.array_equal(one.extras["depth"], other.extras["depth"])
        assert same_parts(one.extras["instance"], other.extras["instance"])

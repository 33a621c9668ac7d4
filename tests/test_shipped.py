"""Each scenario that ships streams its bundles: with the names, sizes, cameras and planes that it asks for."""

import subprocess
import sys

import numpy as np
import pytest

from carla_plugin.scenario import load_scenario, shipped_names
from harness import BundleStream
from protocols.bundle import mask_hash

BUNDLES = 20


@pytest.fixture
def count(scale, name) -> int:
    if scale == "soak":
        return BUNDLES
    if name != "smoke":
        pytest.skip("streams in the soak: its town, traffic and images take minutes")
    return 2


@pytest.mark.parametrize("name", shipped_names())
def test_bundles_of_a_shipped_scenario(name, count, start_simulator):
    scenario = load_scenario(name)
    simulator = start_simulator(scenario.town)
    with BundleStream("tcp://127.0.0.1:*") as stream:
        command = [sys.executable, "-m", "carla_plugin.cli", "stream", name, "--server", simulator.address]
        command += ["--to", stream.endpoint, "--bundles", str(count), "--stay-with-stdin"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as plugin:
            bundles = [bundle for _, bundle in zip(range(count), stream, strict=False)]
            plugin.wait(120)  # with its standard input open: the end of that is the order to leave
            said = plugin.stderr.read()
    assert plugin.returncode == 0, said
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

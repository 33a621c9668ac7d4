"""Short programs as a user of CARLA writes them from its documentation: each runs and tells what it should."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"
LONGEST_S = 200.0


@pytest.fixture
def told(simulator) -> Callable[..., dict[str, list[str]]]:
    """Return a function that runs a program and gives its words: first word of a line -> the rests of those lines."""

    def run(name: str, *options: str) -> dict[str, list[str]]:
        command = [sys.executable, str(PROGRAMS / f"{name}.py"), "--host", simulator.host]
        command += ["--port", str(simulator.port), *options]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S)
        assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
        found: dict[str, list[str]] = {}
        for line in ended.stdout.splitlines():
            word, _, rest = line.partition(" ")
            found.setdefault(word, []).append(rest)
        return found

    return run


def numbers(words: str) -> list[float]:
    return [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?", words)]


@pytest.mark.source("CARLA docs: tuto_G_traffic_manager, generate_traffic.py")
def test_traffic_and_pedestrians(told, free_port):
    said = told("traffic", "--tm-port", str(free_port), "--ticks", "50")
    assert "error" not in said
    made, vehicles = said["vehicles"]
    cars, people, controllers = numbers(made)
    assert cars == 15
    assert people == controllers >= 7  # two people may have been given the same place
    assert numbers(vehicles)[0] >= 8  # others may stand at a red light
    assert numbers(said["walkers"][0])[0] >= 0.7 * people


@pytest.mark.source("CARLA docs: tuto_G_bounding_boxes")
def test_boxes_projected_into_an_image(told):
    said = told("boxes")
    assert numbers(said["boxes"][0])[0] >= 1
    for line in said["box"]:
        out, filled = numbers(line)[-2:]
        assert out <= 2, line
        assert filled > 0.5, line


@pytest.mark.source("CARLA docs: adv_synchrony_timestep, sensor_synchronization.py")
def test_queues_of_a_rig_are_met_by_frame(told):
    assert told("synchronised")["frame"] == ["met by 6"] * 5


@pytest.mark.source("CARLA docs: core_map, adv_agents")
def test_a_controller_follows_waypoints(told):
    said = told("waypoints")
    assert numbers(said["driven"][0])[0] > 25.0
    assert 15.0 < numbers(said["speed"][0])[0] < 25.0
    assert numbers(said["aside"][0])[0] < 1.0


@pytest.mark.source("CARLA docs: ref_sensors, manual_control.py")
def test_manual_driving_with_every_sensor(told):
    said = told("manual")
    keys = {line.split()[0]: numbers(line) for line in said["key"]}
    assert keys["W"][0] > 5.0
    assert abs(keys["S"][0]) < 0.5
    assert keys["Q"][0] < -2.0
    assert keys["Q"][1] == -1
    assert said["lights"] == ["1"]
    assert 2.0 < numbers(said["moved"][0])[0] < 60.0
    counts = {line.split()[0]: int(line.split()[1]) for line in said["sensor"]}
    for name, count in counts.items():
        assert count >= (1 if "lane_invasion" in name else 50), name
    assert len(counts.keys() - {"sensor.other.lane_invasion"}) == 11


@pytest.mark.source("CARLA docs: adv_synchrony_timestep, foundations")
def test_several_clients_and_one_that_ticks(told):
    said = told("follower")
    assert said["follower"] == [f"{number} heroes 1 moved True" for number in range(3)]
    assert said["vehicles"] == ["4"]


@pytest.mark.source("CARLA docs: adv_recorder, start_recording.py")
def test_recording_and_replay(told):
    said = told("recording")
    assert said["recording"][0].endswith("user_program.log")
    assert said["created"] == said["blocked"] == ["True"]
    assert numbers(said["replayed"][0])[0] < 0.1


@pytest.mark.source("CARLA docs: lidar_to_camera.py")
def test_lidar_points_fall_into_the_image(told):
    said = told("lidar_to_camera")
    assert numbers(said["points"][0])[1] > 500
    assert numbers(said["agree"][0])[0] > 0.9


@pytest.mark.source("CARLA docs: dynamic_weather.py")
def test_a_day_goes_by(told):
    said = told("dynamic_weather")
    days = sorted(numbers(line) for line in said["altitude"])
    assert days[0][0] < -30.0
    assert days[0][1] < 0.8 * days[-1][1], "expected night to be darker than day"
    assert said["preset"] == ["True"]


@pytest.mark.source("CARLA docs: tutorial.py")
def test_the_tutorial(told, free_port):
    said = told("tutorial", "--tm-port", str(free_port))
    assert said["created"][0].startswith("vehicle.")
    assert said["teleported"] == ["True"]
    assert said["saved"] == ["True"]
    assert "done." in said


@pytest.mark.source("CARLA docs: adv_opendrive")
def test_a_world_of_the_users_own_roads(told):
    said = told("opendrive")
    assert said["map"][0].endswith("spawn points True")
    driven, aside = numbers(said["driven"][0])
    assert driven > 10.0
    assert aside < 1.0
    assert 0.0 < numbers(said["risen"][0])[0] < 1.0

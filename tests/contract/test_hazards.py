"""Hazards of what is seen: each test runs with them and without them, and sees them in the first case only."""

from __future__ import annotations

import carla
import numpy as np
import pytest

pytestmark = pytest.mark.embedded

NAMES = ("foliage", "exposure", "idle", "creep", "clouds")


@pytest.fixture(scope="module", params=["hazards", "calm"])
def simulator(request, simulator, run_simulator):
    if request.param == "calm":
        yield simulator
        return
    with run_simulator("Grid_07", *(word for name in NAMES for word in ("--hazard", name))) as hazardous:
        yield hazardous


@pytest.fixture
def hazardous(request) -> bool:
    return request.node.callspec.params["simulator"] == "hazards"


def sky(**numbers: float) -> carla.WeatherParameters:
    return carla.WeatherParameters(**{"sun_altitude_angle": 45.0, **numbers})


def series(stage, eye, ticks: int) -> list[bytes]:
    return [eye.at(stage.world.tick()).tobytes() for _ in range(ticks)]


def before_a_tree(stage):
    """Return a camera's eye that sees many leaves."""
    trees = stage.world.get_environment_objects(carla.CityObjectLabel.Vegetation)
    for tree in sorted(trees, key=lambda each: -each.bounding_box.extent.z)[:20]:
        middle = tree.bounding_box.location
        for yaw in (0.0, 90.0, 180.0, 270.0):
            turn = carla.Rotation(yaw=yaw)
            eye = stage.eye("semantic_segmentation", carla.Transform(middle - 8.0 * turn.get_forward_vector(), turn))
            if (eye.at(stage.world.tick())[..., 2] == 9).mean() > 0.15:
                return eye
            eye.actor.stop()
            eye.actor.destroy()
    raise AssertionError("expected a tree that can be seen")


@pytest.mark.source("CARLA issue 8669")
def test_leaves_sway_while_there_is_wind(stage, hazardous):
    stage.world.set_weather(sky(wind_intensity=0.0))
    eye = before_a_tree(stage)
    calm = series(stage, eye, 4)
    assert len(set(calm)) == 1
    stage.world.set_weather(sky(wind_intensity=100.0))
    windy = series(stage, eye, 6)
    assert len(set(windy)) == (6 if hazardous else 1)
    shares = [(np.frombuffer(mask, np.uint8)[2::4] == 9).mean() for mask in [*calm, *windy]]
    assert max(shares) < 1.3 * min(shares), "expected leaves that move, not leaves that vanish"
    stage.world.set_weather(sky(wind_intensity=0.0))
    assert series(stage, eye, 1) == calm[:1]


@pytest.mark.source("CARLA source: ASceneCaptureSensor")
def test_automatic_exposure_takes_its_time(stage, hazardous):
    place = stage.map.get_spawn_points()[3]
    view = carla.Transform(place.location + carla.Location(z=1.6), place.rotation)
    size = {"image_size_x": 32, "image_size_y": 24}
    automatic, manual = (stage.ear("sensor.camera.rgb", view, exposure_mode=mode, **size)
                         for mode in ("histogram", "manual"))  # fmt: skip
    stage.world.set_weather(sky())
    stage.world.tick()

    def brightness(frame: int) -> tuple[float, float]:
        seen = (np.frombuffer(ear.at(frame).raw_data, np.uint8).reshape(-1, 4) for ear in (automatic, manual))
        own, fixed = (float(pixels[:, :3].mean()) for pixels in seen)
        return own, fixed

    stage.world.set_weather(sky(sun_altitude_angle=-60.0))
    dusk = brightness(stage.world.tick())
    for _ in range(100):
        frame = stage.world.tick()
    night = brightness(frame)
    assert (dusk[0] < 0.7 * night[0]) == hazardous
    assert dusk[1] == pytest.approx(night[1], rel=1e-3)
    assert night[0] == pytest.approx(night[1], rel=0.05)


@pytest.mark.source("CARLA issue 3774")
def test_people_stir_though_frozen_but_for_a_pose_that_is_shown(stage, hazardous):
    stage.world.set_weather(sky())
    point = stage.map.get_spawn_points()[3]
    person = stage.spawn("walker.pedestrian.0001", carla.Transform(point.location + carla.Location(z=1.0)))
    person.set_simulate_physics(False)
    stage.world.tick()
    ahead = carla.Location(x=-2.5)
    eye = stage.eye("semantic_segmentation", carla.Transform(person.get_location() + ahead))
    eye.at(stage.world.tick())
    masks = series(stage, eye, 12)
    assert b"\x0c" in masks[0]
    assert (len(set(masks)) > 1) == hazardous
    person.get_pose_from_animation()
    person.show_pose()
    stage.world.tick()
    assert len(set(series(stage, eye, 12))) == 1


@pytest.mark.source("CARLA issue 8267")
def test_vehicles_creep_unless_their_physics_is_off(stage, hazardous):
    cars = [stage.car(number) for number in (0, 7)]
    cars[1].set_simulate_physics(False)
    for _ in range(20):
        stage.world.tick()
    before = [car.get_transform() for car in cars]
    for _ in range(40):
        stage.world.tick()
    moved = [car.get_location().distance(place.location) for car, place in zip(cars, before, strict=True)]
    assert (0.02 < moved[0] < 0.5) == hazardous
    assert moved[0] < 0.5
    assert moved[1] == 0.0


@pytest.mark.source("CARLA issue 1558")
def test_clouds_move(stage, hazardous):
    stage.world.set_weather(sky(cloudiness=50.0))
    place = stage.map.get_spawn_points()[3].location
    eye = stage.eye("rgb", carla.Transform(place + carla.Location(z=40.0), carla.Rotation(pitch=50.0)))
    pictures = series(stage, eye, 12)
    assert (pictures[0] != pictures[-1]) == hazardous

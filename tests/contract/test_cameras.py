"""Cameras (sources: CARLA's sensor reference; issue 852 for one moment under many weathers)."""

import carla
import numpy as np
import pytest

from protocols.labels import TAGS


def above(point: carla.Transform, height: float = 1.6) -> carla.Transform:
    return carla.Transform(carla.Location(point.location.x, point.location.y, height), point.rotation)


@pytest.fixture
def view(stage):
    return above(stage.map.get_spawn_points()[3])


@pytest.mark.source("CARLA docs: ref_sensors, adv_synchrony_timestep")
def test_images_carry_the_frame_of_their_tick(stage, view):
    eyes = [stage.eye(kind, view) for kind in ("rgb", "semantic_segmentation", "depth")]
    for _ in range(5):
        frame = stage.world.tick()
        for eye in eyes:
            assert eye.at(frame).shape == (64, 96, 4)


@pytest.mark.embedded
@pytest.mark.source("ours")
def test_the_first_tick_after_listening_is_not_lost(stage, view):
    for _ in range(10):
        eye = stage.eye("semantic_segmentation", view, size=(16, 16))
        eye.at(stage.world.tick())


@pytest.mark.source("CARLA docs: ref_sensors#semantic-segmentation-camera")
def test_a_mask_holds_known_tags_in_red_only(stage, view):
    eye = stage.eye("semantic_segmentation", view)
    image = eye.at(stage.world.tick())
    assert not image[..., :2].any()
    assert (image[..., 3] == 255).all()
    assert set(np.unique(image[..., 2])) <= {row.tag for row in TAGS}
    assert {1, 11} <= set(np.unique(image[..., 2])), "expected road and sky"


@pytest.mark.source("ours")
def test_two_ticks_of_a_frozen_world_are_byte_equal(stage, view):
    car = stage.car(3)
    car.set_simulate_physics(False)
    behind = carla.Transform(carla.Location(x=-7.0, z=2.5), carla.Rotation(pitch=-8))
    eyes = [stage.eye(kind, behind, car) for kind in ("rgb", "semantic_segmentation", "depth", "instance_segmentation")]
    frames = [stage.world.tick() for _ in range(1)]
    first = [eye.at(frames[0]) for eye in eyes]
    frame = stage.world.tick()
    for eye, image in zip(eyes, first, strict=True):
        assert eye.at(frame).tobytes() == image.tobytes()


@pytest.mark.source("CARLA issue 852")
def test_weather_changes_the_picture_and_never_the_mask(stage, view):
    picture, mask = stage.eye("rgb", view), stage.eye("semantic_segmentation", view)
    frame = stage.world.tick()
    tags, seen = mask.at(frame), [picture.at(frame)]
    for weather in (carla.WeatherParameters.ClearNight, carla.WeatherParameters.HardRainSunset):
        stage.world.set_weather(weather)
        frame = stage.world.tick()
        seen.append(picture.at(frame))
        assert mask.at(frame).tobytes() == tags.tobytes()
    assert len({image.tobytes() for image in seen}) == 3
    assert seen[1][..., :3].mean() < 0.5 * seen[0][..., :3].mean(), "expected a night darker than the day"


@pytest.mark.source("CARLA docs: python_api#carla.WeatherParameters")
def test_weather_comes_back_as_it_was_set(stage):
    wanted = carla.WeatherParameters.WetCloudySunset
    stage.world.set_weather(wanted)
    stage.world.tick()
    got = stage.world.get_weather()
    for name in ("cloudiness", "precipitation_deposits", "sun_altitude_angle", "fog_density", "wetness"):
        assert getattr(got, name) == pytest.approx(getattr(wanted, name), rel=1e-6)


@pytest.mark.source("CARLA docs: ref_sensors#depth-camera")
def test_a_car_in_front_is_seen_with_its_tag_depth_and_number(stage):
    point = stage.map.get_spawn_points()[5]
    car = stage.car(5)
    car.set_simulate_physics(False)
    place = car.get_transform()
    back = place.transform(carla.Location(x=-10.0, z=1.0))
    eye_at = carla.Transform(back, point.rotation)
    kinds = ("semantic_segmentation", "depth", "instance_segmentation")
    eyes = {kind: stage.eye(kind, eye_at, size=(128, 96)) for kind in kinds}
    frame = stage.world.tick()
    tags = eyes["semantic_segmentation"].at(frame)[..., 2]
    assert tags[48, 64] == 14
    blue, green, red = eyes["depth"].at(frame)[48, 64, :3].astype(int)
    metres = 1000.0 * (red + 256 * green + 65536 * blue) / (2**24 - 1)
    rear = 10.0 - car.bounding_box.extent.x
    assert metres == pytest.approx(rear, abs=0.6)
    instance = eyes["instance_segmentation"].at(frame)
    assert instance[48, 64, 2] == 14
    assert int(instance[48, 64, 1]) + 256 * int(instance[48, 64, 0]) == car.id


@pytest.mark.source("CARLA docs: core_sensors, attach_to")
def test_a_fixed_camera_goes_with_its_car(stage):
    car = stage.car(2)
    eye = stage.eye("semantic_segmentation", carla.Transform(carla.Location(x=1.0, y=0.5, z=1.5)), car)
    car.set_transform(carla.Transform(carla.Location(40.0, -30.0, 0.0), carla.Rotation(yaw=90.0)))
    car.set_simulate_physics(False)
    eye.at(stage.world.tick())
    place = eye.actor.get_transform()
    # at yaw 90 degrees forward is +y and right is -x
    assert (place.location.x, place.location.y) == (pytest.approx(39.5, abs=1e-3), pytest.approx(-29.0, abs=1e-3))
    assert place.rotation.yaw == pytest.approx(90.0)


@pytest.mark.embedded
@pytest.mark.source("ours")
@pytest.mark.parametrize(
    ("name", "value"), [("image_size_x", "0"), ("fov", "300"), ("image_size_y", "many"), ("image_size_x", "9999")]
)
def test_impossible_cameras_are_refused_in_words(stage, view, name, value):
    entry = stage.library.find("sensor.camera.rgb")
    entry.set_attribute(name, value)
    with pytest.raises(RuntimeError, match=name):
        stage.world.spawn_actor(entry, view)


@pytest.mark.source("CARLA docs: python_api#carla.Actor.destroy")
def test_destroyed_cameras_fall_silent_and_leave_the_world_alive(stage, view):
    for _ in range(20):
        eye = stage.eye("rgb", view, size=(32, 32))
        eye.at(stage.world.tick())
        eye.actor.stop()
        eye.actor.destroy()
    stage.world.tick()
    assert len(stage.world.get_actors().filter("sensor.*")) == 0
    stage.world.tick()


@pytest.mark.source("CARLA docs: ref_sensors#rgb-camera, advanced camera attributes")
def test_exposure_gamma_and_white_balance_count(stage, view):
    """Of two cameras at one place, the second set otherwise; each camera is manual, and used to the light."""

    def pair(**changed: object) -> tuple[np.ndarray, np.ndarray]:
        eyes = [stage.eye("rgb", view, exposure_mode="manual", **more) for more in ({}, changed)]
        frame = stage.world.tick()
        plain, other = (eye.at(frame)[..., :3].astype(float).mean(axis=(0, 1)) for eye in eyes)
        return plain, other

    for brighter in ({"iso": 300}, {"shutter_speed": 60}, {"fstop": 0.8}, {"exposure_compensation": 2.5}):
        plain, other = pair(**brighter)
        assert (other > plain + 3.0).all(), brighter
    plain, other = pair(gamma=1.2)
    assert (other < plain - 3.0).all()
    plain, other = pair(temp=12_000)
    assert other[2] - other[0] > plain[2] - plain[0] + 3.0, "expected a warmer picture"

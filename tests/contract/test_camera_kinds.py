"""Cameras other than pictures, masks and depth: what the wheel makes of their messages, and whether it is true."""

import math
import queue

import carla
import numpy as np
import pytest

SIZE = {"image_size_x": 96, "image_size_y": 64}


def above(point: carla.Transform, height: float = 1.6, **turn: float) -> carla.Transform:
    place = carla.Location(point.location.x, point.location.y, point.location.z + height)
    return carla.Transform(place, carla.Rotation(yaw=point.rotation.yaw, **turn))


def colours(image: carla.Image) -> np.ndarray:
    """Return `(H, W, 3)` RGB."""
    return np.frombuffer(image.raw_data, np.uint8).reshape(image.height, image.width, 4)[..., 2::-1].copy()


def flow(image: carla.OpticalFlowImage) -> np.ndarray:
    """Return `(H, W, 2)`: right and up, in halves of the image."""
    return np.frombuffer(image.raw_data, np.float32).reshape(image.height, image.width, 2).copy()


@pytest.fixture
def view(stage):
    return above(stage.map.get_spawn_points()[3])


@pytest.mark.source("CARLA pull request 8810")
def test_normals_are_world_axes_half_and_half(stage, view):
    eye = stage.ear("sensor.camera.normals", view, **SIZE)
    mask = stage.ear("sensor.camera.semantic_segmentation", view, **SIZE)
    frame = stage.world.tick()
    image = eye.at(frame)
    assert (image.width, image.height, image.fov) == (96, 64, 90.0)
    road = colours(mask.at(frame))[..., 0] == 1
    up = colours(image)[road]
    assert road.sum() > 500
    np.testing.assert_allclose(np.median(up, axis=0), [128, 128, 255], atol=3)


@pytest.mark.source("CARLA issue 4795")
def test_flow_of_a_turning_camera_is_the_turn(stage, view):
    eye = stage.ear("sensor.camera.optical_flow", view, **SIZE)
    eye.at(stage.world.tick())
    turned = carla.Transform(view.location, carla.Rotation(yaw=view.rotation.yaw + 2.0))
    eye.actor.set_transform(turned)
    found = flow(eye.at(stage.world.tick()))
    # all that was in the middle lies 48 * tan(2 deg) pixels to the left now; 2 would be a whole image
    np.testing.assert_allclose(found[30:34, 46:50, 0], -2.0 * 48.0 * math.tan(math.radians(2.0)) / 96.0, rtol=0.05)
    np.testing.assert_allclose(found[30:34, 46:50, 1], 0.0, atol=2e-3)


@pytest.mark.source("CARLA docs: ref_sensors#optical-flow-camera")
def test_flow_agrees_with_depth_and_the_way_that_the_camera_went(stage, view):
    eyes = [stage.ear(f"sensor.camera.{kind}", view, **SIZE) for kind in ("optical_flow", "depth")]
    eyes[0].at(stage.world.tick())
    ahead = view.get_forward_vector()
    step = 0.8
    for eye in eyes:
        eye.actor.set_transform(carla.Transform(view.location + step * ahead, view.rotation))
    frame = stage.world.tick()
    image = eyes[0].at(frame)
    assert isinstance(image, carla.OpticalFlowImage)
    found, parts = flow(image), colours(eyes[1].at(frame)).astype(int)
    depth = 1000.0 * (parts[..., 0] + 256 * parts[..., 1] + 65536 * parts[..., 2]) / (2**24 - 1)
    columns, rows = np.meshgrid(np.arange(96) + 0.5 - 48, np.arange(64) + 0.5 - 32)
    share = 1.0 - depth / (depth + step)
    expected = np.stack([2.0 * columns * share / 96, -2.0 * rows * share / 64], axis=-1)
    near = depth < 100.0
    assert near.sum() > 2000
    assert np.percentile(np.abs(found - expected)[near], 95) < 2e-3
    coded = image.get_color_coded_flow()
    assert len(coded.raw_data) == 96 * 64 * 4


@pytest.mark.source("CARLA docs: ref_sensors#dvs-camera")
def test_events_tell_where_when_and_which_way(stage, view):
    eye = stage.ear("sensor.camera.dvs", view, **SIZE)
    stage.world.tick()
    before = stage.world.get_snapshot().timestamp.elapsed_seconds
    eye.actor.set_transform(carla.Transform(view.location, carla.Rotation(yaw=view.rotation.yaw + 3.0)))
    frame = stage.world.tick()
    events = eye.at(frame)
    assert isinstance(events, carla.DVSEventArray)
    assert (events.width, events.height) == (96, 64)
    kind = np.dtype([("x", "u2"), ("y", "u2"), ("t", "i8"), ("pol", "?")])
    packed = np.frombuffer(events.raw_data, kind)
    assert len(packed) == len(events) > 50
    first = events[0]
    assert (first.x, first.y, first.t, first.pol) == tuple(packed[0].tolist())
    assert packed["x"].max() < 96
    assert packed["y"].max() < 64
    assert packed["pol"].any()
    assert not packed["pol"].all()
    assert (np.diff(packed["t"]) >= 0).all()
    now = stage.world.get_snapshot().timestamp.elapsed_seconds
    assert before * 1e9 - 1e3 <= packed["t"].min() <= packed["t"].max() <= now * 1e9 + 1e3
    assert len(events.to_image()) == 96 * 64


@pytest.mark.source("CARLA source: DVSCamera")
@pytest.mark.embedded  # a real renderer's grain gives events everywhere
def test_a_still_world_gives_no_events(stage, view):
    eye = stage.ear("sensor.camera.dvs", view, **SIZE)
    mask = stage.ear("sensor.camera.semantic_segmentation", view, **SIZE)
    for _ in range(3):
        mask.at(stage.world.tick())  # drawn after the events
    with pytest.raises(queue.Empty):
        eye.messages.get_nowait()


@pytest.mark.source("CARLA pull request 9122")
def test_the_cosmos_drawing_shows_cars_as_red_boxes(stage):
    point = stage.map.get_spawn_points()[5]
    car = stage.car(5)
    car.set_simulate_physics(False)
    back = car.get_transform().transform(carla.Location(x=-9.0, z=1.5))
    eye = stage.ear("sensor.camera.cosmos_visualization", carla.Transform(back, point.rotation), **SIZE)
    drawn = colours(eye.at(stage.world.tick())).astype(int)
    red = (drawn[..., 0] > 200) & (drawn[..., 1:].max(axis=2) < 30)
    assert red[20:50, 30:66].sum() > 20
    assert ((drawn == 0).all(axis=2)).mean() > 0.3  # the rest of the world is dark


@pytest.mark.source("CARLA issue 8851")
def test_instances_of_actors_are_their_ids_low_byte_in_green(stage):
    car = stage.car(5)
    car.set_simulate_physics(False)
    place = car.get_transform()
    back = carla.Transform(place.transform(carla.Location(x=-9.0, z=1.2)), place.rotation)
    eye = stage.ear("sensor.camera.instance_segmentation", back, **SIZE)
    image = colours(eye.at(stage.world.tick())).astype(int)
    numbers = image[..., 1] + 256 * image[..., 2]
    assert set(image[..., 0][numbers == car.id].tolist()) == {14}
    assert (numbers == car.id).sum() > 50
    static = numbers[np.isin(image[..., 0], (3, 9))]
    assert not set(static.tolist()) & {actor.id for actor in stage.world.get_actors()}


@pytest.mark.source("CARLA pull request 8334")
def test_heads_of_traffic_lights_are_seen_by_their_ids(stage):
    lights = {light.id: light for light in stage.world.get_actors().filter("traffic.traffic_light")}
    assert lights
    light = min(lights.values(), key=lambda each: each.id)
    stop = light.get_stop_waypoints()[0].transform
    place = carla.Transform(
        stop.transform(carla.Location(x=-6.0, z=2.0)), carla.Rotation(yaw=stop.rotation.yaw, pitch=5.0)
    )
    eye = stage.ear("sensor.camera.instance_segmentation", place, image_size_x=320, image_size_y=240)
    lidar = stage.ear("sensor.lidar.ray_cast_semantic", place, range=60, upper_fov=30, lower_fov=0, channels=64,
                      points_per_second=1_000_000, rotation_frequency=20)  # fmt: skip
    frame = stage.world.tick()
    image = colours(eye.at(frame)).astype(int)
    numbers = image[..., 1] + 256 * image[..., 2]
    assert light.id in numbers[image[..., 0] == 7]
    assert set(image[..., 0][np.isin(numbers, list(lights))].tolist()) <= {6, 7}  # a head, and what it hangs from
    kind = np.dtype([("x", "f4"), ("y", "f4"), ("z", "f4"), ("cosine", "f4"), ("object", "u4"), ("tag", "u4")])
    points = np.frombuffer(lidar.at(frame).raw_data, kind)
    assert light.id in points["object"][points["tag"] == 7]
    assert not points["object"][np.isin(points["tag"], (1, 2, 3, 9))].any()


@pytest.mark.source("CARLA docs: ref_sensors")
def test_cameras_of_one_place_agree_to_the_pixel(stage, view):
    kinds = ("semantic_segmentation", "instance_segmentation", "depth", "normals")
    eyes = {
        kind: stage.ear(f"sensor.camera.{kind}", view, image_size_x=123, image_size_y=77, fov=100) for kind in kinds
    }
    frame = stage.world.tick()
    seen = {kind: colours(eye.at(frame)).astype(int) for kind, eye in eyes.items()}
    np.testing.assert_array_equal(seen["semantic_segmentation"][..., 0], seen["instance_segmentation"][..., 0])
    sky = seen["semantic_segmentation"][..., 0] == 11
    assert sky.any()
    assert (seen["depth"][sky] == 255).all()
    assert not (seen["depth"][~sky] == 255).all(axis=1).any()


@pytest.mark.source("CARLA docs: core_sensors")
def test_a_sensor_with_a_period_is_quiet_in_between(stage, view):
    quick = stage.ear("sensor.camera.semantic_segmentation", view, image_size_x=16, image_size_y=16)
    slow = stage.ear("sensor.camera.semantic_segmentation", view, image_size_x=16, image_size_y=16, sensor_tick=0.2)
    uneven = stage.ear("sensor.camera.semantic_segmentation", view, image_size_x=16, image_size_y=16, sensor_tick=0.08)
    frames = [stage.world.tick() for _ in range(24)]
    stage.world.tick()
    quick.at(frames[-1] + 1)
    heard = []
    for eye in (slow, uneven):
        got = []
        while not eye.messages.empty():
            got.append(eye.messages.get().frame)
        heard.append([frame for frame in got if frame in frames])
    assert len(heard[0]) in (5, 6)
    assert set(np.diff(heard[0]).tolist()) == {4}
    assert len(heard[1]) in (14, 15, 16)  # 1.2 s of 0.08 s: one tick or two between


@pytest.mark.source("CARLA source: RayCastLidar")
def test_many_sensors_ride_on_one_car(stage):
    car = stage.car(3)
    kinds = ["rgb", "depth", "semantic_segmentation", "instance_segmentation", "normals", "optical_flow"]
    rig = [
        stage.ear(f"sensor.camera.{kind}", carla.Transform(carla.Location(x=1.5, z=1.7)), car, **SIZE) for kind in kinds
    ]
    rig.append(stage.ear("sensor.lidar.ray_cast", carla.Transform(carla.Location(z=2.4)), car))
    rig.append(stage.ear("sensor.lidar.ray_cast_semantic", carla.Transform(carla.Location(z=2.4)), car))
    rig.append(stage.ear("sensor.other.radar", carla.Transform(carla.Location(x=2.0, z=1.0)), car))
    for _ in range(3):
        frame = stage.world.tick()
        place = car.get_transform()
        for ear in rig:
            message = ear.at(frame)
            assert message.transform.location.distance(place.location) < 4.0


@pytest.mark.source("ours")
@pytest.mark.embedded
@pytest.mark.parametrize("name", ["sensor.other.rss", "sensor.other.v2x", "sensor.other.v2x_custom"])
def test_what_is_not_served_is_not_listed_and_refused_in_words(stage, ask, name):
    assert not stage.library.filter(name)
    place = [[0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]
    error, result = ask("spawn_actor", [0, name, []], place)
    assert error is None
    assert result[0][0] == 0
    assert name in result[0][1][0]

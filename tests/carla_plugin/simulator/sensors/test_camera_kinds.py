"""Normals, flow, events and the cosmos drawing against values worked out by hand."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest

from carla_plugin.simulator.assets.shapes import Finish, box
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.render import Placed
from carla_plugin.simulator.sensors.dvs import EVENT, Pixels, Retina
from carla_plugin.simulator.sensors.images import Lens
from protocols.carla_rpc.types import Location, Rotation, Transform

SIZE = {"image_size_x": 96, "image_size_y": 64, "fov": 90.0}  # focal length 48 px
SECOND = 1_000_000_000


def image(message: bytes) -> np.ndarray:
    """Return `(H, W, 3)` RGB."""
    width, height, fov = struct.unpack_from("<2If", message)
    assert (width, height, fov) == (96, 64, 90.0)
    return np.frombuffer(message[12:], np.uint8).reshape(height, width, 4)[..., 2::-1]


def flow(message: bytes) -> np.ndarray:
    assert struct.unpack_from("<2If", message) == (96, 64, 90.0)
    return np.frombuffer(message[12:], "<f4").reshape(64, 96, 2)


def test_normals_are_world_axes_as_colours(rig, at):
    ahead = image(rig("sensor.camera.normals", at(), **SIZE).tick())
    assert ahead[32, 48].tolist() == [0, 128, 128]  # the wall looks along -x
    assert ahead[60, 48].tolist() == [128, 128, 255]  # the ground up
    assert ahead[0, 48].tolist() == [128, 128, 128]  # the sky nowhere
    turned = image(rig("sensor.camera.normals", at(yaw=45.0, pitch=-20.0), **SIZE).tick())
    assert {tuple(colour) for colour in turned.reshape(-1, 3).tolist()} >= {(0, 128, 128), (128, 128, 255)}


def test_nothing_has_moved_in_the_first_message_nor_in_a_still_world(rig, at):
    camera = rig("sensor.camera.optical_flow", at(), **SIZE)
    assert not flow(camera.tick()).any()
    assert not flow(camera.tick()).any()


def test_flow_of_a_camera_that_goes_ahead_points_away_from_the_middle(rig, at):
    camera = rig("sensor.camera.optical_flow", at(), **SIZE)
    camera.tick()
    found = flow(camera.tick(where=at(x=2.0)))
    # the wall is 18 m away and was 20: a pixel c from the middle was at c * 18 / 20
    across, down = np.arange(96) + 0.5 - 48, np.arange(64) + 0.5 - 32
    np.testing.assert_allclose(found[28, :, 0], 2.0 * across * (1 - 18 / 20) / 96, atol=1e-6)
    np.testing.assert_allclose(found[28, :, 1], -2.0 * down[28] * (1 - 18 / 20) / 64, atol=1e-6)
    # the ground: 2 m below the eye, a row r below the middle is 2 * 48 / r away and was 2 m further
    r = down[60]
    far = 2.0 * 48 / r
    np.testing.assert_allclose(found[60, :, 1], -2.0 * (r - r * far / (far + 2.0)) / 64, atol=1e-5)


def test_the_sky_only_turns(rig, at):
    camera = rig("sensor.camera.optical_flow", at(pitch=60.0), **SIZE)
    camera.tick()
    assert not flow(camera.tick(where=at(x=2.0, pitch=60.0))).any()
    level = rig("sensor.camera.optical_flow", at(pitch=0.0), **SIZE)
    level.tick()
    found = flow(level.tick(where=at(yaw=1.0)))
    # a point in the middle was a degree to the right of it: it has moved left
    shift = 48 * math.tan(math.radians(1.0))
    np.testing.assert_allclose(found[2, 47:49, 0].mean(), -2.0 * shift / 96, rtol=1e-2)
    np.testing.assert_allclose(found[30, 47:49, 0].mean(), -2.0 * shift / 96, rtol=1e-2)


def test_what_drives_and_turns_flows_with_its_own_points(rig, at, car):
    camera = rig("sensor.camera.optical_flow", at(z=0.75), **SIZE)
    first = Placed(70_009, car, Transform(Location(10.0, 0.0, 0.0)), 0)
    camera.tick((first, (0, 0, 0)))
    found = flow(camera.tick((first._replace(transform=Transform(Location(10.0, 1.0, 0.0))), (0, 0, 0))))
    # its back, 8 m away, has gone 1 m to the right: 48 / 8 = 6 px
    assert found[32, 54].tolist() == pytest.approx([2.0 * 6 / 96, 0.0], abs=1e-6)
    assert not found[32, 10].any()
    turned = flow(
        camera.tick((first._replace(transform=Transform(Location(10.0, 1.0, 0.0), Rotation(yaw=180.0))), (0, 0, 0)))
    )
    # its back was its front: 12 m away, and what was left is right
    x = (54.5 - 48) / 48 * 8  # metres to the right of the eye
    was = 48 + 48 * (2.0 - x) / 12
    assert turned[32, 54, 0] == pytest.approx(2.0 * (54.5 - was) / 96, abs=1e-5)


def test_what_bends_flows_point_by_point(rig, at, car):
    camera = rig("sensor.camera.optical_flow", at(z=0.75), **SIZE)
    low = Placed(9, car, Transform(Location(10.0, 0.0, 0.0)), 0)
    tall = low._replace(mesh=box((0.0, 0.0, 1.5), (4.0, 2.0, 3.0), Finish(Material.PLAIN, 14, (200, 30, 30))))
    other = low._replace(actor_id=8, transform=Transform(Location(10.0, 4.0, 0.0)))
    camera.tick((other, (0, 0, 0)), (low, (0, 0, 0)))
    found = flow(camera.tick((other, (0, 0, 0)), (tall, (0, 0, 0))))
    for row in (22, 30, 34):
        height = 0.75 - (row + 0.5 - 32) * 8 / 48  # of the back, 8 m away: a point was half as high
        assert found[row, 48].tolist() == pytest.approx([0.0, 2.0 * 0.5 * height * 48 / 8 / 64], abs=1e-6)
    assert not found[34, 70].any()


def test_brightness_that_climbs_fires_at_each_threshold_in_even_time():
    pixels = Pixels(Lens(2, 1, 90.0), 0.3, 0.2, 0.0, 0.0, 0, True, 1e-3)
    retina = Retina(np.array([0.0, 0.0]), SECOND)
    where, when, upward = retina.events(np.array([1.0, -0.5]), 2 * SECOND, pixels)
    expected = sorted([(1.3, 0, True), (1.6, 0, True), (1.9, 0, True), (1.4, 1, False), (1.8, 1, False)])
    got = [(t / SECOND, int(p), bool(u)) for p, t, u in zip(where, when, upward, strict=True)]
    assert [(pytest.approx(t, abs=1e-6), p, u) for t, p, u in expected] == got
    # the next threshold counts from the last event, not from the last picture
    where, when, _ = retina.events(np.array([1.25, -0.5]), 3 * SECOND, pixels)
    assert where.tolist() == [0]
    assert when[0] / SECOND == pytest.approx(2.0 + (1.2 - 1.0) / 0.25)
    assert len(retina.events(np.array([1.25, -0.5]), 4 * SECOND, pixels)[0]) == 0


def test_a_pixel_that_has_fired_rests():
    pixels = Pixels(Lens(1, 1, 90.0), 0.1, 0.1, 0.0, 0.0, SECOND // 4, True, 1e-3)
    retina = Retina(np.zeros(1), 0)
    _, when, _ = retina.events(np.ones(1), SECOND, pixels)
    np.testing.assert_allclose(when / SECOND, [0.1, 0.4, 0.7, 1.0], atol=1e-6)


def test_a_tick_has_no_more_events_than_memory_bears(monkeypatch):
    monkeypatch.setattr("carla_plugin.simulator.sensors.dvs.MOST_EVENTS", 1000)
    pixels = Pixels(Lens(10, 10, 90.0), 0.01, 0.01, 0.0, 0.0, 0, False, 1e-3)
    where, _, _ = Retina(np.zeros(100), 0).events(np.full(100, 255.0), SECOND, pixels)
    assert 1000 <= len(where) < 1200


def test_uneven_thresholds_are_the_same_in_every_run():
    def run(sigma):
        pixels = Pixels(Lens(64, 1, 90.0), 0.3, 0.3, sigma, sigma, 0, True, 1e-3)
        return Retina(np.zeros(64), 0).events(np.linspace(-2, 2, 64), SECOND, pixels)[1].tolist()

    assert run(0.05) == run(0.05) != run(0.0)


def test_events_lie_where_a_box_has_moved_and_a_still_world_is_silent(rig, at, car):
    eye = rig("sensor.camera.dvs", at(z=1.0), **SIZE)
    here = Placed(9, car, Transform(Location(10.0, 0.0, 0.0)), 0)
    assert eye.tick((here, (0, 0, 0))) is None
    assert eye.tick((here, (0, 0, 0))) is None
    message = eye.tick((here._replace(transform=Transform(Location(10.0, 0.6, 0.0))), (0, 0, 0)))
    assert struct.unpack_from("<2If", message) == (96, 64, 90.0)
    events = np.frombuffer(message[12:], EVENT)
    assert (np.diff(events["t"]) >= 0).all()
    assert events["t"].min() >= 0.1 * SECOND
    assert events["t"].max() <= 0.15 * SECOND
    assert events["polarity"].any()
    assert not events["polarity"].all()
    # the box's sides at 8 m: y from -1..1 to -0.4..1.6, shadow and lens aside
    assert np.percentile(events["x"], 10) > 30
    assert np.percentile(events["x"], 90) < 66


def test_the_cosmos_drawing_boxes_cars_and_leaves_out_its_own(rig, at, car):
    here = Placed(9, car, Transform(Location(10.0, 0.0, 0.0)), 0)
    drawn = image(rig("sensor.camera.cosmos_visualization", at(z=1.0), **SIZE).tick((here, (0, 0, 0))))
    red = (drawn == [255, 0, 0]).all(axis=2)
    rows, columns = np.nonzero(red)
    # its back is 8 m away: columns 48 -+ 6, rows from 32 - 48 * 0.5 / 8 to 32 + 48 / 8
    assert columns.min() in (41, 42)
    assert columns.max() in (53, 54)
    assert rows.min() in (28, 29)
    assert rows.max() in (37, 38)
    assert not red[33, 48]  # only its edges are drawn
    own = image(rig("sensor.camera.cosmos_visualization", at(z=1.0), 9, **SIZE).tick((here, (0, 0, 0))))
    assert not (own == [255, 0, 0]).all(axis=2).any()

"""Cameras: what they are told at birth, several views and planes of one frame, and images that are late."""

import queue
from types import SimpleNamespace

import numpy as np
import pytest

from carla_plugin.defences import ALL, Defences
from carla_plugin.pixels import SKY_TAG, TAG_CHANNEL, decoded
from carla_plugin.refusals import LateError
from carla_plugin.scenario_parts import Camera, Lens
from carla_plugin.world.cameras import LOST_AFTER, MOST_WAITING, CameraRig, _keep, attributes
from carla_plugin.world.connection import ServerError, World
from protocols.carla_rpc.types import Location, Rotation, Transform

CAMERAS = (Camera(width=64, height=32), Camera(width=48, height=40, fov_deg=60.0))


def test_nothing_smears_and_exposure_is_fixed_unless_a_scenario_says_otherwise():
    told = attributes(Camera(), "image")
    assert told["motion_blur_intensity"] == told["chromatic_aberration_intensity"] == "0.0"
    assert told["exposure_mode"] == "manual"
    assert not any(key.startswith("lens_") for key in told), "zeros are no lens: defaults stay"
    lens = Lens(exposure_mode="histogram", motion_blur_intensity=0.3, lens_k=-0.5)
    told = attributes(Camera(lens=lens), "image")
    assert (told["exposure_mode"], told["motion_blur_intensity"], told["lens_k"]) == ("histogram", "0.3", "-0.5")
    assert attributes(Camera(lens=lens), "tags").keys() == {"image_size_x", "image_size_y", "fov", "lens_k"}
    assert "exposure_mode" not in attributes(Camera(), "image", Defences(fixed_exposure=False))


def test_views_and_planes_are_of_one_frame(simulator):
    with World.connect("127.0.0.1", simulator.port, "Grid_07", 0.05) as world:
        point = world.map.get_spawn_points()[3].location
        poses = [Transform(Location(point.x, point.y, point.z + 2.0), Rotation(0.0, yaw, 0.0)) for yaw in (0.0, 90.0)]
        with CameraRig.mounted(world, CAMERAS, ("depth", "instance"), poses) as rig:
            for _ in range(3):
                world.tick()  # nobody looks: these are let go
            frame = world.tick()
            wide, narrow = rig.take(frame)
            assert (wide.image.shape, narrow.image.shape) == ((32, 64, 4), (40, 48, 4))
            assert set(wide.frames + narrow.frames) == {frame}
            for shot in (wide, narrow):
                tags, metres = shot.tags[..., TAG_CHANNEL], decoded("depth", shot.planes["depth"])
                assert (metres[tags == SKY_TAG] == 1000.0).all()
                assert (metres[tags != SKY_TAG] < 1000.0).all()
                assert np.array_equal(shot.planes["instance"][..., TAG_CHANNEL], tags)
                numbers = decoded("instance", shot.planes["instance"])
                assert len(np.unique(numbers)) > 2
            first = wide.image.copy()
            world.apply(rig.move_commands([poses[1], poses[0]]), "turning")
            turned, _ = rig.take(world.tick())
            assert not np.array_equal(turned.image, first)
            assert np.array_equal(wide.image, first), "a shot keeps its memory"
        world.tick()
        assert not [actor for actor in world.world.get_actors() if actor.type_id.startswith("sensor.camera.")]


class Server:
    """A world of which only ticks are needed."""

    address = "127.0.0.1:2000"

    def __init__(self):
        self.ticks = 0
        self.deliver = []

    def tick(self):
        self.ticks += 1
        for late in self.deliver:
            late()
        return self.ticks

    def alive(self):
        return True


def image(frame, value=0, size=(2, 3)):
    pixels = np.full((*size, 4), value, np.uint8).tobytes()
    return SimpleNamespace(frame=frame, height=size[0], width=size[1], raw_data=pixels)


class Sensor:
    """A sensor whose images a test delivers."""

    def listen(self, callback):
        self.deliver = callback


@pytest.fixture
def rig():
    def make(defences=ALL):
        sensors = [(0, plane, Sensor()) for plane in ("image", "tags")]
        rig = CameraRig(Server(), sensors, [(2, 3)], defences.matched_frames)
        return rig, *(sensor.deliver for _, _, sensor in sensors)

    return make


def test_images_out_of_order_are_matched_by_frame_number(rig):
    cameras, picture, mask = rig()
    for frame in (3, 5, 4):
        picture(image(frame, frame))
    for frame in (4, 3):
        mask(image(frame, 10 + frame))
    (shot,) = cameras.take(4)
    assert (shot.image[0, 0, 0], shot.tags[0, 0, 0], shot.frames) == (4, 14, (4, 4))
    mask(image(5, 15))
    (shot,) = cameras.take(5)
    assert (shot.image[0, 0, 0], shot.tags[0, 0, 0]) == (5, 15)


def test_a_server_that_is_behind_is_ticked_on(rig, monkeypatch):
    monkeypatch.setattr("carla_plugin.world.cameras.PROBE_EVERY_S", 0.01)
    cameras, picture, mask = rig()
    cameras.world.deliver = [lambda: picture(image(1)), lambda: mask(image(1))]
    assert cameras.take(1)[0].frames == (1, 1)
    assert cameras.world.ticks >= 1


def test_an_image_that_was_lost_is_not_waited_for(rig, monkeypatch):
    monkeypatch.setattr("carla_plugin.world.cameras.PROBE_EVERY_S", 0.001)
    cameras, picture, _ = rig()
    cameras.world.deliver = [lambda: picture(image(1 + cameras.world.ticks))]
    with pytest.raises(LateError, match="expected an image of frame 1, got only later ones"):
        cameras.take(1)
    assert cameras.world.ticks == LOST_AFTER + 1


def test_without_the_match_the_newest_image_is_taken(rig):
    cameras, picture, mask = rig(Defences(matched_frames=False))
    for frame in (7, 6):
        picture(image(frame))
        mask(image(frame))
    assert cameras.take(7)[0].frames == (6, 6)


def test_an_image_of_another_size_is_named(rig):
    cameras, picture, mask = rig()
    picture(image(1, size=(4, 6)))
    mask(image(1))
    with pytest.raises(ServerError, match="expected images of 3x2, got 6x4"):
        cameras.take(1)


def test_images_that_nobody_takes_are_let_go():
    line = queue.SimpleQueue()
    for frame in range(50):
        _keep(line, image(frame))
    assert line.qsize() == MOST_WAITING
    assert line.get().frame == 50 - MOST_WAITING

"""Cameras before a renderer of four pixels: what is drawn once, what is kept, and how metres become bytes."""

from __future__ import annotations

import numpy as np
import pytest

from carla_plugin.simulator.cameras import KEPT_FRAMES, Cameras, Still
from carla_plugin.simulator.mesh import empty
from carla_plugin.simulator.render import Camera, Placed
from protocols.carla_rpc.streaming import SensorType
from protocols.carla_rpc.types import Location, Transform, WeatherParameters

DEPTH_M = np.array([[0.0, 0.5], [123.456, np.inf]], np.float32)
NOON, DUSK = WeatherParameters(), WeatherParameters(sun_altitude_angle=2.0)


class FourPixels:
    """A frame whose picture is as bright as the sun is high."""

    tags = np.array([[1, 14], [24, 11]], np.uint8)
    depth = DEPTH_M
    instances = np.array([[0, 70_000], [2**31 + 4464, 0]], np.uint32)

    def __init__(self, log: list[str]) -> None:
        self._log = log

    def shade(self, weather: WeatherParameters, *more: object) -> np.ndarray:
        self._log.append("shade")
        return np.full((2, 2, 4), int(weather.sun_altitude_angle), np.uint8)


class Renderer:
    signal_of_part = np.full(5000, -1)
    signal_of_part[4464] = 1

    def __init__(self) -> None:
        self.log: list[str] = []

    def frame(self, camera, placed, signals, *dressing) -> FourPixels:
        self.log.append("frame")
        return FourPixels(self.log)


def camera(x: float = 0.0) -> Camera:
    return Camera(Transform(Location(x, 0.0, 2.0)), 2, 2, 90.0)


def still(weather=NOON, placed=(), signals=(0, 2)) -> Still:
    return Still(tuple(placed), tuple(signals), weather)


@pytest.fixture
def renderer():
    return Renderer()


def pixels(cameras: Cameras, kind: int, where=None, what=None) -> np.ndarray:
    data = cameras.pixels(kind, where or camera(), what or still())
    return np.frombuffer(data, np.uint8).reshape(2, 2, 4)


def test_all_kinds_of_one_view_share_one_frame(renderer):
    cameras = Cameras(renderer)
    for kind in (SensorType.RGB, SensorType.SEMANTIC, SensorType.DEPTH, SensorType.INSTANCE):
        pixels(cameras, kind)
    assert renderer.log == ["frame", "shade"]


def test_what_has_not_changed_is_not_drawn_again(renderer):
    cameras = Cameras(renderer)
    first = pixels(cameras, SensorType.RGB)
    assert (pixels(cameras, SensorType.RGB) == first).all()
    assert renderer.log == ["frame", "shade"]
    assert (pixels(cameras, SensorType.RGB, what=still(DUSK)) != first).any()
    assert renderer.log == ["frame", "shade", "shade"]
    pixels(cameras, SensorType.SEMANTIC, what=still(DUSK))
    assert renderer.log.count("frame") == 1


@pytest.mark.parametrize("change", ["camera", "lights", "place", "lamps", "mesh"])
def test_what_has_changed_is_drawn_anew(renderer, change):
    cameras, mesh = Cameras(renderer), empty()
    here = Placed(5, mesh, Transform(), 0)
    pixels(cameras, SensorType.SEMANTIC, what=still(placed=[here]))
    other = {
        "lamps": here._replace(lights=3),
        "place": here._replace(transform=Transform(Location(1.0, 0.0, 0.0))),
        "mesh": here._replace(mesh=empty()),
    }.get(change, here)
    what = still(placed=[other], signals=(0, 1) if change == "lights" else (0, 2))
    pixels(cameras, SensorType.SEMANTIC, camera(1.0) if change == "camera" else None, what)
    assert renderer.log == ["frame", "frame"]


def test_old_frames_are_let_go(renderer):
    cameras = Cameras(renderer)
    for x in range(100):
        pixels(cameras, SensorType.RGB, camera(float(x)))
    pixels(cameras, SensorType.RGB, camera(99.0))
    assert renderer.log.count("frame") == 100
    pixels(cameras, SensorType.SEMANTIC, camera(100.0 - KEPT_FRAMES))
    assert renderer.log.count("frame") == 100
    pixels(cameras, SensorType.SEMANTIC, camera(0.0))
    assert renderer.log.count("frame") == 101


def test_masks_hold_the_tag_in_red(renderer):
    image = pixels(Cameras(renderer), SensorType.SEMANTIC)
    assert (image[..., 2] == FourPixels.tags).all()
    assert not image[..., :2].any()
    assert (image[..., 3] == 255).all()


def test_depth_is_read_as_carla_documents_it(renderer):
    image = pixels(Cameras(renderer), SensorType.DEPTH).astype(np.int64)
    metres = 1000.0 * (image[..., 2] + 256 * image[..., 1] + 65536 * image[..., 0]) / (2**24 - 1)
    assert metres == pytest.approx(np.minimum(DEPTH_M, 1000.0), abs=1e-4)


def test_instances_are_16_bits_beside_the_tag(renderer):
    image = pixels(Cameras(renderer), SensorType.INSTANCE).astype(np.int64)
    assert (image[..., 2] == FourPixels.tags).all()
    assert (image[..., :2] == pixels(Cameras(renderer), SensorType.INSTANCE, what=still(signals=()))[..., :2]).all()
    # actors have their ids, the parts of the town count down from 65535
    assert (image[..., 1] + 256 * image[..., 0] == [[0, 70_000 - 65536], [65535 - 4464, 0]]).all()


def test_large_frames_are_let_go_sooner(renderer):
    cameras = Cameras(renderer)
    large = [Camera(Transform(Location(float(x), 0.0, 2.0)), 2000, 1200, 90.0) for x in range(3)]
    for where in large:
        cameras.frame(where, still())
    cameras.frame(large[2], still())
    assert renderer.log.count("frame") == 3
    cameras.frame(large[1], still())  # 4.8 million pixels together are too many
    assert renderer.log.count("frame") == 4


def test_the_head_of_a_traffic_light_has_its_actors_id(renderer):
    lights = still()._replace(signal_ids=(300, 301))
    image = pixels(Cameras(renderer), SensorType.INSTANCE, what=lights).astype(np.int64)
    assert (image[..., 1] + 256 * image[..., 0] == [[0, 70_000 - 65536], [301, 0]]).all()

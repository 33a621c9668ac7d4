"""Images: sensors that send four bytes a pixel, and what all cameras read at their birth."""

from __future__ import annotations

from typing import NamedTuple

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.cameras import Cameras
from carla_plugin.simulator.refusal import CallError
from carla_plugin.simulator.render import Camera
from carla_plugin.simulator.render.film import PLAIN_FILM, Film
from carla_plugin.simulator.sensors.attributes import number, whole
from carla_plugin.simulator.sensors.development import read_film
from carla_plugin.simulator.sensors.kind import Drawn, Shot
from protocols.carla_rpc import streaming
from protocols.carla_rpc.types import Transform

SIDE_LIMIT_PX = 8192
AREA_LIMIT_PX = 16_000_000  # a frame needs about 100 bytes a pixel


class Lens(NamedTuple):
    """Hold size and field of view of a camera, and how it develops what it sees."""

    width: int
    height: int
    fov_deg: float
    film: Film = PLAIN_FILM

    def camera(self, place: Transform) -> Camera:
        """Return the camera that stands at a place."""
        return Camera(place, self.width, self.height, self.fov_deg)

    def opening(self) -> bytes:
        """Return what stands before the pixels."""
        return streaming.image(self.width, self.height, self.fov_deg)


def read_lens(sensor: Sensor) -> Lens:
    """Return a camera's size and field of view, and the film of those that have one.

    Raises:
        CallError: an attribute is out of range.
    """
    lens = Lens(
        whole(sensor, "image_size_x", "800", 1, SIDE_LIMIT_PX),
        whole(sensor, "image_size_y", "600", 1, SIDE_LIMIT_PX),
        number(sensor, "fov", "90.0", 1.0, 179.0),
        read_film(sensor),
    )
    if lens.width * lens.height > AREA_LIMIT_PX:
        raise CallError(
            f"{sensor.description.id}: image_size_x * image_size_y must be at most {AREA_LIMIT_PX} pixels, "
            f"not {lens.width} * {lens.height}"
        )
    return lens


def image_kind(wire: int) -> Drawn:
    """Return the kind of camera whose bytes `Cameras` knows how to make."""

    def draw(cameras: Cameras, shot: Shot) -> bytes:
        lens: Lens = shot.settings
        return lens.opening() + cameras.pixels(wire, lens.camera(shot.place), shot.still, lens.film)

    return Drawn(wire, read_lens, draw)

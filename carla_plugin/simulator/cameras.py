"""Cameras: pictures, masks, depth and instances of one view share one frame; what did not change is a copy."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render import Camera, Frame, Placed, Renderer
from carla_plugin.simulator.render.geometry import STATIC_INSTANCE
from carla_plugin.simulator.render.rays import Tracer
from protocols.carla_rpc.streaming import SensorType
from protocols.carla_rpc.types import Location, WeatherParameters

Kept = TypeVar("Kept")

KEPT_FRAMES = 4
KEPT_IMAGES = 24
FAR_M = 1000.0


class Still(NamedTuple):
    """Hold what a tick looks like: the actors to be drawn, the lights' states, the weather, who moves how fast.

    Attributes:
        placed: the actors.
        signals: state of each signal by its number in the town.
        weather: as the client set it.
        velocities: of the actors in `placed`, in their order, world axes, m/s.
    """

    placed: tuple[Placed, ...]
    signals: tuple[int, ...]
    weather: WeatherParameters
    velocities: tuple[Location, ...] = ()


class Cameras:
    """Draw what cameras see; used by one thread only."""

    def __init__(self, renderer: Renderer) -> None:
        """Start with nothing drawn."""
        self._renderer = renderer
        self._frames: OrderedDict[Hashable, Frame] = OrderedDict()
        self._images: OrderedDict[Hashable, bytes] = OrderedDict()

    def pixels(self, kind: int, camera: Camera, still: Still) -> bytes:
        """Return `H * W * 4` bytes BGRA of one camera at one tick.

        Args:
            kind: RGB, SEMANTIC, DEPTH or INSTANCE of `SensorType`.
            camera: pose and size.
            still: what there is to see.
        """
        view = (camera, still.placed, still.signals)  # meshes are equal only if they are the same
        key = (kind, view, still.weather if kind == SensorType.RGB else None)
        return _kept(self._images, key, KEPT_IMAGES, lambda: self._draw(kind, camera, still))

    def frame(self, camera: Camera, still: Still) -> Frame:
        """Return what a camera sees; all who ask for the same view get the same frame."""
        view = (camera, still.placed, still.signals)
        return _kept(self._frames, view, KEPT_FRAMES, lambda: self._renderer.frame(camera, still.placed, still.signals))

    @property
    def tracer(self) -> Tracer:
        """Return what sends rays into the town."""
        return self._renderer.tracer

    def _draw(self, kind: int, camera: Camera, still: Still) -> bytes:
        frame = self.frame(camera, still)
        if kind == SensorType.RGB:
            return frame.shade(still.weather).tobytes()
        image = np.zeros((camera.height, camera.width, 4), dtype=np.uint8)
        image[..., 3] = 255
        if kind == SensorType.DEPTH:
            _write_depth(frame.depth, image)
        else:
            image[..., 2] = frame.tags
        if kind == SensorType.INSTANCE:
            numbers = instance_numbers(frame.instances)
            image[..., 1] = numbers & 0xFF
            image[..., 0] = numbers >> 8
        return image.tobytes()


def _kept(store: OrderedDict[Hashable, Kept], key: Hashable, limit: int, make: Callable[[], Kept]) -> Kept:
    """Return what a store has under a key, made now if it has not; the least used go first."""
    if key not in store:
        store[key] = make()
        if len(store) > limit:
            store.popitem(last=False)
    store.move_to_end(key)
    return store[key]


def instance_numbers(instances: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return 16-bit numbers of any shape: actor ids, and from 65535 downward the parts of the town; sky is 0."""
    return np.where(instances < STATIC_INSTANCE, instances, ~instances) & np.uint32(0xFFFF)


def _write_depth(depth: NDArray[np.float32], image: NDArray[np.uint8]) -> None:
    """Write metres as CARLA does: (R + 256 G + 65536 B) / (2^24 - 1) of a kilometre."""
    steps = np.clip(depth.astype(np.float64) / FAR_M, 0.0, 1.0) * (2**24 - 1)
    whole = np.rint(steps).astype(np.uint32)
    for channel, shift in ((2, 0), (1, 8), (0, 16)):
        image[..., channel] = whole >> shift & 0xFF

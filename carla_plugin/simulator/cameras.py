"""Cameras: pictures, masks, depth and instances of one view share one frame; what did not change is a copy."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.drawings import Stroke, paint_over
from carla_plugin.simulator.render import Camera, Frame, Placed, Renderer
from carla_plugin.simulator.render.dressing import AS_BUILT, Dressing
from carla_plugin.simulator.render.film import PLAIN_FILM, Film
from carla_plugin.simulator.render.geometry import STATIC_INSTANCE
from carla_plugin.simulator.render.rays import Tracer
from carla_plugin.simulator.render.weather import CALM_AIR, Air
from protocols.carla_rpc.streaming import SensorType
from protocols.carla_rpc.types import Location, WeatherParameters

Kept = TypeVar("Kept")

KEPT_FRAMES = 12
KEPT_FRAMES_PX = 4_000_000  # of about 80 bytes
KEPT_IMAGES = 24
KEPT_IMAGES_PX = 24_000_000  # of 4 bytes
FAR_M = 1000.0


class Still(NamedTuple):
    """Hold what a tick looks like: the actors to be drawn, the lights' states, the weather, who moves how fast.

    Attributes:
        placed: the actors.
        signals: state of each signal by its number in the town.
        weather: as the client set it.
        velocities: of the actors in `placed`, in their order, world axes, m/s.
        dressing: what is changed in the town.
        signal_ids: actor id of each signal by its number in the town.
        gust: how leaves sway, see `Renderer.frame`.
        air: what the weather's numbers leave open.
        strokes: what clients have drawn into the world.
    """

    placed: tuple[Placed, ...]
    signals: tuple[int, ...]
    weather: WeatherParameters
    velocities: tuple[Location, ...] = ()
    dressing: Dressing = AS_BUILT
    signal_ids: tuple[int, ...] = ()
    gust: tuple[float, float] = (0.0, 0.0)
    air: Air = CALM_AIR
    strokes: tuple[Stroke, ...] = ()


class Cameras:
    """Draw what cameras see; used by one thread only."""

    def __init__(self, renderer: Renderer) -> None:
        """Start with nothing drawn."""
        self._renderer = renderer
        self._frames: _Shelf[Frame] = _Shelf(KEPT_FRAMES, KEPT_FRAMES_PX)
        self._images: _Shelf[bytes] = _Shelf(KEPT_IMAGES, KEPT_IMAGES_PX)

    def pixels(self, kind: int, camera: Camera, still: Still, film: Film = PLAIN_FILM) -> bytes:
        """Return `H * W * 4` bytes BGRA of one camera at one tick.

        Args:
            kind: RGB, SEMANTIC, DEPTH or INSTANCE of `SensorType`.
            camera: pose and size.
            still: what there is to see.
            film: how a picture is developed; nothing to the other kinds.
        """
        # meshes are equal only if they are the same
        view = (camera, still.placed, still.signals, still.dressing, still.gust)
        key = (kind, view, (still.weather, still.air, still.strokes, film) if kind == SensorType.RGB else None)
        return self._images.get(key, camera.width * camera.height, lambda: self._draw(kind, camera, still, film))

    def frame(self, camera: Camera, still: Still, *, picture: bool = False) -> Frame:
        """Return what a camera sees; all who ask for the same view get the same frame.

        Args:
            camera: pose and size.
            still: what there is to see.
            picture: whether to leave out what only masks show.
        """
        dressing = still.dressing
        hidden = dressing.gone | dressing.unseen if picture and dressing.unseen else dressing.gone
        view = (camera, still.placed, still.signals, dressing, still.gust, hidden is dressing.gone)
        return self._frames.get(
            view,
            camera.width * camera.height,
            lambda: self._renderer.frame(camera, still.placed, still.signals, hidden, dressing.lamps, still.gust),
        )

    @property
    def tracer(self) -> Tracer:
        """Return what sends rays into the town."""
        return self._renderer.tracer

    def owners(self, still: Still) -> NDArray[np.int64]:
        """Return `(P,)` int64: the actor that each part of the town belongs to, its traffic lights, or 0."""
        signals = self._renderer.signal_of_part
        return np.array([*still.signal_ids, 0], dtype=np.int64)[np.where(signals < len(still.signal_ids), signals, -1)]

    def _draw(self, kind: int, camera: Camera, still: Still, film: Film) -> bytes:
        frame = self.frame(camera, still, picture=kind == SensorType.RGB)
        if kind == SensorType.RGB:
            picture = frame.shade(still.weather, still.air, film)
            return (paint_over(picture, frame.depth, camera, still.strokes) if still.strokes else picture).tobytes()
        image = np.zeros((camera.height, camera.width, 4), dtype=np.uint8)
        image[..., 3] = 255
        if kind == SensorType.DEPTH:
            _write_depth(frame.depth, image)
        else:
            image[..., 2] = frame.tags
        if kind == SensorType.INSTANCE:
            numbers = instance_numbers(frame.instances, self.owners(still))
            image[..., 1] = numbers & 0xFF
            image[..., 0] = numbers >> 8
        return image.tobytes()


class _Shelf(Generic[Kept]):
    """Keep what was made last, as long as it is not too many or too large."""

    def __init__(self, most: int, most_px: int) -> None:
        """Begin empty.

        Args:
            most: things kept.
            most_px: pixels of all of them together; the newest is kept however large it is.
        """
        self._most, self._most_px = most, most_px
        self._held: OrderedDict[Hashable, tuple[int, Kept]] = OrderedDict()
        self._pixels = 0

    def get(self, key: Hashable, pixels: int, make: Callable[[], Kept]) -> Kept:
        """Return what lies under a key, made now if nothing does; the least used make room for it."""
        if key not in self._held:
            while self._held and (len(self._held) >= self._most or self._pixels + pixels > self._most_px):
                self._pixels -= self._held.popitem(last=False)[1][0]
            self._held[key] = pixels, make()
            self._pixels += pixels
        self._held.move_to_end(key)
        return self._held[key][1]


def instance_numbers(instances: NDArray[np.uint32], owners: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return 16-bit numbers of any shape: actor ids, and from 65535 downward the parts of the town; sky is 0.

    Args:
        instances: of any shape, as `Frame.instances`.
        owners: `(P,)` int64 of `Cameras.owners`.
    """
    part = np.where(instances < STATIC_INSTANCE, len(owners), instances - np.uint32(STATIC_INSTANCE))
    owner = np.append(owners, 0)[np.minimum(part, len(owners))].astype(np.uint32)
    own = np.where(instances < STATIC_INSTANCE, instances, ~instances)
    return np.where(owner > 0, owner, own) & np.uint32(0xFFFF)


def _write_depth(depth: NDArray[np.float32], image: NDArray[np.uint8]) -> None:
    """Write metres as CARLA does: (R + 256 G + 65536 B) / (2^24 - 1) of a kilometre."""
    steps = np.clip(depth.astype(np.float64) / FAR_M, 0.0, 1.0) * (2**24 - 1)
    whole = np.rint(steps).astype(np.uint32)
    for channel, shift in ((2, 0), (1, 8), (0, 16)):
        image[..., channel] = whole >> shift & 0xFF

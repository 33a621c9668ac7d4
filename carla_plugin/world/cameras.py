"""Cameras: RGB, semantic and further cameras in one pose for each view, their images matched by frame number."""

from __future__ import annotations

import functools
import itertools
import queue
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import carla
import numpy as np

from carla_plugin.defences import ALL, Defences
from carla_plugin.pixels import Pixels, Shot
from carla_plugin.refusals import LateError
from carla_plugin.scenario_parts import Camera
from carla_plugin.world import convert
from carla_plugin.world.connection import ServerError, World
from protocols.carla_rpc.types import Transform

IMAGE_TIMEOUT_S = 60.0
PROBE_EVERY_S = 2.0
FIRST_IMAGE_TRIES = 20
MOST_WAITING = 8
"""Images that wait to be taken; older ones are let go, as when nobody looks for many ticks."""
LOST_AFTER = 8
"""So many later images, and one that has not come is not waited for."""

KINDS = {
    "image": "sensor.camera.rgb",
    "tags": "sensor.camera.semantic_segmentation",
    "depth": "sensor.camera.depth",
    "instance": "sensor.camera.instance_segmentation",
}
"""CARLA's camera for each plane of a view."""

CLEAN_LENS = {"motion_blur_intensity": "0.0", "chromatic_aberration_intensity": "0.0", "gamma": "2.2"}
"""What would smear edges over the mask's borders is off; lens attributes stay at their defaults: zeros are no lens."""


class CameraRig:
    """Photograph all planes of all views in one frame; made by `CameraRig.mounted`."""

    def __init__(
        self, world: World, sensors: Sequence[tuple[int, str, Any]], sizes: Sequence[tuple[int, int]], matched: bool
    ) -> None:
        """Start listening; use `CameraRig.mounted` instead.

        Args:
            world: where.
            sensors: number of the view, name of the plane, and the wheel's sensor.
            sizes: height and width of each view in pixels.
            matched: whether images are matched by frame number.
        """
        self.world = world
        self.sensors = list(sensors)
        self._sizes = sizes
        self._matched = matched
        self._lines: list[queue.SimpleQueue[Any]] = [queue.SimpleQueue() for _ in self.sensors]
        self._early: list[dict[int, Any]] = [{} for _ in self.sensors]
        for (_, _, sensor), line in zip(self.sensors, self._lines, strict=True):
            sensor.listen(functools.partial(_keep, line))

    @classmethod
    @contextmanager
    def mounted(
        cls,
        world: World,
        cameras: Sequence[Camera],
        planes: Sequence[str],
        poses: Sequence[Transform],
        defences: Defences = ALL,
    ) -> Iterator[CameraRig]:
        """Spawn all cameras and wait for their first images; remove them on leaving.

        Args:
            world: where.
            cameras: V views: size, field of view, lens.
            planes: beside image and tags: "depth", "instance".
            poses: V places where they are at first.
            defences: that are on.

        Raises:
            ServerError: no image came.
        """
        library = world.world.get_blueprint_library()
        sensors: list[tuple[int, str, Any]] = []
        try:
            with world.asking("mounting cameras"):
                # as servers have it unless told otherwise; said, so that all masks are of what is behind glass
                world.world.set_annotations_traverse_translucency(True)
                for view, plane in itertools.product(range(len(cameras)), ("image", "tags", *planes)):
                    entry = library.find(KINDS[plane])
                    wanted = attributes(cameras[view], plane, defences) | {"role_name": world.role}
                    for key, value in wanted.items():
                        if entry.has_attribute(key):
                            entry.set_attribute(key, value)
                    sensors.append((view, plane, world.world.spawn_actor(entry, convert.to_carla(poses[view]))))
            rig = cls(world, sensors, [(camera.height, camera.width) for camera in cameras], defences.matched_frames)
            rig._wait_for_first()
            yield rig
        finally:
            if world.alive():
                for _, _, sensor in sensors:
                    sensor.stop()
                gone = [carla.command.DestroyActor(sensor.id) for _, _, sensor in sensors]
                world.apply(gone, "removing its cameras")

    def move_commands(self, poses: Sequence[Transform]) -> list[Any]:
        """Return the commands that move the cameras of each view to its pose."""
        places = [convert.to_carla(pose) for pose in poses]
        return [carla.command.ApplyTransform(sensor.id, places[view]) for view, _, sensor in self.sensors]

    def take(self, frame: int) -> tuple[Shot, ...]:
        """Return what each view saw in a frame, as soon as all of it has come.

        Args:
            frame: the number that the tick returned.

        Returns:
            V shots with read-only views of the wheel's memory; each keeps its own alive.

        Raises:
            ServerError: an image did not come in time, or is of another size.
            LateError: only later images came.
        """
        views: list[dict[str, Any]] = [{} for _ in self._sizes]
        for number, (view, plane, _) in enumerate(self.sensors):
            views[view][plane] = self._next(number, frame)
        return tuple(self._shot(images, size) for images, size in zip(views, self._sizes, strict=True))

    def _shot(self, images: dict[str, Any], size: tuple[int, int]) -> Shot:
        pixels: dict[str, Pixels] = {}
        for plane, image in images.items():
            if (image.height, image.width) != size:
                raise ServerError(
                    f"simulator at {self.world.address}: expected images of {size[1]}x{size[0]}, "
                    f"got {image.width}x{image.height}"
                )
            pixels[plane] = np.frombuffer(image.raw_data, dtype=np.uint8).reshape(*size, 4)
        frames = tuple(int(image.frame) for image in images.values())
        rest = {plane: pixels[plane] for plane in pixels if plane not in ("image", "tags")}
        # the wheel's buffer lives no longer than its Image
        return Shot(pixels["image"], pixels["tags"], rest, frames, tuple(images.values()))

    def _next(self, number: int, frame: int) -> Any:
        """Return one camera's image of a frame; older ones are dropped, younger ones kept for later."""
        early, line = self._early[number], self._lines[number]
        for old in [each for each in early if each < frame]:
            del early[old]
        if frame in early:
            return early.pop(frame)
        deadline = time.monotonic() + IMAGE_TIMEOUT_S
        while True:
            try:
                image = line.get(timeout=PROBE_EVERY_S)
            except queue.Empty:
                if time.monotonic() > deadline or not self.world.alive():
                    raise ServerError(
                        f"simulator at {self.world.address}: expected an image of frame {frame}, none came; "
                        "is it still running?"
                    ) from None
                self.world.tick()  # the moment stands still: a server that is behind may need it to go on
                continue
            if not self._matched:
                if line.empty():
                    return image
                continue
            if image.frame == frame:
                return image
            if image.frame > frame:
                early[image.frame] = image
                if len(early) > LOST_AFTER:
                    raise LateError(f"expected an image of frame {frame}, got only later ones up to {image.frame}")

    def _wait_for_first(self) -> None:
        """Tick until all cameras deliver: a subscription may take hold a frame late (carla_wire 6)."""
        waiting = set(range(len(self._lines)))
        for _ in range(FIRST_IMAGE_TRIES):
            self.world.tick()
            for number in sorted(waiting):
                try:
                    self._lines[number].get(timeout=PROBE_EVERY_S)
                    waiting.discard(number)
                except queue.Empty:
                    break
            if not waiting:
                return
            if not self.world.alive():
                break
        raise ServerError(f"simulator at {self.world.address}: expected a first image of each camera, none came")


def _keep(line: queue.SimpleQueue[Any], image: Any) -> None:
    """Put an image in line, from a thread of the wheel."""
    line.put(image)
    while line.qsize() > MOST_WAITING:
        line.get()


def attributes(camera: Camera, plane: str, defences: Defences = ALL) -> dict[str, str]:
    """Return the attributes to set on a camera of CARLA.

    Args:
        camera: size, field of view and lens.
        plane: which camera of the view it is; lens distortion is that of all, the rest of the RGB camera alone.
        defences: that are on.
    """
    wanted = {"image_size_x": str(camera.width), "image_size_y": str(camera.height), "fov": str(camera.fov_deg)}
    lens = camera.lens.overrides()
    if plane != "image":
        return wanted | {key: value for key, value in lens.items() if key.startswith("lens_")}
    fixed = {"exposure_mode": "manual"} if defences.fixed_exposure else {}
    return wanted | CLEAN_LENS | fixed | lens

"""Cameras: one RGB and one semantic camera in one pose, their images matched by frame number."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import carla
import numpy as np
from numpy.typing import NDArray

from carla_plugin.scenario import Camera
from carla_plugin.world import convert
from carla_plugin.world.connection import ServerError, World
from protocols.carla_rpc.types import Transform

IMAGE_TIMEOUT_S = 60.0
PROBE_EVERY_S = 2.0
FIRST_IMAGE_TRIES = 20

KINDS = ("sensor.camera.rgb", "sensor.camera.semantic_segmentation")
CLEAN_LENS = {"motion_blur_intensity": "0.0", "chromatic_aberration_intensity": "0.0", "gamma": "2.2"}
"""What would smear edges over the mask's borders is off; lens attributes stay at their defaults: zeros are no lens."""


class CameraPair:
    """Photograph image and mask of one frame; made by `CameraPair.mounted`."""

    def __init__(self, world: World, sensors: list[Any], width: int, height: int) -> None:
        """Start listening; use `CameraPair.mounted` instead."""
        self.world = world
        self.sensors = sensors
        self._shape = (height, width, 4)
        self._queues: list[queue.SimpleQueue[Any]] = [queue.SimpleQueue() for _ in sensors]
        self._held: list[Any] = [None] * len(sensors)
        for sensor, line in zip(sensors, self._queues, strict=True):
            sensor.listen(line.put)

    @classmethod
    @contextmanager
    def mounted(cls, world: World, camera: Camera, pose: Transform) -> Iterator[CameraPair]:
        """Spawn both cameras and wait for their first images; remove them on leaving.

        Args:
            world: where.
            camera: size and field of view.
            pose: where they are at first.

        Raises:
            ServerError: no image came.
        """
        library = world.world.get_blueprint_library()
        sensors: list[Any] = []
        pair: CameraPair | None = None
        try:
            with world.asking("mounting cameras"):
                for kind in KINDS:
                    entry = library.find(kind)
                    wanted = {
                        "image_size_x": str(camera.width),
                        "image_size_y": str(camera.height),
                        "fov": str(camera.fov_deg),
                        **CLEAN_LENS,
                    }
                    for key, value in wanted.items():
                        if entry.has_attribute(key):
                            entry.set_attribute(key, value)
                    sensors.append(world.world.spawn_actor(entry, convert.to_carla(pose)))
            pair = cls(world, sensors, camera.width, camera.height)
            pair._wait_for_first()
            yield pair
        finally:
            if world.alive():
                for sensor in sensors:
                    sensor.stop()
                world.apply([carla.command.DestroyActor(sensor.id) for sensor in sensors], "removing its cameras")
            elif pair is not None:
                pair.abandon()

    def move_commands(self, pose: Transform) -> list[Any]:
        """Return the commands that move both cameras to a pose."""
        return [carla.command.ApplyTransform(sensor.id, convert.to_carla(pose)) for sensor in self.sensors]

    def take(self, frame: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return both cameras' images of a frame, as soon as they have come.

        Args:
            frame: the number that the tick returned.

        Returns:
            Two read-only `(H, W, 4)` uint8 BGRA views; the second carries tags in its red channel. They are valid
            until the second next call, so that two successive images can be compared.

        Raises:
            ServerError: an image did not come in time, or a later one came instead.
        """
        held = [self._next(number, frame) for number in range(len(self.sensors))]
        views = []
        for image in held:
            if (image.height, image.width) != self._shape[:2]:
                raise ServerError(
                    f"simulator at {self.world.address}: expected images of {self._shape[1]}x{self._shape[0]}, "
                    f"got {image.width}x{image.height}"
                )
            # the wheel's buffer lives no longer than its Image: the view keeps it through `_held`
            views.append(np.frombuffer(image.raw_data, dtype=np.uint8).reshape(self._shape))
        self._held = [*held, *self._held[: len(held)]]
        return views[0], views[1]

    def abandon(self) -> None:
        """Stop waiting for a server that is gone; nothing is asked of it."""
        self._held = []

    def _next(self, number: int, frame: int) -> Any:
        """Return the image of a frame from one camera, dropping older ones."""
        deadline = time.monotonic() + IMAGE_TIMEOUT_S
        while True:
            try:
                image = self._queues[number].get(timeout=PROBE_EVERY_S)
            except queue.Empty:
                if time.monotonic() < deadline and self.world.alive():
                    continue
                raise ServerError(
                    f"simulator at {self.world.address}: expected an image of frame {frame}, none came; "
                    "is it still running?"
                ) from None
            if image.frame == frame:
                return image
            if image.frame > frame:
                raise ServerError(
                    f"simulator at {self.world.address}: expected an image of frame {frame}, got {image.frame}"
                )

    def _wait_for_first(self) -> None:
        """Tick until both cameras deliver: a subscription may take hold a frame late (carla_wire 6)."""
        for _ in range(FIRST_IMAGE_TRIES):
            frame = self.world.tick()
            try:
                images = [line.get(timeout=IMAGE_TIMEOUT_S if self._seen() else PROBE_EVERY_S) for line in self._queues]
            except queue.Empty:
                if not self.world.alive():
                    break
                continue
            if all(image.frame == frame for image in images):
                return
        raise ServerError(f"simulator at {self.world.address}: expected a first image of both cameras, none came")

    def _seen(self) -> bool:
        return any(not line.empty() for line in self._queues)

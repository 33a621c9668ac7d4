"""A level ground, a wall across it 20 m ahead, and a box that stands for a car."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.assets.shapes import Finish, box, quad
from carla_plugin.simulator.cameras import Cameras, Still
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh, join
from carla_plugin.simulator.render import Placed, Renderer
from carla_plugin.simulator.sensors import KINDS, Shot
from protocols.carla_rpc.types import (
    ActorAttributeValue,
    ActorDescription,
    AttributeType,
    Location,
    Rotation,
    Transform,
    WeatherParameters,
)

NOON = WeatherParameters(sun_altitude_angle=60.0)


@pytest.fixture(scope="session")
def cameras() -> Cameras:
    ground = quad(
        [(-200, -200, 0), (200, -200, 0), (200, 200, 0), (-200, 200, 0)], Finish(Material.PLAIN, 1, (90, 90, 90))
    )
    wall = box((20.5, 0.0, 5.0), (1.0, 100.0, 10.0), Finish(Material.PLAIN, 3, (150, 120, 100)))
    return Cameras(Renderer(join([ground, wall]), np.zeros((0, 3), np.float32)))


@pytest.fixture(scope="session")
def car() -> Mesh:
    """Four metres long, two wide, 1.5 high, on the ground about its origin."""
    return box((0.0, 0.0, 0.75), (4.0, 2.0, 1.5), Finish(Material.PLAIN, 14, (200, 30, 30)))


def place(x: float = 0.0, y: float = 0.0, z: float = 2.0, pitch: float = 0.0, yaw: float = 0.0) -> Transform:
    return Transform(Location(x, y, z), Rotation(pitch, yaw, 0.0))


@pytest.fixture
def at() -> Callable[..., Transform]:
    return place


class Rig:
    """One sensor of a kind: its attributes as a client sends them, its memory, and a clock."""

    def __init__(self, cameras: Cameras, kind: str, where: Transform, parent: int, attributes: dict[str, Any]) -> None:
        values = tuple(ActorAttributeValue(key, AttributeType.STRING, str(v)) for key, v in attributes.items())
        self.sensor = Sensor(7, ActorDescription(0, kind, values), where)
        self.kind = KINDS[kind]
        self.settings = self.kind.read(self.sensor)
        self.cameras, self.where, self.parent = cameras, where, parent
        self.frame = 0

    def tick(
        self, *placed: tuple[Placed, tuple[float, float, float]], step_s: float = 0.05, where=None
    ) -> bytes | None:
        """Return the message of the next tick; each actor comes with its velocity."""
        self.frame += 1
        self.where = where or self.where
        still = Still(tuple(p for p, _ in placed), (), NOON, tuple(Location(*velocity) for _, velocity in placed))
        shot = Shot(
            7, self.parent, self.where, self.settings, self.sensor.memory, still, self.frame, step_s * self.frame,
            step_s,
        )  # fmt: skip
        return self.kind.draw(self.cameras, shot)


@pytest.fixture
def rig(cameras: Cameras) -> Callable[..., Rig]:
    return lambda kind, where, parent=0, **attributes: Rig(cameras, kind, where, parent, attributes)

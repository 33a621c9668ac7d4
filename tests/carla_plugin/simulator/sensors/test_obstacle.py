"""The obstacle sensor's ball against one that is rolled forward in small steps."""

import math

import msgpack
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carla_plugin.simulator.actors import Prop, Sensor
from carla_plugin.simulator.assets.shapes import Finish, as_one, box
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.obstacles import Obstacles
from carla_plugin.simulator.sensors import obstacle
from protocols.carla_rpc.types import ActorDescription, BoundingBox, Location, Rotation, Transform

WALL = 4


class Place:
    """The little of a world that the sensor asks for."""

    def __init__(self, obstacles=None, actors=()):
        self.obstacles = obstacles
        self.actors = {actor.id: actor for actor in actors}
        self.signals = ()
        self.town = self

    def ground_height(self, x, y):
        return 0.0


def sensor(distance=20.0, radius=0.5, only_dynamics=False, yaw=0.0, pitch=0.0, z=1.0):
    place = Transform(Location(0.0, 0.0, z), Rotation(pitch, yaw, 0.0))
    settings = obstacle.Ball(distance, radius, only_dynamics)
    return Sensor(1, ActorDescription(1, "sensor.other.obstacle"), place, settings=settings)


def block(x, y, size, tag=WALL):
    finish = Finish(Material.CONCRETE, tag, (90, 90, 90))
    return Obstacles(as_one([box((x, y, 1.5), (size, size, 3.0), finish)]), lambda x, y: 0.0)


def told(world, one):
    found = [msgpack.unpackb(message) for message in obstacle.messages(world, one)]
    return found[0] if found else None


@settings(deadline=None)  # the first call may compile
@given(angle=st.floats(-180, 180), far=st.floats(4, 25), aside=st.floats(-3, 3), radius=st.floats(0.1, 2.0))
def test_the_ball_stops_where_it_touches(angle, far, aside, radius):
    turn = math.radians(angle)
    x, y = far * math.cos(turn) - aside * math.sin(turn), far * math.sin(turn) + aside * math.cos(turn)
    half = 0.5
    message = told(Place(block(x, y, 2 * half)), sensor(radius=radius, yaw=angle))
    ways = np.arange(0.0, 20.0, 0.005)
    px, py = ways * math.cos(turn), ways * math.sin(turn)
    gap = np.hypot(np.maximum(np.abs(px - x) - half, 0.0), np.maximum(np.abs(py - y) - half, 0.0))
    touched = ways[gap <= radius]
    if message is None:
        assert len(touched) == 0 or touched[0] > 19.9 or gap.min() > radius - 0.05
    else:
        assert gap.min() <= radius + 0.05
        assert message[2] == pytest.approx(touched[0] if len(touched) else message[2], abs=0.15)
        assert message[1][2][1] == "static.wall"


def test_actors_count_also_where_only_dynamics_do():
    outline = BoundingBox(Location(0.0, 0.0, 0.8), Location(2.0, 1.0, 0.8))
    other = Prop(5, ActorDescription(2, "static.prop.box01"), Transform(Location(10.0, 0.3, 0.0)), outline)
    world = Place(block(6.0, 0.0, 1.0), [other])
    near, far = told(world, sensor()), told(world, sensor(only_dynamics=True))
    assert near[1][0] == 0
    assert near[2] == pytest.approx(5.0, abs=0.02)
    assert far[1][0] == 5
    assert far[2] == pytest.approx(7.5, abs=0.02)
    assert told(world, sensor(only_dynamics=True, distance=7.0)) is None
    assert told(world, sensor(only_dynamics=True, pitch=45.0)) is None, "it flies over"
    assert told(world, sensor(only_dynamics=True, yaw=180.0)) is None

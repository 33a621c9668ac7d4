"""IMU: acceleration with gravity, turning and compass in the sensor's own axes, with noise."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgpack
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.render.camera import axes
from carla_plugin.simulator.sensors.attributes import number, whole
from carla_plugin.simulator.sensors.kind import Told
from carla_plugin.simulator.world import World
from protocols.carla_rpc.streaming import SensorType

FAR = 1e6


class Noise(NamedTuple):
    """Hold standard deviations (m/s^2, rad/s) and the gyroscope's bias (rad/s), each for x, y, z."""

    seed: int
    acceleration: tuple[float, ...]
    gyroscope: tuple[float, ...]
    bias: tuple[float, ...]


def read(sensor: Sensor) -> Noise:
    """Return the noise of an IMU.

    Raises:
        CallError: an attribute is out of range.
    """

    def three(name: str) -> tuple[float, ...]:
        return tuple(number(sensor, f"noise_{name}_{axis}", "0.0", -FAR, FAR) for axis in "xyz")

    seed = whole(sensor, "noise_seed", "0", -(1 << 31), (1 << 31) - 1)
    return Noise(seed, three("accel_stddev"), three("gyro_stddev"), three("gyro_bias"))


def acceleration(times_s: list[float], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the `(3,)` second derivative in m/s^2 of the parabola through three places `(3, 3)`, as CARLA takes it."""
    first = (places[1] - places[0]) / (times_s[1] - times_s[0])
    second = (places[2] - places[1]) / (times_s[2] - times_s[1])
    return np.asarray(2.0 * (second - first) / (times_s[2] - times_s[0]))


def compass(yaw_deg: float) -> float:
    """Return the heading in radians, 0 to 2 pi: 0 is north (-y), a quarter turn is east (+x)."""
    yaw = math.radians(yaw_deg)
    return math.atan2(math.cos(yaw), -math.sin(yaw)) % math.tau


def messages(world: World, sensor: Sensor) -> list[bytes]:
    """Return what the sensor feels; the first two messages know of no acceleration yet."""
    noise: Noise = sensor.settings
    track: list[tuple[float, tuple[float, ...]]] = sensor.memory.setdefault("track", [])
    if "dice" not in sensor.memory:
        sensor.memory["dice"] = np.random.Generator(np.random.PCG64(noise.seed & 0xFFFFFFFF))
    track.append((world.elapsed_s, tuple(sensor.place.location)))
    del track[:-3]
    felt = np.zeros(3)
    if len(track) == 3 and track[0][0] < track[1][0] < track[2][0]:
        felt = acceleration([time_s for time_s, _ in track], np.array([place for _, place in track]))
    frame = axes(sensor.place.rotation)
    parent = world.actors.get(sensor.parent)
    turning = np.radians(parent.angular_velocity) if parent is not None else np.zeros(3)
    dice = sensor.memory["dice"].normal(size=6)
    accelerometer = frame @ (felt + (0.0, 0.0, world.switches.gravity)) + dice[:3] * noise.acceleration
    gyroscope = frame @ turning + np.array(noise.bias) + dice[3:] * noise.gyroscope
    told = [accelerometer.tolist(), gyroscope.tolist(), compass(sensor.place.rotation.yaw)]
    return [bytes(msgpack.packb(told))]


KIND = Told(SensorType.IMU, read, messages)

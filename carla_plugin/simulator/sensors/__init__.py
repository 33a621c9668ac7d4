"""Sensors: every kind that can be spawned, by its blueprint id.

A kind is either *drawn* (`Drawn`: made in the drawing thread from a `Shot`, the frozen view of one tick) or *told*
(`Told`: worked out on the loop, right after the step, from the world itself). To add a told kind, write one file with

    def read(sensor): ...             # its attributes, by sensors.attributes; CallError refuses the birth
    def messages(world, sensor): ...  # sensor.settings is what `read` returned, sensor.memory is the kind's own dict;
                                      # returns the bytes behind the 48-byte header, one item a message, () for none
    KIND = Told(SensorType.GNSS, read, messages)  # events=True: asked in every tick, whatever its sensor_tick

and name it in `KINDS`. `messages` is called in every tick that is due, whether anybody listens or not, so that what a
sensor remembers depends on the ticks alone. The server writes the header, frames and sends: state first, then the
told kinds, then the drawn ones, each in the order of the sensors' birth.
"""

from __future__ import annotations

from carla_plugin.simulator.sensors import (
    collision,
    cosmos,
    dvs,
    gnss,
    imu,
    lidar,
    normals,
    obstacle,
    optical_flow,
    radar,
)
from carla_plugin.simulator.sensors.images import image_kind
from carla_plugin.simulator.sensors.kind import Drawn, Shot, Told
from protocols.carla_rpc.streaming import SensorType

__all__ = ["KINDS", "UNSERVED", "Drawn", "Shot", "Told"]

KINDS: dict[str, Drawn | Told] = {
    "sensor.camera.rgb": image_kind(SensorType.RGB),
    "sensor.camera.semantic_segmentation": image_kind(SensorType.SEMANTIC),
    "sensor.camera.depth": image_kind(SensorType.DEPTH),
    "sensor.camera.instance_segmentation": image_kind(SensorType.INSTANCE),
    "sensor.camera.normals": normals.KIND,
    "sensor.camera.optical_flow": optical_flow.KIND,
    "sensor.camera.dvs": dvs.KIND,
    "sensor.camera.cosmos_visualization": cosmos.KIND,
    "sensor.lidar.ray_cast": lidar.ECHOES,
    "sensor.lidar.ray_cast_semantic": lidar.TAGGED,
    "sensor.other.radar": radar.KIND,
    "sensor.other.collision": collision.KIND,
    "sensor.other.obstacle": obstacle.KIND,
    "sensor.other.gnss": gnss.KIND,
    "sensor.other.imu": imu.KIND,
    "sensor.other.lane_invasion": Told(SensorType.LANE_INVASION),
}

UNSERVED = ("sensor.other.rss", "sensor.other.v2x", "sensor.other.v2x_custom")
"""Sensors of CARLA that are refused at their birth, and not listed."""

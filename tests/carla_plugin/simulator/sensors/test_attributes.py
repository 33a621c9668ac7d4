"""Whatever a client writes into a sensor's attributes, it is read, or refused in words; what is read can be drawn."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.blueprints import by_id
from carla_plugin.simulator.refusal import CallError
from carla_plugin.simulator.sensors import KINDS, UNSERVED, Drawn
from protocols.carla_rpc.types import ActorAttributeValue, ActorDescription, AttributeType, Transform

TEXTS = st.sampled_from(
    ["nan", "inf", "-inf", "-1", "0", "-0.0", "1e308", "1e-308", "", " ", "True", "64.0", " 5 ", "0x10", "1,5"]
) | st.text(max_size=6)  # fmt: skip


def sensor(kind: str, **attributes: str) -> Sensor:
    values = tuple(ActorAttributeValue(key, AttributeType.STRING, value) for key, value in attributes.items())
    return Sensor(7, ActorDescription(0, kind, values), Transform())


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_attributes_are_read_or_refused(kind, data):
    names = [attribute.id for attribute in by_id()[kind].attributes]
    chosen = data.draw(st.dictionaries(st.sampled_from(names), TEXTS, max_size=4))
    with contextlib.suppress(CallError):
        KINDS[kind].read(sensor(kind, **chosen))


def test_every_sensor_that_is_served_is_listed_and_no_other():
    assert {name for name in by_id() if name.startswith("sensor.")} == set(KINDS)
    assert not set(KINDS) & set(UNSERVED)


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("sensor.lidar.ray_cast", {"range": 0}),
        ("sensor.lidar.ray_cast", {"channels": 1024, "points_per_second": 1_000_000_000, "range": 0.5}),
        ("sensor.lidar.ray_cast", {"dropoff_general_rate": 1.0}),
        ("sensor.lidar.ray_cast", {"atmosphere_attenuation_rate": 1000.0, "dropoff_intensity_limit": 0.0}),
        ("sensor.lidar.ray_cast", {"noise_stddev": 50.0, "noise_seed": -5}),
        ("sensor.lidar.ray_cast_semantic", {"rotation_frequency": 0, "horizontal_fov": 0.001}),
        ("sensor.lidar.ray_cast_semantic", {"upper_fov": -90, "lower_fov": 90}),
        ("sensor.other.radar", {"horizontal_fov": 0, "vertical_fov": 0}),
        ("sensor.other.radar", {"horizontal_fov": 179, "vertical_fov": 179, "range": 10_000}),
        ("sensor.camera.rgb", {"image_size_x": 1, "image_size_y": 1, "fov": 179}),
        ("sensor.camera.optical_flow", {"image_size_x": 3, "image_size_y": 1, "fov": 1}),
        ("sensor.camera.cosmos_visualization", {"image_size_x": 1, "image_size_y": 9}),
        ("sensor.camera.normals", {"image_size_x": 9, "image_size_y": 1}),
        ("sensor.camera.dvs", {"image_size_x": 2, "image_size_y": 2, "use_log": "false", "log_eps": 1e-9}),
    ],
)
def test_the_furthest_attributes_can_be_drawn(rig, at, kind, attributes):
    assert isinstance(KINDS[kind], Drawn)
    one = rig(kind, at(), **attributes)
    for step in range(2):
        message = one.tick(where=at(x=0.1 * step))
        assert message is None or len(message) > 0
        if message is not None and kind == "sensor.lidar.ray_cast":
            channels = int(np.frombuffer(message, "<u4", 1, 4)[0])
            assert np.isfinite(np.frombuffer(message[8 + 4 * channels :], "<f4")).all()

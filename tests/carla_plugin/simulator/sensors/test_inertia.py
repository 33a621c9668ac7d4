"""GNSS and IMU by hand: the sphere of the map, parabolas, and the compass rose."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carla_plugin.simulator.sensors import gnss, imu
from protocols.carla_rpc.types import Location


@given(x=st.floats(-2000, 2000), y=st.floats(-2000, 2000), latitude=st.floats(-60, 60), longitude=st.floats(-170, 170))
def test_metres_become_degrees_of_a_sphere(x, y, latitude, longitude):
    found = gnss.geolocation((latitude, longitude), Location(x, y, 7.0))
    metre = math.degrees(1.0 / (0.9996 * 6378137.0))
    assert found[0] - latitude == pytest.approx(y * metre, abs=2e-5)
    assert (found[1] - longitude) * math.cos(math.radians(latitude)) == pytest.approx(x * metre, abs=2e-5)
    assert found[2] == 7.0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("<geoReference><![CDATA[+proj=tmerc +lat_0=49.5 +lon_0=-8.25 +k=1]]></geoReference>", (49.5, -8.25)),
        ("<geoReference>+lon_0=8e0 +lat_0=4.9e+1</geoReference>", (49.0, 8.0)),
        ("<geoReference></geoReference>", (42.0, 2.0)),
        ("", (42.0, 2.0)),
        ("<geoReference>+lat_0=4</geoReference>", (42.0, 2.0)),
        ("<geoReference>+lat_0=e +lon_0=1</geoReference>", (42.0, 2.0)),
    ],
)
def test_the_origin_is_read_from_the_header(header, expected):
    assert gnss.origin(f"<OpenDRIVE><header>{header}</header></OpenDRIVE>") == expected


@given(st.lists(st.floats(-9, 9), min_size=9, max_size=9), st.floats(0.01, 0.5), st.floats(0.01, 0.5))
def test_a_parabola_has_its_own_acceleration(numbers, first, second):
    start, speed, pull = np.array(numbers).reshape(3, 3)
    times = [1.0, 1.0 + first, 1.0 + first + second]
    places = np.array([start + speed * t + pull * t * t / 2 for t in times])
    assert imu.acceleration(times, places) == pytest.approx(pull, abs=1e-6)


@pytest.mark.parametrize(
    ("yaw", "expected"), [(-90.0, 0.0), (0.0, 90.0), (90.0, 180.0), (180.0, 270.0), (-91.0, 359.0)]
)
def test_the_compass_rose(yaw, expected):
    assert math.degrees(imu.compass(yaw)) == pytest.approx(expected, abs=1e-9)

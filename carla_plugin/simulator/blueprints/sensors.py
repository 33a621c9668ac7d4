"""Blueprints of the sensors that are no cameras, with CARLA's defaults."""

from __future__ import annotations

from carla_plugin.simulator.blueprints.attributes import BOOL, FLOAT, INT, Row, common, free
from carla_plugin.simulator.blueprints.cameras import ROLES

_FAN: tuple[tuple[str, int, str], ...] = (
    ("channels", INT, "32"),
    ("range", FLOAT, "10.0"),
    ("points_per_second", INT, "56000"),
    ("rotation_frequency", FLOAT, "10.0"),
    ("upper_fov", FLOAT, "10.0"),
    ("lower_fov", FLOAT, "-30.0"),
    ("horizontal_fov", FLOAT, "360.0"),
)
_TICK = ("sensor_tick", FLOAT, "0.0")

SENSORS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "sensor.lidar.ray_cast": (
        _TICK,
        *_FAN,
        ("atmosphere_attenuation_rate", FLOAT, "0.004"),
        ("dropoff_general_rate", FLOAT, "0.45"),
        ("dropoff_intensity_limit", FLOAT, "0.8"),
        ("dropoff_zero_intensity", FLOAT, "0.4"),
        ("noise_seed", INT, "0"),
        ("noise_stddev", FLOAT, "0.0"),
    ),
    "sensor.lidar.ray_cast_semantic": (_TICK, *_FAN),
    "sensor.other.radar": (
        _TICK,
        ("horizontal_fov", FLOAT, "30.0"),
        ("vertical_fov", FLOAT, "30.0"),
        ("range", FLOAT, "100.0"),
        ("points_per_second", INT, "1500"),
        ("noise_seed", INT, "0"),
    ),
    "sensor.other.gnss": (
        _TICK,
        ("noise_seed", INT, "0"),
        *((f"noise_{axis}_{kind}", FLOAT, "0.0") for axis in ("lat", "lon", "alt") for kind in ("stddev", "bias")),
    ),
    "sensor.other.imu": (
        _TICK,
        ("noise_seed", INT, "0"),
        *((f"noise_accel_stddev_{axis}", FLOAT, "0.0") for axis in "xyz"),
        *((f"noise_gyro_stddev_{axis}", FLOAT, "0.0") for axis in "xyz"),
        *((f"noise_gyro_bias_{axis}", FLOAT, "0.0") for axis in "xyz"),
    ),
    "sensor.other.obstacle": (
        _TICK,
        ("distance", FLOAT, "5.0"),
        ("hit_radius", FLOAT, "0.5"),
        ("only_dynamics", BOOL, "false"),
        ("debug_linetrace", BOOL, "false"),
    ),
    "sensor.other.collision": (),
    "sensor.other.lane_invasion": (),
}


def sensor_rows() -> list[Row]:
    """Return all sensors but the cameras."""
    return [
        (name, (*common(name, *ROLES), *(free(key, kind, value) for key, kind, value in rows)))
        for name, rows in SENSORS.items()
    ]

"""Cameras' blueprints, with CARLA's defaults: motion blur and automatic exposure are on."""

from __future__ import annotations

from carla_plugin.simulator.blueprints.attributes import BOOL, FLOAT, INT, STRING, Row, common, free
from protocols.carla_rpc.types import ActorAttribute

ROLES = ("front", "back", "left", "right", "front_left", "front_right", "back_left", "back_right")

PLAIN = (
    "depth",
    "semantic_segmentation",
    "instance_segmentation",
    "normals",
    "optical_flow",
    "cosmos_visualization",
)
"""Cameras that have no lens effects."""

LENS = {
    "fov": "90.0",
    "lens_circle_falloff": "5.0",
    "lens_circle_multiplier": "0.0",
    "lens_k": "-1.0",
    "lens_kcube": "0.0",
    "lens_x_size": "0.08",
    "lens_y_size": "0.08",
}
EXPOSURE = {
    "gamma": "2.2",
    "motion_blur_intensity": "0.45",
    "motion_blur_max_distortion": "0.35",
    "motion_blur_min_object_screen_size": "0.1",
    "lens_flare_intensity": "0.1",
    "bloom_intensity": "0.675",
    "exposure_compensation": "0.75",
    "shutter_speed": "200.0",
    "iso": "100.0",
    "fstop": "1.4",
    "exposure_min_bright": "10.0",
    "exposure_max_bright": "12.0",
    "exposure_speed_up": "3.0",
    "exposure_speed_down": "1.0",
    "calibration_constant": "16.0",
    "focal_distance": "1000.0",
    "blur_amount": "1.0",
    "blur_radius": "0.0",
    "min_fstop": "1.2",
    "temp": "6500.0",
    "tint": "0.0",
    "slope": "0.88",
    "toe": "0.55",
    "shoulder": "0.26",
    "black_clip": "0.0",
    "white_clip": "0.04",
    "chromatic_aberration_intensity": "0.0",
    "chromatic_aberration_offset": "0.0",
}
EVENTS = {
    "positive_threshold": "0.3",
    "negative_threshold": "0.3",
    "sigma_positive_threshold": "0.0",
    "sigma_negative_threshold": "0.0",
}


def camera_rows() -> list[Row]:
    """Return all cameras."""
    rows = [_camera(kind) for kind in PLAIN]
    rows.append(_camera("rgb", *_effects()))
    rows.append(
        _camera(
            "dvs",
            *_effects(),
            *(free(name, FLOAT, value) for name, value in EVENTS.items()),
            free("refractory_period_ns", INT, "0"),
            free("use_log", BOOL, "true"),
            free("log_eps", FLOAT, "0.001"),
        )
    )
    return rows


def _camera(kind: str, *more: ActorAttribute) -> Row:
    name = f"sensor.camera.{kind}"
    return name, (
        *common(name, *ROLES),
        free("sensor_tick", FLOAT, "0.0"),
        free("image_size_x", INT, "800"),
        free("image_size_y", INT, "600"),
        *(free(key, FLOAT, value) for key, value in LENS.items()),
        *more,
    )


def _effects() -> list[ActorAttribute]:
    """Return what cameras have that make pictures as a camera does."""
    return [
        free("enable_postprocess_effects", BOOL, "true"),
        free("exposure_mode", STRING, "histogram", "manual", strict=True),
        free("blade_count", INT, "5"),
        *(free(name, FLOAT, value) for name, value in EXPOSURE.items()),
    ]

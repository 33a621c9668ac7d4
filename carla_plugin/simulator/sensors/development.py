"""Development: a camera's exposure, gamma, white balance and bloom, by CARLA's attributes; at its defaults, none.

What suits the weather is what CARLA's defaults give in either mode. Automatic exposure evens out shutter, sensitivity
and aperture, so these count with `manual` alone; the compensation always does.
"""

from __future__ import annotations

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.blueprints.cameras import EXPOSURE
from carla_plugin.simulator.render.film import PLAIN_FILM, Film, stops_of, white_balance
from carla_plugin.simulator.sensors.attributes import flag, number

MOST_STOPS = 32.0
"""Beyond it a picture is black or white, and numbers would leave what the renderer can hold."""


def read_film(sensor: Sensor) -> Film:
    """Return how a camera develops its pictures; cameras without such attributes do not.

    Raises:
        CallError: an attribute is out of range.
    """
    if not sensor.attribute("gamma", ""):
        return PLAIN_FILM
    stops = _read(sensor, "exposure_compensation", -64.0, 64.0) - float(EXPOSURE["exposure_compensation"])
    if sensor.attribute("exposure_mode", "histogram").strip().lower() == "manual":
        names = ("shutter_speed", "iso", "fstop")
        stops += stops_of(*(_read(sensor, name, 1e-6, 1e9) for name in names))
        stops -= stops_of(*(float(EXPOSURE[name]) for name in names))
    return Film(
        2.0 ** min(max(stops, -MOST_STOPS), MOST_STOPS),
        _read(sensor, "gamma", 1e-2, 1e3),
        white_balance(_read(sensor, "temp", 0.0, 1e9), _read(sensor, "tint", -8.0, 8.0)),
        _read(sensor, "bloom_intensity", 0.0, 1e3) / float(EXPOSURE["bloom_intensity"]),
        flag(sensor, "enable_postprocess_effects", "true"),
    )


def _read(sensor: Sensor, name: str, low: float, high: float) -> float:
    return number(sensor, name, EXPOSURE[name], low, high)

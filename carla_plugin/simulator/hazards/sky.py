"""Sky hazards: the weather that is seen is not yet the weather that was set."""

from __future__ import annotations

from carla_plugin.simulator.hazards import Hazards
from protocols.carla_rpc.types import WeatherParameters

FALL_PERCENT_S = 40.0  # of precipitation, that lingering rain loses in a second
RISE_PERCENT_S = 120.0  # that rain gains in a second when it begins
DRIFT_PER_S = 0.02  # of moving clouds, in the plane they lie in


class SeenWeather:
    """Follow the weather that is set; `now` is what is seen."""

    def __init__(self, weather: WeatherParameters, hazards: Hazards) -> None:
        """Begin with a weather that has lasted."""
        self.now = weather
        self.drift = 0.0  # of the clouds
        self._hazards = hazards
        self._asked = weather  # at the last tick

    def step(self, asked: WeatherParameters, seconds: float) -> None:
        """Let a tick pass.

        Args:
            asked: the weather that is set now.
            seconds: of the tick.
        """
        before, asked, self._asked = self.now, self._asked if "late-weather" in self._hazards else asked, asked
        if "rain" in self._hazards:
            lowest = before.precipitation - FALL_PERCENT_S * seconds
            highest = before.precipitation + RISE_PERCENT_S * seconds
            asked = asked._replace(precipitation=min(max(asked.precipitation, lowest), highest))
        if "clouds" in self._hazards:
            self.drift += DRIFT_PER_S * seconds
        self.now = asked

"""Sky hazards: the weather that is seen is not yet the weather that was set."""

from __future__ import annotations

from carla_plugin.simulator.hazards import Hazards
from carla_plugin.simulator.render.weather import CALM_AIR, Air
from protocols.carla_rpc.types import WeatherParameters

LINGERS_S = 1.5  # that rain takes to end, or to begin
DRIFT_PER_S = 0.01  # of moving clouds, in heights of their layer


class SeenWeather:
    """Follow the weather that is set.

    Attributes:
        now: the weather that is seen.
        air: what its numbers leave open.
    """

    def __init__(self, weather: WeatherParameters, hazards: Hazards) -> None:
        """Begin with a weather that has lasted."""
        self.now = weather
        self.air: Air = CALM_AIR
        self._hazards = hazards
        self._asked = weather  # at the last tick
        self._rain = Rain(_share(weather))
        self._elapsed_s = 0.0

    def step(self, asked: WeatherParameters, seconds: float) -> None:
        """Let a tick pass.

        Args:
            asked: the weather that is set now.
            seconds: of the tick.
        """
        self.now, self._asked = self._asked if "late-weather" in self._hazards else asked, asked
        self._elapsed_s += seconds
        if "rain" in self._hazards:
            self.air = self.air._replace(rain=self._rain.step(_share(self.now), seconds))
        if "clouds" in self._hazards:
            self.air = self.air._replace(drift=DRIFT_PER_S * self._elapsed_s)


class Rain:
    """Let drops fall on, or not yet fall, while all else of the weather has changed."""

    def __init__(self, share: float) -> None:
        """Begin with rain that has lasted, 0..1."""
        self._wanted = self._from = self._falls = share
        self._since_s = 0.0

    def step(self, wanted: float, seconds: float) -> float:
        """Let a tick pass and return the strength of the rain, 0..1."""
        if wanted != self._wanted:
            self._from, self._wanted, self._since_s = self._falls, wanted, 0.0
        else:
            self._since_s += seconds
        share = min(self._since_s / LINGERS_S, 1.0)
        self._falls = wanted if share >= 1.0 else self._from + (wanted - self._from) * share
        return self._falls


def _share(weather: WeatherParameters) -> float:
    return min(max(float(weather.precipitation) / 100.0, 0.0), 1.0)

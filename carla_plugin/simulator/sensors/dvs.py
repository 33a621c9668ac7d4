"""Event camera: where, when and which way brightness has crossed a threshold since the last picture."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.actors import Sensor
from carla_plugin.simulator.cameras import Cameras
from carla_plugin.simulator.sensors.attributes import flag, number, whole
from carla_plugin.simulator.sensors.images import Lens, read_lens
from carla_plugin.simulator.sensors.kind import Drawn, Shot
from protocols.carla_rpc.streaming import SensorType

EVENT = np.dtype([("x", "<u2"), ("y", "<u2"), ("t", "<i8"), ("polarity", "?")])
_TOLERANCE = 1e-6
_LEAST_THRESHOLD = 0.01
MOST_EVENTS = 1 << 22  # of one tick; beyond that, pixels have no time to tell of more


class Pixels(NamedTuple):
    """Hold an event camera's attributes, by CARLA's names."""

    lens: Lens
    positive: float
    negative: float
    sigma_positive: float
    sigma_negative: float
    refractory_ns: int
    use_log: bool
    log_eps: float


def read(sensor: Sensor) -> Pixels:
    """Return an event camera's attributes.

    Raises:
        CallError: an attribute is out of range.
    """
    return Pixels(
        read_lens(sensor),
        number(sensor, "positive_threshold", "0.3", _LEAST_THRESHOLD, 1e3),
        number(sensor, "negative_threshold", "0.3", _LEAST_THRESHOLD, 1e3),
        number(sensor, "sigma_positive_threshold", "0.0", 0.0, 1e3),
        number(sensor, "sigma_negative_threshold", "0.0", 0.0, 1e3),
        whole(sensor, "refractory_period_ns", "0", 0, 1 << 62),
        flag(sensor, "use_log", "True"),
        number(sensor, "log_eps", "0.001", 1e-9, 1e3),
    )


class Retina:
    """Remember each pixel's last brightness, the level it last reported, and when."""

    def __init__(self, brightness: NDArray[np.float64], now_ns: int) -> None:
        """Begin with a first picture, of which nothing is reported.

        Args:
            brightness: `(N,)` float64.
            now_ns: simulated time.
        """
        self._last = brightness
        self._level = brightness.copy()
        self._fired_ns = np.full(len(brightness), -1, np.int64)
        self._then_ns = now_ns
        self._dice = np.random.Generator(np.random.PCG64(0))

    def events(
        self, brightness: NDArray[np.float64], now_ns: int, pixels: Pixels
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Return the pixels that fire, when and whether upward, by time; brightness is taken to change evenly.

        Args:
            brightness: `(N,)` float64 of the next picture.
            now_ns: simulated time.
            pixels: thresholds.
        """
        at: Any = np.flatnonzero(np.abs(brightness - self._last) > _TOLERANCE)
        old: Any = self._last[at]
        new: Any = brightness[at]
        level: Any = self._level[at]
        up: Any = new >= old
        threshold = np.where(up, pixels.positive, pixels.negative)
        sigma = np.where(up, pixels.sigma_positive, pixels.sigma_negative)
        if sigma.any():
            threshold = np.maximum(threshold + sigma * self._dice.standard_normal(len(at)), _LEAST_THRESHOLD)
        step: Any = np.where(up, threshold, -threshold)
        found: list[tuple[Any, Any, Any]] = []
        total = 0
        while len(at) and total < MOST_EVENTS:
            level = level + step
            crossed = np.where(up, (level > old) & (level <= new), (level < old) & (level >= new))
            at, old, new, level, up, step = (each[crossed] for each in (at, old, new, level, up, step))
            share = (level - old) / np.where(new != old, new - old, 1.0)
            when = self._then_ns + (share * (now_ns - self._then_ns)).astype(np.int64)
            rested = (self._fired_ns[at] < 0) | (when - self._fired_ns[at] >= pixels.refractory_ns)
            self._fired_ns[at[rested]] = when[rested]
            self._level[at] = level
            found.append((at[rested], when[rested], up[rested]))
            total += len(at)
        self._last, self._then_ns = brightness, now_ns
        where, times, upward = (
            np.concatenate([each[k] for each in found]) if found else np.zeros(0, np.int64) for k in range(3)
        )
        order = np.lexsort((where, times))
        return where[order], times[order], upward[order].astype(bool)


def _brightness(image: NDArray[np.uint8], pixels: Pixels) -> NDArray[np.float64]:
    """Return `(N,)` float64 grey levels of `(N, 4)` uint8 BGRA, as logarithms if so wanted."""
    grey = image[:, 2] * 0.2989 + image[:, 1] * 0.587 + image[:, 0] * 0.114
    return np.asarray(np.log(pixels.log_eps + grey / 255.0) if pixels.use_log else grey, dtype=np.float64)


def _draw(cameras: Cameras, shot: Shot) -> bytes | None:
    """Return the events since the last picture, or None: like CARLA it is silent where nothing changes."""
    pixels: Pixels = shot.settings
    lens = pixels.lens
    image = np.frombuffer(cameras.pixels(SensorType.RGB, lens.camera(shot.place), shot.still, lens.film), np.uint8)
    brightness = _brightness(image.reshape(-1, 4), pixels)
    now_ns = round(shot.elapsed_s * 1e9)
    retina: Retina | None = shot.memory.get("retina")
    if retina is None:
        shot.memory["retina"] = Retina(brightness, now_ns)
        return None
    where, times, upward = retina.events(brightness, now_ns, pixels)
    if not len(where):
        return None
    out = np.empty(len(where), EVENT)
    out["y"], out["x"] = np.divmod(where, lens.width)
    out["t"], out["polarity"] = times, upward
    return lens.opening() + out.tobytes()


KIND = Drawn(SensorType.DVS, read, _draw)

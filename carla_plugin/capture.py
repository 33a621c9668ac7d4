"""Capture: one still moment under every appearance, with proof that all images share one mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from carla_plugin.certificate import KEY, Certificate, digest, plugin_version
from carla_plugin.defences import ALL, Defences
from carla_plugin.pixels import Shot, decoded, rgb_into, tags_into
from carla_plugin.refusals import (
    ChangedError,
    MaskMismatchError,
    MotionError,
    RefusedBundleError,
    UnsettledError,
)
from carla_plugin.scenario import Scenario
from carla_plugin.settling import Look, changed, settled
from protocols.bundle import Bundle, BundleHeader, mask_hash
from protocols.carla_rpc.types import WeatherParameters

__all__ = ["Identity", "RefusedBundleError", "Still", "capture_moment"]


class Still(Protocol):
    """What capture needs of the world: a moment that stands still, as `replay.Stage` gives it."""

    @property
    def weather(self) -> WeatherParameters | None:
        """Return the weather that was set last, None before the first."""

    @property
    def server(self) -> str:
        """Return the server's version."""

    def again(self) -> None:
        """Place the present moment once more, all of it."""

    def set_weather(self, weather: WeatherParameters) -> None:
        """Set the weather and wait until it is confirmed."""

    def tick(self) -> int:
        """Advance by one step and return the frame number."""

    def take(self, frame: int) -> Sequence[Shot]:
        """Return what each of the V cameras saw in a frame."""

    def poses(self) -> bytes:
        """Return the bytes of all actors' transforms, `(N, 6)` float64: metres, then degrees."""

    def state(self) -> bytes:
        """Return all that was placed, as the server says it is now."""


@dataclass(frozen=True)
class Identity:
    """Say which bundle is being made; see `protocols.bundle.BundleHeader`. The index is that of the first camera."""

    scenario: str
    seed: int
    episode: int
    index: int
    town: str


def capture_moment(
    stage: Still,
    scenario: Scenario,
    weathers: Mapping[str, WeatherParameters],
    identity: Identity,
    meta: Mapping[str, Any],
    defences: Defences = ALL,
) -> list[Bundle]:
    """Photograph the moment that stands on the stage under each appearance; try again what fails.

    Args:
        stage: where it stands.
        scenario: cameras, planes, and when an image counts as settled.
        weathers: A appearances by name.
        identity: which bundle it is.
        meta: further small values for the header.
        defences: that are on.

    Returns:
        One bundle for each camera, whose indices count up: images `(A, H, W, 3)` uint8 RGB, the mask `(H, W)` uint8 of
        tags that all of them have, further planes, and in the header's meta the certificate.

    Raises:
        RefusedBundleError: every try failed; of the last one, with its cause.
    """
    tries = scenario.settle.attempts if defences.tries_again else 1
    for attempt in range(1, tries + 1):
        try:
            return _Sitting(stage, scenario, weathers, defences).bundles(identity, meta, attempt)
        except RefusedBundleError as refusal:
            if attempt == tries:
                words = f"bundle {identity.index}: {refusal}" + (f" ({tries} tries)" if tries > 1 else "")
                raise type(refusal)(words) from None
        stage.again()
    raise AssertionError("at least one try is made")


class _Sitting:
    """Make one try: what is taken, and what was measured meanwhile."""

    def __init__(
        self, stage: Still, scenario: Scenario, weathers: Mapping[str, WeatherParameters], defences: Defences
    ) -> None:
        self._stage = stage
        self._scenario = scenario
        self._defences = defences
        self._weathers = {
            name: weather._replace(wind_intensity=0.0) if defences.calm_air else weather
            for name, weather in weathers.items()
        }
        modes = [camera.lens.exposure_mode for camera in scenario.cameras]
        self._adapts = "histogram" in modes or (not defences.fixed_exposure and None in modes)
        sizes = [(camera.height, camera.width) for camera in scenario.cameras]
        self._images = [np.empty((len(weathers), *size, 3), dtype=np.uint8) for size in sizes]
        self._masks = [np.empty(size, dtype=np.uint8) for size in sizes]
        self._others = [np.empty_like(mask) for mask in self._masks]

    def bundles(self, identity: Identity, meta: Mapping[str, Any], attempt: int) -> list[Bundle]:
        """Take all appearances and return the bundles.

        Raises:
            RefusedBundleError: the moment did not stand still.
        """
        first = look = None
        before = self._old_weather()
        places = b""
        measured: list[tuple[int, float, float]] = []
        for number, (name, weather) in enumerate(self._weathers.items()):
            look = self._look(name, weather, look.shots if look else before)
            measured.append((look.ticks, round(look.change, 4), round(look.grain, 4)))
            for shot, images in zip(look.shots, self._images, strict=True):
                rgb_into(shot.image, images[number])
            if first is None:
                first = look
                for shot, mask in zip(look.shots, self._masks, strict=True):
                    tags_into(shot.tags, mask)
                places = self._stage.poses()
            else:
                self._compare(look, name, places)
        if first is None or look is None:
            raise ValueError("weathers: expected at least one appearance, got none")
        closing = self._closing_change(first, look, places) if self._scenario.settle.closing_look else -1.0
        moved_m = self._check_motion(places)
        settle_ticks, last_change, grain = zip(*measured, strict=True)
        certificate = Certificate(
            state_sha256=digest(self._stage.state()),
            mask_sha256="",
            masks_compared=len(measured) - 1 + (closing >= 0.0),
            settle_ticks=settle_ticks,
            last_change=last_change,
            grain=grain,
            closing_change=round(closing, 4),
            motion_m=moved_m,
            attempt=attempt,
            server=self._stage.server,
            plugin=plugin_version(),
        )
        return [
            self._bundle(view, shot, look.frame, identity, meta, certificate) for view, shot in enumerate(first.shots)
        ]

    def _old_weather(self) -> Sequence[Shot] | None:
        """Return what the place looks like under the weather of now, if the first appearance is to be another."""
        if self._stage.weather is None or _same(self._stage.weather, next(iter(self._weathers.values()))):
            return None
        return self._stage.take(self._stage.tick())

    def _look(self, name: str, weather: WeatherParameters, before: Sequence[Shot] | None) -> Look:
        """Set a weather and return pictures that have settled under it."""
        was = self._stage.weather
        news = not _same(was, weather)
        if news:
            self._stage.set_weather(weather)
        rained = was is None or np.float32(was.precipitation) != np.float32(weather.precipitation)
        try:
            return settled(
                self._stage,
                self._scenario.settle,
                name,
                step_s=self._scenario.step_s,
                second_look=rained or (self._adapts and news),
                before=before if news else None,
                defences=self._defences,
            )
        except UnsettledError as error:
            raise self._explained(error, name) from None

    def _explained(self, error: UnsettledError, name: str) -> RefusedBundleError:
        """Return why pictures go on changing, as far as snapshots and masks tell."""
        before = self._stage.poses()
        self._stage.tick()
        if self._stage.poses() != before:
            return MotionError(f"expected still actors under {name}, they go on moving")
        if error.masks_too:
            return MaskMismatchError(f"expected one mask under {name}, it goes on changing")
        return error

    def _compare(self, look: Look, name: str, places: bytes) -> None:
        """Compare the masks of a look with the first, and where they differ ask first whether somebody moved."""
        for shot, mask, other in zip(look.shots, self._masks, self._others, strict=True):
            tags_into(shot.tags, other)
            if not np.array_equal(mask, other):
                self._check_motion(places)
                raise MaskMismatchError(
                    "expected one mask under all appearances, "
                    f"got {int(np.count_nonzero(mask != other))} pixels that differ under {name}"
                )

    def _closing_change(self, first: Look, last: Look, places: bytes) -> float:
        """Look at the first appearance again and return how far it has changed, in levels."""
        name, weather = next(iter(self._weathers.items()))
        look = self._look(name, weather, last.shots)
        self._compare(look, f"{name} in the end", places)
        change, too_much = changed(first, look, self._defences)
        if too_much:
            self._check_motion(places)
            raise ChangedError(f"expected {name} to look the same in the end, it differs by {change:.2f} levels")
        return change

    def _check_motion(self, places: bytes) -> float:
        """Return 0.0, the metres by which actors may move.

        Raises:
            MotionError: an actor's transform is not bit-equal to what it was.
        """
        now = self._stage.poses()
        if now == places:
            return 0.0
        before, after = (np.frombuffer(each, dtype=np.float64).reshape(-1, 6) for each in (places, now))
        moved_m = float(np.abs(after - before)[:, :3].max()) if before.shape == after.shape else float("inf")
        raise MotionError(f"expected still actors, got one that moved by {moved_m:.4g} m or turned")

    def _bundle(
        self, view: int, shot: Shot, frame: int, identity: Identity, meta: Mapping[str, Any], certificate: Certificate
    ) -> Bundle:
        """Return what one camera saw; further planes are those of the first look."""
        mask = self._masks[view]
        sha256 = mask_hash(mask)
        extras: dict[str, NDArray[Any]] = {name: decoded(name, pixels) for name, pixels in shot.planes.items()}
        camera = self._scenario.cameras[view]
        header = BundleHeader(
            scenario=identity.scenario,
            seed=identity.seed,
            episode=identity.episode,
            index=identity.index + view,
            town=identity.town,
            appearances=tuple(self._weathers),
            height=camera.height,
            width=camera.width,
            frame=frame,
            mask_sha256=sha256,
            camera=self._scenario.camera_names[view],
            meta={**meta, KEY: msgspec.structs.replace(certificate, mask_sha256=sha256).to_meta()},
        )
        return Bundle(header, self._images[view], mask, extras)


def _same(one: WeatherParameters | None, other: WeatherParameters) -> bool:
    """Return whether two weathers are the same to a server, which keeps float32."""
    return one is not None and np.array_equal(np.asarray(one, np.float32), np.asarray(other, np.float32))

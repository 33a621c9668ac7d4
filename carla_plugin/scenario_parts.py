"""The parts of a scenario: traffic, cameras, capture and settling, as frozen typed values with ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=0, le=500)]
Side = Annotated[int, msgspec.Meta(ge=16, le=8192)]
Metres = Annotated[float, msgspec.Meta(ge=-20.0, le=20.0)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Plane = Literal["depth", "instance"]

KINDS = ("cars", "vans", "trucks", "buses", "motorcycles", "bicycles", "pedestrians")
"""The kinds of actors that take part in traffic, as scenarios name them."""

CAMERA_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "cityscapes": {"width": 2048, "height": 1024, "fov_deg": 50.0, "mount": {"z_m": 1.2}},
    "cityscapes_half": {"width": 1024, "height": 512, "fov_deg": 50.0, "mount": {"z_m": 1.2}},
}
"""What a camera's preset stands for; keys given beside it win (size of Cityscapes' images, Cordts et al. 2016)."""

SETTLE_PROFILES: Mapping[str, Mapping[str, Any]] = {"default": {}, "carla": {"floor_ticks": 40}}
"""What a settle profile stands for: `carla` waits 2 s of simulated time at 0.05 s a tick, for a real server."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Refuse unknown keys and changes."""


class Shares(Part, frozen=True):
    """Say what share of `total` each kind has; together they count as the whole, whatever their sum."""

    cars: Share = 0.0
    vans: Share = 0.0
    trucks: Share = 0.0
    buses: Share = 0.0
    motorcycles: Share = 0.0
    bicycles: Share = 0.0
    pedestrians: Share = 0.0


class Traffic(Part, frozen=True):
    """Say how many of each kind take part, and for how long they run before the first moment."""

    cars: Count = 20
    vans: Count = 2
    trucks: Count = 3
    buses: Count = 1
    motorcycles: Count = 4
    bicycles: Count = 4
    pedestrians: Count = 30
    total: Annotated[int, msgspec.Meta(ge=0, le=2000)] = 0
    shares: Shares | None = None
    parked: Count = 6
    crossing_share: Share = 0.2
    radius_m: Annotated[float, msgspec.Meta(ge=0.0, le=10_000.0)] = 0.0
    warm_up_ticks: Annotated[int, msgspec.Meta(ge=1, le=20000)] = 100

    def counts(self) -> dict[str, int]:
        """Return how many of each kind take part: as counted, or `total` dealt out by shares, largest rest first."""
        if self.shares is None:
            return {kind: int(getattr(self, kind)) for kind in KINDS}
        weights = {kind: float(getattr(self.shares, kind)) for kind in KINDS}
        whole = sum(weights.values())
        exact = {kind: self.total * weight / whole for kind, weight in weights.items()}
        dealt = {kind: int(number) for kind, number in exact.items()}
        order = sorted(KINDS, key=lambda kind: (dealt[kind] - exact[kind], KINDS.index(kind)))
        for kind in order[: self.total - sum(dealt.values())]:
            dealt[kind] += 1
        return dealt


class Mount(Part, frozen=True):
    """Say where the camera sits: metres and degrees relative to the lane's surface under it."""

    x_m: Metres = 0.0
    y_m: Metres = 0.0
    z_m: Annotated[float, msgspec.Meta(ge=0.2, le=20.0)] = 1.6
    pitch_deg: Annotated[float, msgspec.Meta(ge=-89.0, le=89.0)] = -2.0
    yaw_deg: Annotated[float, msgspec.Meta(ge=-180.0, le=180.0)] = 0.0


class Lens(Part, frozen=True):
    """Override attributes of CARLA's RGB camera; what is None stays as the plugin sets it."""

    exposure_mode: Literal["manual", "histogram"] | None = None
    exposure_compensation: Annotated[float, msgspec.Meta(ge=-16.0, le=16.0)] | None = None
    shutter_speed: Annotated[float, msgspec.Meta(ge=0.01, le=100_000.0)] | None = None
    iso: Annotated[float, msgspec.Meta(ge=1.0, le=100_000.0)] | None = None
    fstop: Annotated[float, msgspec.Meta(ge=0.1, le=64.0)] | None = None
    gamma: Annotated[float, msgspec.Meta(ge=0.1, le=10.0)] | None = None
    bloom_intensity: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] | None = None
    lens_flare_intensity: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] | None = None
    motion_blur_intensity: Share | None = None
    chromatic_aberration_intensity: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] | None = None
    lens_k: Annotated[float, msgspec.Meta(ge=-10.0, le=10.0)] | None = None
    lens_kcube: Annotated[float, msgspec.Meta(ge=-10.0, le=10.0)] | None = None
    lens_circle_multiplier: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] | None = None
    lens_circle_falloff: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] | None = None
    lens_x_size: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] | None = None
    lens_y_size: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] | None = None

    def overrides(self) -> dict[str, str]:
        """Return the attributes that a scenario sets, as the wheel takes them."""
        given = {field: getattr(self, field) for field in self.__struct_fields__}
        return {key: str(value) for key, value in given.items() if value is not None}


class Camera(Part, frozen=True):
    """Say what the camera sees: size in pixels, horizontal field of view in degrees, mount."""

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{0,40}$")] = ""
    preset: Literal["", "cityscapes", "cityscapes_half"] = ""
    width: Side = 512
    height: Side = 256
    fov_deg: Annotated[float, msgspec.Meta(ge=5.0, le=170.0)] = 90.0
    mount: Mount = Mount()
    lens: Lens = Lens()


class Capture(Part, frozen=True):
    """Say when and where moments are kept: views of the best of some, a drive, or the map's spawn points."""

    where: Literal["views", "drive", "spawn_points"] = "views"
    every_ticks: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 10
    every_m: Annotated[float, msgspec.Meta(ge=0.0, le=1000.0)] = 0.0
    candidates: Annotated[int, msgspec.Meta(ge=1, le=64)] = 8
    view_m: Annotated[float, msgspec.Meta(ge=5.0, le=200.0)] = 40.0
    free_ahead_m: Annotated[float, msgspec.Meta(ge=0.0, le=50.0)] = 4.0


class Settle(Part, frozen=True):
    """Say when an image counts as settled: ticks at least and at most, the most grain, second looks, tries."""

    profile: Literal["default", "carla"] = "default"
    floor_ticks: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 2
    ceiling_ticks: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 200
    grain: Annotated[float, msgspec.Meta(ge=0.0, le=64.0)] = 4.0
    second_look_s: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] = 1.0
    closing_look: bool = True
    attempts: Annotated[int, msgspec.Meta(ge=1, le=20)] = 3

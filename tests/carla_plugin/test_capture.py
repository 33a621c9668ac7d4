"""Capture against a made-up stage: what must be refused is refused, for the right cause, and tried again."""

import msgspec
import numpy as np
import pytest

from carla_plugin.appearance import weather_of
from carla_plugin.capture import Identity, capture_moment
from carla_plugin.certificate import ACCEPTED, Certificate
from carla_plugin.defences import Defences
from carla_plugin.pixels import SKY_TAG, Shot
from carla_plugin.refusals import ChangedError, LateError, MaskMismatchError, MotionError, UnsettledError
from carla_plugin.scenario_parts import Camera, Settle
from protocols.bundle import decode_bundle, encode_bundle, mask_hash

SIZE = (6, 8)
NAMES = ("noon", "night", "fog")
IDENTITY = Identity("t", 1, 0, 3, "Grid_01")


class FakeStage:
    """Images of one flat colour per weather; `late` ticks pass until a new weather shows."""

    server = "0.9.16"

    def __init__(self, late: int = 0) -> None:
        self.late = late
        self.ticks = self.age = self.placed = 0
        self.weather = weather_of("dusk")
        self.shown = None
        self.tags = np.arange(48, dtype=np.uint8).reshape(SIZE) % 25

    def again(self):
        self.placed += 1

    def set_weather(self, weather):
        self.weather, self.age = weather, 0

    def tick(self):
        self.ticks += 1
        self.age += 1
        if self.age > self.late:
            self.shown = self.weather
        return self.ticks

    def picture(self):
        level = int(90 + self.shown.sun_altitude_angle + self.shown.fog_density) if self.shown else 1
        image = np.zeros((*SIZE, 4), np.uint8)
        image[..., :3] = (level, level + 1, level + 2)
        return image

    def mask(self):
        tags = np.zeros((*SIZE, 4), np.uint8)
        tags[..., 2] = self.tags
        return tags

    def take(self, frame):
        assert frame == self.ticks
        planes = {"depth": np.full((*SIZE, 4), 255, np.uint8), "instance": self.mask()}
        return [Shot(self.picture(), self.mask(), planes, (frame,) * 4)]

    def poses(self):
        return np.zeros((2, 6)).tobytes()

    def state(self):
        return b"all of it"


@pytest.fixture
def scenario(make_scenario):
    return make_scenario(appearances=NAMES, camera=Camera(width=SIZE[1], height=SIZE[0]))


@pytest.fixture
def make_scenario():
    from carla_plugin.scenario import Scenario

    def make(**changes):
        # sizes below the limits of scenario files, so not by way of one
        return Scenario(seed=1, town="Grid_01", **changes)

    return make


def capture(stage, scenario, defences=None, **settle):
    scenario = msgspec.structs.replace(scenario, settle=Settle(**settle))
    weathers = {name: weather_of(name) for name in NAMES}
    return capture_moment(stage, scenario, weathers, IDENTITY, {"moment": 3}, defences or Defences())


def test_a_bundle_holds_rgb_tags_planes_and_a_certificate(scenario):
    stage = FakeStage()
    (bundle,) = capture(stage, scenario)
    assert bundle.images.shape == (3, *SIZE, 3)
    assert bundle.images[0, 0, 0].tolist() == [162, 161, 160]  # BGRA 160, 161, 162 turned to RGB
    assert np.array_equal(bundle.mask, stage.tags)
    assert bundle.extras["depth"].dtype == np.float32
    assert bundle.extras["depth"][0, 0] == 1000.0
    assert bundle.extras["instance"].dtype == np.uint16
    assert bundle.header.mask_sha256 == mask_hash(stage.tags)
    assert bundle.header.appearances == NAMES
    assert bundle.header.identity == "t:1:0:3"
    assert bundle.header.meta["moment"] == 3
    seen = Certificate.from_meta(decode_bundle(encode_bundle(bundle)).header.meta)
    assert (seen.verdict, seen.attempt, seen.masks_compared) == (ACCEPTED, 1, 3)
    assert (seen.settle_ticks, seen.last_change, seen.closing_change) == ((2, 2, 2), (0.0, 0.0, 0.0), 0.0)
    assert (seen.mask_sha256, seen.server, seen.motion_m) == (bundle.header.mask_sha256, "0.9.16", 0.0)


def test_each_camera_has_a_bundle_of_its_own(make_scenario):
    class TwoEyes(FakeStage):
        def take(self, frame):
            (shot,) = super().take(frame)
            return [shot, Shot(255 - shot.image, shot.tags[::2, ::2].copy(), {}, shot.frames)]

    class Right(TwoEyes):
        def take(self, frame):
            left, right = super().take(frame)
            return [left, Shot(right.image[::2, ::2].copy(), right.tags, {}, right.frames)]

    cameras = (Camera(name="left", width=8, height=6), Camera(name="right", width=4, height=3))
    left, right = capture(Right(), make_scenario(appearances=NAMES, cameras=cameras))
    assert [(each.header.camera, each.header.index) for each in (left, right)] == [("left", 3), ("right", 4)]
    assert right.images.shape == (3, 3, 4, 3)
    assert right.images[0, 0, 0].tolist() == [255 - 162, 255 - 161, 255 - 160]
    assert right.header.mask_sha256 == mask_hash(right.mask) != left.header.mask_sha256


@pytest.mark.parametrize("late", [1, 3, 30])
def test_late_weather_is_waited_for(scenario, late):
    (bundle,) = capture(FakeStage(late), scenario)
    assert [int(image[0, 0, 2]) for image in bundle.images] == [160, 20, 190]
    assert min(Certificate.from_meta(bundle.header.meta).settle_ticks) > late


def test_weather_that_never_comes_is_refused(scenario):
    with pytest.raises(LateError, match="expected noon to look other than the appearance before"):
        capture(FakeStage(late=10_000), scenario, attempts=1)


def test_masks_that_differ_are_refused_with_the_number_of_pixels(scenario):
    class Swaying(FakeStage):
        def mask(self):
            tags = super().mask()
            tags[2, 3, 2] ^= self.weather.fog_density > 0
            return tags

    with pytest.raises(MaskMismatchError, match=r"bundle 3: .* got 1 pixels that differ under fog \(3 tries\)"):
        capture(Swaying(), scenario)


def test_a_mask_that_goes_on_changing_is_not_waited_for_up_to_the_ceiling(scenario):
    class Leaves(FakeStage):
        def picture(self):
            return super().picture() + np.uint8(self.ticks % 7 * 20)

        def mask(self):
            tags = super().mask()
            tags[0, 0, 2] = self.ticks % 25
            return tags

    stage = Leaves()
    with pytest.raises(MaskMismatchError, match="under noon, it goes on changing"):
        capture(stage, scenario, attempts=1, ceiling_ticks=1000)
    assert stage.ticks < 100


def test_actors_that_moved_are_refused_before_masks_are_blamed(scenario):
    class Creeping(FakeStage):
        def poses(self):
            return np.full((2, 6), self.ticks / 8.0).tobytes()

        def mask(self):
            tags = super().mask()
            tags[0, 0, 2] = self.ticks % 25
            return tags

    with pytest.raises(MotionError, match=r"got one that moved by [0-9.]+ m"):
        capture(Creeping(), scenario)


def test_an_image_that_drifts_is_refused(scenario):
    class Drifting(FakeStage):
        def picture(self):
            return super().picture() + np.uint8(self.ticks % 128)

    with pytest.raises(UnsettledError, match="settled image of noon within 70 ticks"):
        capture(Drifting(), scenario, attempts=1, ceiling_ticks=70)


def test_grain_is_no_drift(scenario):
    class Grainy(FakeStage):
        def picture(self):
            noise = np.random.default_rng(self.ticks).integers(0, 4, (*SIZE, 4), dtype=np.uint8)
            return super().picture() + noise

    (bundle,) = capture(Grainy(), scenario)
    seen = Certificate.from_meta(bundle.header.meta)
    assert all(1.0 < grain < 2.0 for grain in seen.grain)  # of two uniform draws of 0..3
    assert min(seen.settle_ticks) > 20
    with pytest.raises(UnsettledError):
        capture(Grainy(), scenario, grain=1.0, ceiling_ticks=70)


def test_rain_is_looked_at_a_second_time_and_clouds_are_not_waited_for(scenario):
    class Sky(FakeStage):
        def picture(self):
            image = super().picture()
            image[self.tags == SKY_TAG] = self.ticks * 2 % 256
            return image

    weathers = {"noon": weather_of("noon"), "rain": weather_of("rain")}
    scenario = msgspec.structs.replace(scenario, appearances=tuple(weathers))
    (bundle,) = capture_moment(Sky(), scenario, weathers, IDENTITY, {})
    assert Certificate.from_meta(bundle.header.meta).settle_ticks == (2, 21)
    with pytest.raises((UnsettledError, ChangedError)):
        capture_moment(Sky(), scenario, weathers, IDENTITY, {}, Defences(sky_apart=False))


def test_a_lamp_that_has_gone_out_is_noticed_in_the_end(scenario):
    class Lamp(FakeStage):
        def picture(self):
            image = super().picture()
            image[1, 1] = 255 if self.ticks < 6 else 0
            return image

    with pytest.raises(ChangedError, match="expected noon to look the same in the end"):
        capture(Lamp(), scenario, attempts=1)
    assert capture(Lamp(), scenario, closing_look=False)


def test_images_of_another_frame_are_refused(scenario):
    class Behind(FakeStage):
        def take(self, frame):
            (shot,) = super().take(frame)
            return [Shot(shot.image, shot.tags, {}, (frame, frame - 1))]

    with pytest.raises(LateError, match="got such of frame"):
        capture(Behind(), scenario)


def test_a_second_try_places_the_moment_again(scenario):
    class Once(FakeStage):
        def mask(self):
            tags = super().mask()
            tags[0, 0, 2] ^= self.ticks == 5
            return tags

    stage = Once()
    (bundle,) = capture(stage, scenario)
    assert (stage.placed, Certificate.from_meta(bundle.header.meta).attempt) == (1, 2)
    with pytest.raises(MaskMismatchError):
        capture(Once(), scenario, Defences(tries_again=False))


def test_wind_is_calmed(scenario):
    stage = FakeStage()
    weathers = {"noon": weather_of("noon")._replace(wind_intensity=100.0)}
    scenario = msgspec.structs.replace(scenario, appearances=("noon",))
    capture_moment(stage, scenario, weathers, IDENTITY, {})
    assert stage.weather.wind_intensity == 0.0


def test_a_certificate_that_is_missing_or_broken_is_named():
    with pytest.raises(ValueError, match="expected one in the bundle's header, got none"):
        Certificate.from_meta({"moment": 3})
    with pytest.raises(ValueError, match="certificate: Object missing required field"):
        Certificate.from_meta({"certificate": {"verdict": "accepted"}})

"""Capture against a made-up stage: what must be refused is refused, for the right cause."""

import numpy as np
import pytest

from carla_plugin.appearance import weather_of
from carla_plugin.capture import Identity, MaskMismatchError, MotionError, UnsettledError, capture_bundle, difference
from carla_plugin.scenario import Settle
from protocols.bundle import mask_hash

SIZE = (6, 8)
NAMES = ("noon", "night", "fog")
IDENTITY = Identity("t", 1, 0, 3, "Grid_01")


class FakeStage:
    """Images of one flat colour per weather; `late` ticks pass until a new weather shows."""

    def __init__(self, late: int = 0) -> None:
        self.late = late
        self.ticks = self.age = 0
        self.weather = self.shown = None
        self.tags = np.arange(48, dtype=np.uint8).reshape(SIZE) % 25
        self.place = b"here"

    def set_weather(self, weather):
        self.weather, self.age = weather, 0

    def tick(self):
        self.ticks += 1
        self.age += 1
        if self.age > self.late:
            self.shown = self.weather
        return self.ticks

    def take(self, frame):
        assert frame == self.ticks
        level = int(abs(self.shown.sun_altitude_angle)) + int(self.shown.fog_density) if self.shown else 1
        image = np.zeros((*SIZE, 4), np.uint8)
        image[..., :3] = (level, level + 1, level + 2)
        tags = np.zeros((*SIZE, 4), np.uint8)
        tags[..., 2] = self.tags
        return image, tags

    def poses(self):
        return self.place


def capture(stage, settle=None):
    weathers = {name: weather_of(name) for name in NAMES}
    return capture_bundle(stage, weathers, settle or Settle(), IDENTITY, SIZE, {"moment": 3})


def test_bundle_holds_rgb_and_tags():
    stage = FakeStage()
    bundle = capture(stage)
    assert bundle.images.shape == (3, *SIZE, 3)
    assert bundle.images[0, 0, 0].tolist() == [72, 71, 70]  # BGRA 70, 71, 72 turned to RGB
    assert np.array_equal(bundle.mask, stage.tags)
    assert bundle.header.mask_sha256 == mask_hash(stage.tags)
    assert bundle.header.appearances == NAMES
    assert bundle.header.identity == "t:1:0:3"
    assert bundle.header.meta == {"moment": 3, "settle_ticks": [2, 2, 2]}


def test_late_weather_is_waited_for():
    stage = FakeStage(late=3)
    # the first image of a late weather still shows the last one: only a floor above the delay can tell
    bundle = capture(stage, Settle(floor_ticks=5))
    assert [int(image[0, 0, 2]) for image in bundle.images] == [70, 70, 100]
    assert stage.ticks == 15


def test_masks_that_differ_are_refused():
    class Swaying(FakeStage):
        def take(self, frame):
            image, tags = super().take(frame)
            if self.weather == weather_of("fog"):
                tags[2, 3, 2] ^= 1
            return image, tags

    with pytest.raises(MaskMismatchError, match="got 1 pixels that differ under fog"):
        capture(Swaying())


def test_actors_that_moved_are_refused():
    class Creeping(FakeStage):
        def poses(self):
            return str(self.ticks).encode()

    with pytest.raises(MotionError):
        capture(Creeping())


def test_an_image_that_never_settles_is_refused():
    class Flickering(FakeStage):
        def take(self, frame):
            image, tags = super().take(frame)
            return image + np.uint8(frame % 2 * 40), tags

    with pytest.raises(UnsettledError, match="settled image of noon within 7 ticks"):
        capture(Flickering(), Settle(ceiling_ticks=7))


def test_difference_is_the_mean_of_absolute_differences():
    dice = np.random.default_rng(0)
    one, other = dice.integers(0, 256, (2, 5, 7, 4), dtype=np.uint8)
    assert difference(one, other) == pytest.approx(np.abs(one.astype(int) - other.astype(int)).mean())
    assert difference(one, one.copy()) == 0.0

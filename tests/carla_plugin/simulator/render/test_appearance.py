"""What weather may and may not do to a picture."""

from __future__ import annotations

import numpy as np
import pytest

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import join
from carla_plugin.simulator.render import Camera, Placed, Renderer
from carla_plugin.simulator.render.weather import appearance
from protocols.carla_rpc.types import Location, Rotation, Transform, WeatherParameters

NOON = WeatherParameters(cloudiness=10.0, sun_azimuth_angle=60.0, sun_altitude_angle=60.0)
NIGHT = NOON._replace(sun_altitude_angle=-40.0)
FOG = NOON._replace(fog_density=50.0, cloudiness=80.0)
RAIN = NOON._replace(cloudiness=90.0, precipitation=80.0, precipitation_deposits=80.0, wetness=80.0)
ALL = {"noon": NOON, "night": NIGHT, "fog": FOG, "rain": RAIN, "sunset": NOON._replace(sun_altitude_angle=3.0)}


def luma(picture):
    """Return the mean of blue, green and red, `(H, W)`."""
    return picture[..., :3].mean(axis=2)


@pytest.fixture(scope="module")
def frame(street, eye):
    return street.frame(eye, [], [])


@pytest.fixture(scope="module")
def pictures(frame):
    return {name: frame.shade(weather) for name, weather in ALL.items()}


def test_pictures_are_opaque_bgra(pictures, eye):
    for picture in pictures.values():
        assert picture.shape == (eye.height, eye.width, 4)
        assert picture.dtype == np.uint8
        assert np.all(picture[..., 3] == 255)


def test_equal_frame_and_weather_give_equal_bytes(street, street_scene, eye, pictures):
    again = Renderer(street_scene, street.lamps, threads=2).frame(eye, [], [])
    for name, weather in reversed(ALL.items()):  # another order, another renderer, bands of threads
        np.testing.assert_array_equal(again.shade(weather), pictures[name], err_msg=name)


def test_no_weather_touches_tags_depth_or_instances(street, eye):
    frame = street.frame(eye, [], [])
    before = frame.tags.copy(), frame.depth.copy(), frame.instances.copy()
    for weather in ALL.values():
        frame.shade(weather)
    for held, now in zip(before, (frame.tags, frame.depth, frame.instances), strict=True):
        np.testing.assert_array_equal(held, now)


def test_appearances_differ_from_one_another(pictures):
    names = list(pictures)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            apart = np.abs(pictures[first].astype(int) - pictures[second].astype(int)).mean()
            assert apart > 6.0, (first, second)


def test_night_is_darker_than_noon(pictures, frame):
    for tag in (1, 2, 11):
        here = frame.tags == tag
        assert luma(pictures["night"])[here].mean() < 0.6 * luma(pictures["noon"])[here].mean()


def test_fog_takes_contrast_with_depth(pictures, frame):
    def kept(low, high):
        here = (frame.depth >= low) & (frame.depth < high) & (frame.tags == 3)
        return luma(pictures["fog"])[here].std() / luma(pictures["noon"])[here].std()

    assert kept(50.0, 100.0) < 0.5 * kept(0.0, 22.0)


def test_a_wet_road_mirrors_what_stands_behind_it(polygon):
    things = [
        polygon([(0, -40, 0), (60, -40, 0), (60, 40, 0), (0, 40, 0)], 1, Material.ASPHALT),
        polygon([(20, -1, 0), (20, 1, 0), (20, 1, 4), (20, -1, 4)], 8, Material.PLAIN, (250, 20, 20)),
    ]
    camera = Camera(Transform(Location(2.0, 0.0, 1.5), Rotation()), 128, 64, 70.0)
    frame = Renderer(join(things), np.zeros((0, 3), np.float32)).frame(camera, [], [])
    soaked = RAIN._replace(precipitation=0.0, precipitation_deposits=100.0)

    def redness(weather):
        picture = frame.shade(weather).astype(float)
        below = (slice(41, 47), slice(60, 68))  # the board stands on row 39.6; its mirror image hangs below
        aside = (slice(41, 47), slice(20, 28))
        red = picture[..., 2] - picture[..., 0]
        return red[below].mean() - red[aside].mean()

    assert redness(soaked) > redness(NOON) + 8.0


def test_lamps_of_the_street_and_of_cars_light_the_road_by_night(street, eye, polygon):
    dark = NIGHT._replace(cloudiness=100.0)
    plain = luma(street.frame(eye, [], []).shade(dark))
    lamp = polygon([(2.0, -0.6, 0.6), (2.0, 0.6, 0.6), (2.0, 0.6, 0.8)], 14, Material.HEAD_LAMP)
    car = [Placed(5, lamp, Transform(Location(-4.0, 1.5, 0.0), Rotation()), 2)]
    lit_frame = street.frame(eye, car, [])
    road = lit_frame.tags == 1
    assert luma(lit_frame.shade(dark))[road].mean() > plain[road].mean() + 2.0


def test_a_signal_glows_in_the_colour_of_its_state(polygon):
    lenses = [
        polygon(
            [(5, -0.3, z), (5, 0.3, z), (5, 0.3, z + 0.6), (5, -0.3, z + 0.6)], 7, Material.SIGNAL_LENS,
            uvw=[(lamp, 1, 0)] * 4,
        )
        for lamp, z in ((0, 1.5), (1, 0.5), (2, -0.5))
    ]  # fmt: skip
    renderer = Renderer(join(lenses), np.zeros((0, 3), np.float32))
    camera = Camera(Transform(Location(0.0, 0.0, 1.0)), 48, 48, 60.0)
    brightest = []
    for state in (0, 1, 2):
        picture = renderer.frame(camera, [], [3, state]).shade(NIGHT).astype(float)
        rows = np.nonzero(renderer.frame(camera, [], [3, state]).tags == 7)[0]
        sums = [luma(picture)[row].sum() for row in range(rows.min(), rows.max() + 1)]
        brightest.append(int(np.argmax(sums)) * 3 // len(sums))
    assert brightest == [0, 1, 2]
    dark = renderer.frame(camera, [], [0, 3])
    assert luma(dark.shade(NIGHT))[dark.tags == 7].max() < 60


@pytest.mark.parametrize("name", WeatherParameters._fields)
def test_the_appearance_vector_is_finite_for_any_weather(name):
    for value in (-1e9, -1.0, 0.0, 50.0, 100.0, 1e9):
        assert np.all(np.isfinite(appearance(NOON._replace(**{name: value}))))


def test_the_appearance_vector_varies_without_jumps_while_the_sun_sets():
    vectors = np.array([appearance(NOON._replace(sun_altitude_angle=a)) for a in np.arange(20.0, -20.0, -0.05)])
    steps = np.abs(np.diff(vectors, axis=0))
    steps[:, 0:3] = 0.0  # the moon takes over from the sun when neither gives light
    assert np.all(steps.max(axis=0) <= 0.1 * np.ptp(vectors, axis=0) + 1e-6)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 3), (37, 23), (130, 17)])
def test_any_size_can_be_drawn(street, eye, width, height):
    frame = street.frame(eye._replace(width=width, height=height), [], [])
    for weather in ALL.values():
        assert frame.shade(weather).shape == (height, width, 4)


def test_a_mesh_with_numbers_that_are_none_is_not_drawn(street, eye, polygon):
    lost = polygon([(3, -1, 0), (3, 1, 0), (3, 1, 2)], tag=14)
    nowhere = Placed(9, lost, Transform(Location(float("nan"), 0.0, 0.0)), 0)
    frame = street.frame(eye, [nowhere], [])
    np.testing.assert_array_equal(frame.tags, street.frame(eye, [], []).tags)
    frame.shade(NOON)

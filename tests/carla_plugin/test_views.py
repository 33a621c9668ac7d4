"""Views: what stands before the lens, and what is worth looking at, in made-up streets."""

import pytest

from carla_plugin.layouts import Footprint
from carla_plugin.views import camera_pose, is_free, seen_from, worth
from protocols.carla_rpc.types import Location, Rotation, Transform

CAR = Footprint(2.3, 1.0)
MAN = Footprint(0.3, 0.3)


def at(x: float, y: float, yaw: float = 0.0) -> Transform:
    return Transform(Location(x, y, 0.0), Rotation(0.0, yaw, 0.0))


def test_camera_stands_on_its_mount():
    # a place that looks along +y (CARLA's yaw turns x toward y): its right is -x
    camera = camera_pose(at(10.0, 5.0, 90.0), 2.0, 1.0, 1.6, -3.0, 10.0)
    assert camera.location == pytest.approx((9.0, 7.0, 1.6))
    assert camera.rotation == pytest.approx((-3.0, 100.0, 0.0))


@pytest.mark.parametrize(
    ("place", "expected"),
    [(at(5.0, 0.0), (5.0, 0.0)), (at(0.0, 3.0), (0.0, 3.0)), (at(-2.0, -1.0), (-2.0, -1.0))],
)
def test_ahead_and_right(place, expected):
    assert seen_from(at(0.0, 0.0), place) == pytest.approx(expected)
    turned = at(0.0, 0.0, 90.0)
    x, y = place.location.x, place.location.y
    assert seen_from(turned, at(-y, x)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("place", "box", "free"),
    [
        (at(0.0, 0.0), CAR, False),  # at the lens
        (at(5.0, 0.0), CAR, False),  # its tail is 2.7 m ahead
        (at(7.0, 0.0), CAR, True),  # its tail is 4.7 m ahead
        (at(5.5, 0.0, 90.0), CAR, True),  # lies across: 4.5 m ahead
        (at(3.0, 1.0), MAN, False),
        (at(3.0, 2.0), MAN, True),  # beside the lane
        (at(-5.0, 0.0), CAR, True),  # behind
        (at(100.0, 0.0), CAR, True),
    ],
)
def test_what_stands_before_the_lens(place, box, free):
    assert is_free(at(0.0, 0.0), [place], [box], 4.0) is free
    assert is_free(at(0.0, 0.0), [place], [box], 4.0, skip=0)


def value(*actors: tuple[str, Transform], skip: int = -1) -> float:
    return worth(
        at(0.0, 0.0),
        [place for _, place in actors],
        [kind for kind, _ in actors],
        view_m=40.0,
        half_fov_deg=45.0,
        weights={"trucks": 1.0, "bicycles": 1.0},
        skip=skip,
    )


def test_what_is_worth_looking_at():
    truck, bicycle = ("trucks", at(10.0, 0.0)), ("bicycles", at(10.0, 2.0))
    assert value() == 0.0
    assert value(truck) > 0.0
    assert value(truck, bicycle) > 1.5 * value(truck)  # another kind counts more
    assert value(truck, truck) < 1.5 * value(truck)  # than another of the same
    assert value(("trucks", at(30.0, 0.0))) < value(truck)  # near is better than far
    assert value(("trucks", at(50.0, 0.0))) == 0.0  # too far
    assert value(("trucks", at(-10.0, 0.0))) == 0.0  # behind
    assert value(("trucks", at(10.0, 12.0))) == 0.0  # out of view
    assert value(("cars", at(10.0, 0.0))) == 0.0  # no weight
    assert value(truck, skip=0) == 0.0

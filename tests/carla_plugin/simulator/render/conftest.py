"""Small scenes with known answers, and one renderer of a short street, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh, join
from carla_plugin.simulator.render import Camera, Renderer
from protocols.carla_rpc.types import Location, Rotation, Transform

Polygon = Callable[..., Mesh]


def build_polygon(
    corners: list[tuple[float, float, float]], tag: int = 1, material: int = Material.PLAIN,
    colour: tuple[int, int, int] = (128, 128, 128), uvw: list[tuple[float, float, float]] | None = None,
) -> Mesh:  # fmt: skip
    """Return a fan of triangles; uvw are the corners themselves unless given."""
    vertices = np.array(corners, np.float32)
    normal = np.cross(vertices[1] - vertices[0], vertices[2] - vertices[0]).astype(np.float64)
    normal /= np.linalg.norm(normal)
    triangles = np.array([(0, i, i + 1) for i in range(1, len(corners) - 1)], np.int32)
    count = len(triangles)
    return Mesh(
        vertices, np.tile(normal.astype(np.float32), (len(corners), 1)),
        vertices if uvw is None else np.array(uvw, np.float32), triangles, np.full(count, material, np.uint8),
        np.full(count, tag, np.uint8), np.tile(np.array(colour, np.uint8), (count, 1)), np.zeros(count, np.int32),
        np.full(count, 7, np.uint32),
    )  # fmt: skip


def build_box(low: tuple[float, float, float], high: tuple[float, float, float], tag: int, material: int) -> Mesh:
    """Return an upright box between two corners."""
    (a, b, c), (d, e, f) = low, high
    sides = [
        [(a, b, c), (d, b, c), (d, b, f), (a, b, f)], [(d, b, c), (d, e, c), (d, e, f), (d, b, f)],
        [(d, e, c), (a, e, c), (a, e, f), (d, e, f)], [(a, e, c), (a, b, c), (a, b, f), (a, e, f)],
        [(a, b, f), (d, b, f), (d, e, f), (a, e, f)], [(a, b, c), (a, e, c), (d, e, c), (d, b, c)],
    ]  # fmt: skip
    return join([build_polygon(side, tag, material) for side in sides])


def build_street() -> Mesh:
    """Return a road between two rows of houses, with a lamp post, a tree and a row of markings."""
    things = [
        build_polygon([(-20, -6, 0), (120, -6, 0), (120, 6, 0), (-20, 6, 0)], 1, Material.ASPHALT),
        build_polygon([(-20, 6, 0.1), (120, 6, 0.1), (120, 60, 0.1), (-20, 60, 0.1)], 2, Material.PAVING),
        build_polygon([(-20, -60, 0.1), (120, -60, 0.1), (120, -6, 0.1), (-20, -6, 0.1)], 2, Material.PAVING),
        build_box((14.0, 6.9, 0.1), (14.2, 7.1, 6.0), 6, Material.METAL),
        build_box((20.0, 6.0, 2.5), (23.0, 9.0, 5.5), 9, Material.FOLIAGE),
        build_box((8.0, -2.9, 0.2), (12.0, -1.1, 1.5), 14, Material.CAR_PAINT),
    ]
    for x in range(0, 100, 14):
        for side in (-1.0, 1.0):
            y = 11.0 * side
            wall = [(x, y, 0.1), (x + 13.0, y, 0.1), (x + 13.0, y, 12.0), (x, y, 12.0)]
            along = [(0, 0, 13), (13, 0, 13), (13, 11.9, 13), (0, 11.9, 13)]
            things.append(build_polygon(wall, 3, Material.FACADE, (170, 150, 120), along))  # type: ignore[arg-type]
        paint = [(x, -0.1, 0.012), (x + 4.0, -0.1, 0.012), (x + 4.0, 0.1, 0.012), (x, 0.1, 0.012)]
        things.append(build_polygon(paint, 24, Material.MARKING, (230, 230, 230)))
    return join(things)


@pytest.fixture(scope="session")
def polygon() -> Polygon:
    return build_polygon


@pytest.fixture(scope="session")
def box() -> Callable[..., Mesh]:
    return build_box


@pytest.fixture(scope="session")
def street_scene() -> Mesh:
    return build_street()


@pytest.fixture(scope="session")
def street(street_scene: Mesh) -> Renderer:
    return Renderer(street_scene, np.array([[14.0, 5.5, 6.0]], np.float32))


@pytest.fixture(scope="session")
def eye() -> Camera:
    return Camera(Transform(Location(0.0, 1.5, 1.6), Rotation(-2.0, 3.0, 0.0)), 128, 64, 90.0)

"""The navigation file: the bytes of a file that a client walked on, meshes read back, and faults found."""

import itertools
import struct
from pathlib import Path

import numpy as np
import pytest

from carla_plugin.simulator.navigation import Area, Polygon
from carla_plugin.simulator.navigation.detour import decode, encode
from carla_plugin.simulator.navigation.mesh import NavigationError, build_mesh, stitched

GOLDEN = Path(__file__).with_name("navmesh_minimal.bin")


def rectangle(area, west, east, north, south, z=0.0):
    return Polygon(area, ((west, north, z), (east, north, z), (east, south, z), (west, south, z)))


def crossing():
    return [
        rectangle(Area.SIDEWALK, 0, 10, 0, 5), rectangle(Area.CROSSWALK, 10, 14, 0, 5),
        rectangle(Area.SIDEWALK, 14, 24, 0, 5),
    ]  # fmt: skip


def patchwork(rng, count):
    """Return rectangles of random widths in `count` rows, all touching, with corners that do not match."""
    rows = np.cumsum(rng.uniform(1, 9, count + 1))
    found = []
    for north, south in itertools.pairwise(rows):
        columns = np.append(np.cumsum(rng.uniform(0.5, 4, int(rng.integers(1, 14)))), 60.0)
        columns[0] = 0.0
        for west, east in itertools.pairwise(columns):
            corners = rectangle(Area(int(rng.integers(1, 5))), west, east, north, south).points
            found.append((Area(int(rng.integers(1, 5))), corners[:: int(rng.choice([-1, 1]))]))
    return [Polygon(*row) for row in found]


def _area(points):
    x, y = np.array(points)[:, 0], np.array(points)[:, 1]
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def test_the_file_of_the_golden_mesh_is_the_golden_file():
    assert encode(build_mesh(crossing())) == GOLDEN.read_bytes()


def test_the_golden_file_reads_as_the_golden_mesh():
    mesh = decode(GOLDEN.read_bytes())
    assert mesh == build_mesh(crossing())
    assert mesh.neighbours == ((-1, 1, -1, -1), (-1, 2, -1, 0), (-1, -1, -1, 1))


@pytest.mark.parametrize("seed", range(12))
def test_what_was_written_reads_back(seed):
    rng = np.random.default_rng(seed)
    polygons = patchwork(rng, int(rng.integers(1, 9)))
    mesh = build_mesh(polygons)
    read = decode(encode(mesh))
    assert read.rings == mesh.rings
    assert read.areas == mesh.areas
    assert read.neighbours == mesh.neighbours
    assert np.allclose(read.vertices, mesh.vertices, atol=1e-4)
    whole = sum(_area([mesh.vertices[corner] for corner in ring]) for ring in mesh.rings)
    assert whole == pytest.approx(sum(_area(polygon.points) for polygon in polygons))


@pytest.mark.parametrize("seed", range(6))
def test_all_that_touch_are_neighbours(seed):
    rng = np.random.default_rng(100 + seed)
    polygons = [Polygon(Area.SIDEWALK, polygon.points) for polygon in patchwork(rng, 5)]
    mesh = build_mesh(polygons)
    border = 0.0
    for ring, beyond in zip(mesh.rings, mesh.neighbours, strict=True):
        for start, end, other in zip(ring, (*ring[1:], ring[0]), beyond, strict=True):
            if other < 0:
                border += np.linalg.norm(np.subtract(mesh.vertices[start], mesh.vertices[end]))
    points = np.concatenate([polygon.points for polygon in polygons])[:, :2]
    assert border == pytest.approx(2 * float(np.ptp(points, axis=0).sum()), rel=1e-6)


def test_equal_places_at_different_heights_are_not_joined():
    mesh = build_mesh([rectangle(Area.SIDEWALK, 0, 5, 0, 5, 0.15), rectangle(Area.ROAD, 5, 9, 0, 5, 0.0)])
    assert all(other == -1 for beyond in mesh.neighbours for other in beyond)


def test_a_polygon_with_many_corners_is_cut_to_six():
    angles = np.linspace(0, 2 * np.pi, 23, endpoint=False)
    disc = Polygon(Area.GRASS, tuple((float(np.cos(a)), float(np.sin(a)), 0.0) for a in angles))
    mesh = build_mesh([disc])
    assert max(map(len, mesh.rings)) <= 6
    assert set(mesh.areas) == {Area.GRASS}
    assert decode(encode(mesh)).rings == mesh.rings


def test_stitching_puts_corners_of_others_onto_edges():
    wide, *small = stitched([rectangle(Area.SIDEWALK, 0, 9, 0, 2), rectangle(Area.ROAD, 0, 4, 2, 5),
                             rectangle(Area.ROAD, 4, 9, 2, 5)])  # fmt: skip
    assert (4, 2, 0.0) in wide.points
    assert [len(polygon.points) for polygon in small] == [4, 4]


def test_overlap_and_nothing_are_refused():
    with pytest.raises(NavigationError, match="overlap"):
        build_mesh([rectangle(Area.ROAD, 0, 1, 0, 1), rectangle(Area.GRASS, 0, 1, 0, 1)])
    with pytest.raises(NavigationError, match="polygons"):
        encode(build_mesh([]))


@pytest.mark.parametrize(
    ("offset", "form", "value"),
    [(0, "<i", 1), (4, "<i", 2), (40, "<I", 0), (44, "<i", 3), (48, "<i", 0), (52, "<i", 6), (72, "<i", 2),
     (80, "<i", 1), (244 + 16, "<H", 3), (244 + 28, "<H", 1), (244 + 30, "<B", 2)],
)  # fmt: skip
def test_faults_are_found(offset, form, value):
    data = bytearray(GOLDEN.read_bytes())
    struct.pack_into(form, data, offset, value)
    with pytest.raises(NavigationError):
        decode(bytes(data))


@pytest.mark.parametrize("size", [0, 39, 100, 400, 623])
def test_a_file_that_is_cut_short_is_refused(size):
    with pytest.raises(NavigationError):
        decode(GOLDEN.read_bytes()[:size])

"""Visibility against hand-worked pixels and against Embree, with the camera's maths worked out anew here."""

from __future__ import annotations

import math

import numpy as np
import pytest

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import empty, join
from carla_plugin.simulator.render import Camera, Placed, Renderer
from protocols.carla_rpc.types import Location, Rotation, Transform

NO_LAMPS = np.zeros((0, 3), np.float32)
AHEAD = Camera(Transform(), 64, 32, 90.0)  # at the origin, looking along x; focal length 32 px


def test_a_square_covers_exactly_the_pixels_worked_out_by_hand(polygon):
    # At 8 m, y in [-2, 1] m right and z in [-1, 2] m up: columns 32 + 32*y/8, rows 16 - 32*z/8.
    square = polygon([(8, -2, -1), (8, 1, -1), (8, 1, 2), (8, -2, 2)], tag=5)
    frame = Renderer(square, NO_LAMPS).frame(AHEAD, [], [])
    expected = np.full((32, 64), 11, np.uint8)
    expected[8:20, 24:36] = 5
    np.testing.assert_array_equal(frame.tags, expected)
    assert np.all(frame.depth[8:20, 24:36] == np.float32(8.0))
    assert np.all(frame.depth[frame.tags == 11] == 1000.0)
    assert np.all(frame.instances[frame.tags == 11] == 0)


def test_nearer_wins_and_equal_depth_goes_to_the_first_triangle(polygon):
    def wall(x, tag):
        return polygon([(x, -9, -9), (x, 9, -9), (x, 9, 9), (x, -9, 9)], tag=tag)

    assert np.all(Renderer(join([wall(5, 3), wall(4, 4)]), NO_LAMPS).frame(AHEAD, [], []).tags == 4)
    assert np.all(Renderer(join([wall(4, 3), wall(4, 4)]), NO_LAMPS).frame(AHEAD, [], []).tags == 3)


def test_neighbouring_triangles_leave_no_gap_and_no_pixel_behind_the_camera(polygon):
    ground = polygon([(-50, -50, -1), (50, -50, -1), (50, 50, -1), (-50, 50, -1)], tag=1)  # the camera stands on it
    tags = Renderer(ground, NO_LAMPS).frame(AHEAD, [], []).tags
    # A ray through row r falls 1 m within 50 m ahead when (r + 0.5 - 16) / 32 >= 1 / 50, within 50 m sideways too.
    rows, columns = np.mgrid[0:32, 0:64] + 0.5
    fall = (rows - 16.0) / 32.0
    reach = np.where(fall > 0.0, 1.0 / np.maximum(fall, 1e-9), np.inf)
    expected = (reach <= 50.0) & (reach * np.abs(columns - 32.0) / 32.0 <= 50.0)
    np.testing.assert_array_equal(tags == 1, expected)


def test_what_lies_behind_the_camera_is_not_seen(polygon, box):
    behind = [
        polygon([(-3, -5, -5), (-3, 5, -5), (-3, 5, 5), (-3, -5, 5)], tag=7),
        box((-9.0, -1.0, -1.0), (-2.0, 1.0, 1.0), 14, Material.PLAIN),
    ]
    assert np.all(Renderer(join(behind), NO_LAMPS).frame(AHEAD, [], []).tags == 11)


def test_an_empty_world_is_sky(street):
    frame = Renderer(empty(), NO_LAMPS).frame(AHEAD, [], [])
    assert np.all(frame.tags == 11)
    assert np.all(frame.depth == 1000.0)


def test_actors_are_placed_turned_and_numbered(box):
    mesh = box((0.0, -0.5, 0.0), (4.0, 0.5, 1.0), 14, Material.PLAIN)
    renderer = Renderer(empty(), NO_LAMPS)
    # Turned by 90 degrees it points to y: it fills y in [2, 6], x in [9.5, 10.5], z in [0, 1].
    placed = [Placed(77, mesh, Transform(Location(10.0, 2.0, 0.0), Rotation(0.0, 90.0, 0.0)), 0)]
    frame = renderer.frame(AHEAD, placed, [])
    rows, columns = np.nonzero(frame.tags == 14)
    assert set(np.unique(frame.instances)) == {0, 77}
    assert columns.min() == math.ceil(32 + 32 * 2 / 10.5 - 0.5)  # the near end's far edge
    assert columns.max() == math.floor(32 + 32 * 6 / 9.5 - 0.5)
    assert rows.min() == math.ceil(16 - 32 * 1 / 9.5 - 0.5)
    assert rows.max() == 15
    assert np.isclose(frame.depth[frame.tags == 14].min(), 9.5)
    moved = [placed[0]._replace(transform=Transform(Location(10.0, -6.0, 0.0), Rotation(0.0, 90.0, 0.0)))]
    np.testing.assert_array_equal(renderer.frame(AHEAD, moved, []).tags == 14, (frame.tags == 14)[:, ::-1])
    assert not np.any(renderer.frame(AHEAD, [], []).tags == 14)


def test_foliage_and_bars_have_holes_planks_have_none(polygon):
    def share(material, kind=0.0):
        corners = [(6, -4, 0), (6, 4, 0), (6, 4, 3), (6, -4, 3)]
        uvw = [(-4, 0, kind), (4, 0, kind), (4, 3, kind), (-4, 3, kind)]
        scene = polygon(corners, tag=9, material=material, uvw=uvw)
        camera = Camera(Transform(Location(0.0, 0.0, 1.5)), 96, 48, 40.0)
        return float((Renderer(scene, NO_LAMPS).frame(camera, [], []).tags == 9).mean())

    whole = share(Material.FENCE, 2.0)
    assert 0.3 * whole < share(Material.FOLIAGE) < 0.95 * whole
    assert 0.1 * whole < share(Material.FENCE, 0.0) < 0.7 * whole
    assert 0.1 * whole < share(Material.FENCE, 1.0) < 0.8 * whole


def test_bands_of_threads_give_the_same_frame(street_scene, street, eye):
    lamps = np.array([[14.0, 5.5, 6.0]], np.float32)
    one, three = street.frame(eye, [], []), Renderer(street_scene, lamps, threads=3).frame(eye, [], [])
    np.testing.assert_array_equal(one.tags, three.tags)
    np.testing.assert_array_equal(one.depth, three.depth)
    np.testing.assert_array_equal(one.instances, three.instances)


def rays_by_hand(camera: Camera) -> np.ndarray:
    """Return `(H * W, 3)` ray directions with a depth of 1, turned as yaw after pitch after roll."""
    pitch, yaw, roll = (math.radians(angle) for angle in camera.transform.rotation)
    focal = camera.width / 2.0 / math.tan(math.radians(camera.fov_deg) / 2.0)
    rows, columns = np.mgrid[0 : camera.height, 0 : camera.width] + 0.5
    x = np.ones(rows.size)
    y = (columns.ravel() - camera.width / 2.0) / focal
    z = -(rows.ravel() - camera.height / 2.0) / focal
    # Unreal's angles: positive roll lowers the right side, positive pitch lifts the nose, positive yaw turns right.
    y, z = y * math.cos(roll) + z * math.sin(roll), -y * math.sin(roll) + z * math.cos(roll)
    x, z = x * math.cos(pitch) - z * math.sin(pitch), x * math.sin(pitch) + z * math.cos(pitch)
    x, y = x * math.cos(yaw) - y * math.sin(yaw), x * math.sin(yaw) + y * math.cos(yaw)
    return np.stack([x, y, z], axis=1)


@pytest.mark.parametrize(
    ("place", "turn", "fov"),
    [
        (Location(0.0, 1.5, 1.6), Rotation(-2.0, 3.0, 0.0), 90.0),
        (Location(30.0, -3.0, 5.0), Rotation(-25.0, 140.0, 11.0), 60.0),
        (Location(50.0, 4.0, 25.0), Rotation(-70.0, -100.0, -30.0), 110.0),
    ],
)
def test_agrees_with_embree(street_scene, place, turn, fov):
    mesh_construction = pytest.importorskip("embreex.mesh_construction")
    rtcore_scene = pytest.importorskip("embreex.rtcore_scene")
    solid = np.isin(street_scene.material, [Material.FOLIAGE, Material.FENCE], invert=True)
    corners = street_scene.vertices[street_scene.triangles[solid]]
    camera = Camera(Transform(place, turn), 128, 64, fov)
    rays = rays_by_hand(camera)
    scene = rtcore_scene.EmbreeScene()
    mesh_construction.TriangleMesh(scene, corners.astype(np.float32))
    origins = np.tile(np.array(place, np.float32), (len(rays), 1))
    hits = scene.run(origins, rays.astype(np.float32), query="INTERSECT", output=True)
    number = hits["primID"]
    tags = np.where(number < 0, 11, street_scene.tag[solid][number]).reshape(64, 128)
    depth = np.where(number < 0, 1000.0, hits["tfar"]).reshape(64, 128)
    frame = Renderer(street_scene, NO_LAMPS).frame(camera, [], [])
    clear = frame.tags != 9
    same = (frame.tags == tags) & clear
    assert same.sum() >= clear.sum() - 3  # a pixel centre may fall on an edge
    np.testing.assert_allclose(frame.depth[same], depth[same], rtol=2e-4)

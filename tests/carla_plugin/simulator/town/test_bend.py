"""Bends: the map from plan to world, its inverse, and the arcs that follow it."""

from math import cos, hypot, sin

import numpy as np
import pytest

from carla_plugin.simulator.mesh import Mesh
from carla_plugin.simulator.town.bend import Bend, Pose, chain, split, street_pose
from carla_plugin.simulator.town.ways import corner

BENDS = [Bend(0, 0.2, 200.0, 0.3), Bend(1, 0.1, 340.0, 4.0)]


def walked(pieces: list[tuple[float, float, float, float, float]]) -> list[tuple[float, float, float]]:
    """Return where each piece ends, computed in small steps of its own heading."""
    ends = []
    for x, y, angle, length, curvature in pieces:
        steps = 2000
        middle = (np.arange(steps) + 0.5) * length / steps
        headings = angle + curvature * middle
        ends.append(
            (
                x + float(np.cos(headings).sum()) * length / steps,
                y + float(np.sin(headings).sum()) * length / steps,
                angle + curvature * length,
            )
        )
    return ends


@pytest.mark.parametrize("bend", BENDS)
def test_unplace_undoes_place(bend: Bend) -> None:
    for point in [(0.0, 0.0), (13.5, -210.25), (-199.0, 87.0)]:
        assert bend.unplace(*bend.place(*point)) == pytest.approx(point)


@pytest.mark.parametrize("bend", BENDS)
def test_heading_is_the_direction_of_a_small_step(bend: Bend) -> None:
    for x, y in [(10.0, 20.0), (-150.0, 77.0)]:
        for dx, dy in [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)]:
            here, there = bend.place(x, y), bend.place(x + 1e-5 * dx, y + 1e-5 * dy)
            length = hypot(there[0] - here[0], there[1] - here[1])
            angle = bend.heading(x, y, (dx, dy))
            assert (there[0] - here[0]) / length == pytest.approx(cos(angle), abs=1e-5)
            assert (there[1] - here[1]) / length == pytest.approx(sin(angle), abs=1e-5)


@pytest.mark.parametrize("bend", BENDS)
def test_a_bent_mesh_keeps_its_normals_upright_to_its_faces(bend: Bend) -> None:
    rng = np.random.default_rng(5)
    corners = rng.uniform(-100, 100, (40, 1, 3)) + rng.uniform(-0.5, 0.5, (40, 3, 3))
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    mesh = Mesh(
        corners.reshape(-1, 3).astype(np.float32), np.repeat(normals, 3, axis=0).astype(np.float32),
        np.zeros((120, 3), np.float32), np.arange(120, dtype=np.int32).reshape(-1, 3), np.zeros(40, np.uint8),
        np.zeros(40, np.uint8), np.zeros((40, 3), np.uint8), np.zeros(40, np.int32), np.zeros(40, np.uint32),
    )  # fmt: skip
    bent = bend.mesh(mesh)
    new = bent.vertices.reshape(40, 3, 3).astype(np.float64)
    expected = np.cross(new[:, 1] - new[:, 0], new[:, 2] - new[:, 0])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.einsum("ti,ti->t", expected, bent.normals[::3].astype(np.float64)).min() > 0.999


@pytest.mark.parametrize("bend", BENDS)
def test_a_chain_of_arcs_ends_where_the_next_begins(bend: Bend) -> None:
    poses = [street_pose(bend, 1 - bend.axis, 42.0, along) for along in np.linspace(-120, 120, 41).tolist()]
    pieces = chain(poses)
    for end, pose in zip(walked(pieces), poses[1:], strict=True):
        assert hypot(end[0] - pose[0], end[1] - pose[1]) < 0.01
        assert end[2] == pytest.approx(pose[2], abs=2e-3)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (Pose((0.0, 0.0, 0.0)), Pose((8.0, 10.0, 1.5))),
        (Pose((0.0, 0.0, 0.1)), Pose((12.0, -7.0, -1.4))),
        (Pose((3.0, -2.0, 3.0)), Pose((-6.0, -9.0, 4.5))),
    ],
)
def test_a_corner_leaves_one_pose_and_meets_the_other(start: Pose, end: Pose) -> None:
    pieces = corner(start, end)
    assert pieces[0][:3] == pytest.approx(tuple(start))
    ends = walked(pieces)
    for (x, y, angle), piece in zip(ends[:-1], pieces[1:], strict=True):
        assert (x, y) == pytest.approx(piece[:2], abs=1e-3)
        assert (cos(angle), sin(angle)) == pytest.approx((cos(piece[2]), sin(piece[2])), abs=1e-6)
    assert ends[-1][:2] == pytest.approx(end[:2], abs=1e-3)
    assert (cos(ends[-1][2]), sin(ends[-1][2])) == pytest.approx((cos(end[2]), sin(end[2])), abs=1e-6)


def test_split_keeps_area_and_cuts_neighbours_alike() -> None:
    boxes = np.array([[0.0, 4.0, -13.0, 25.5], [4.0, 9.0, -7.0, 12.0]])
    pieces = split(boxes, 0)
    area = ((pieces[:, 1] - pieces[:, 0]) * (pieces[:, 3] - pieces[:, 2])).sum()
    assert area == pytest.approx(4 * 38.5 + 5 * 19)
    left, right = set(pieces[pieces[:, 0] == 0.0, 3].tolist()), set(pieces[pieces[:, 0] == 4.0, 3].tolist())
    assert {cut for cut in left if -7 < cut < 12} == {cut for cut in right if -7 < cut < 12}

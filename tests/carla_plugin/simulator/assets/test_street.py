"""Street furniture keeps its footprint, its tags and its few triangles."""

from collections.abc import Callable

import numpy as np
import pytest

from carla_plugin.simulator.assets import street
from carla_plugin.simulator.assets.shapes import box
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

# half reach along x and y, and height, in metres
SIZES = {
    street.bench: (0.3, 0.9, 0.9),
    street.bin_: (0.23, 0.23, 1.0),
    street.hydrant: (0.15, 0.15, 0.85),
    street.planter: (0.6, 0.3, 1.05),
    street.bus_stop: (0.75, 2.0, 2.5),
    street.kiosk: (1.1, 1.2, 2.8),
    street.billboard: (0.1, 1.3, 3.4),
    street.letter_box: (0.2, 0.25, 1.35),
    street.cabinet: (0.2, 0.5, 1.2),
    street.parasol: (1.1, 1.1, 2.6),
    street.barrier: (0.15, 0.75, 1.0),
}


def area_normals(mesh: Mesh) -> np.ndarray:
    corners = mesh.vertices[mesh.triangles]
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("make", SIZES, ids=lambda make: make.__name__)
def test_furniture_keeps_its_footprint(make: Callable[[int], Mesh], seed: int) -> None:
    mesh = make(seed)
    reach = np.abs(mesh.vertices).max(axis=0)
    assert (reach <= np.array(SIZES[make]) + 0.01).all(), reach
    assert mesh.vertices[:, 2].min() == pytest.approx(0.0, abs=1e-6)
    assert len(mesh.triangles) < 200
    assert set(np.unique(mesh.tag)) <= {9, 20}
    assert (mesh.part == 0).all()


@pytest.mark.parametrize("make", SIZES, ids=lambda make: make.__name__)
def test_normals_point_the_way_triangles_turn(make: Callable[[int], Mesh]) -> None:
    mesh = make(0)
    turned = np.einsum("tki,ti->tk", mesh.normals[mesh.triangles], area_normals(mesh))
    assert (turned > 0).all()


@pytest.mark.parametrize("make", SIZES, ids=lambda make: make.__name__)
def test_seeds_give_variants(make: Callable[[int], Mesh]) -> None:
    assert len({make(seed).colour.tobytes() for seed in range(4)}) > 1 or make is street.barrier


def test_a_lamp_shines_downward_from_its_head() -> None:
    lamp = street.street_lamp(7.5, 1.8)
    glowing = lamp.mesh.material == Material.STREET_LAMP
    assert (area_normals(lamp.mesh)[glowing][:, 2] < 0).all()
    middle = lamp.mesh.vertices[lamp.mesh.triangles[glowing]].reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(middle, lamp.head, atol=0.05)
    assert set(np.unique(lamp.mesh.tag)) == {6}


@pytest.mark.parametrize("kind", street.FENCE_KINDS)
def test_fences_fill_their_length(kind: str) -> None:
    mesh = street.fence(4.0, 1.2, kind)
    assert mesh.vertices[:, 0].min() == pytest.approx(-2.0)
    assert mesh.vertices[:, 0].max() == pytest.approx(2.0)
    assert np.abs(mesh.vertices[:, 1]).max() < 0.1
    assert (mesh.tag == 5).all()
    assert (mesh.material == Material.FENCE).any()


@pytest.mark.parametrize("kind", street.WALL_KINDS)
def test_walls_stand_on_the_ground(kind: str) -> None:
    mesh = street.wall(4.0, 1.8, kind)
    np.testing.assert_allclose(mesh.vertices.max(axis=0), (2.0, 0.165, 1.8), atol=1e-6)
    assert (mesh.tag == 4).all()


def test_a_box_can_do_without_its_bottom() -> None:
    finish = street.Finish(Material.PLAIN, 20, (9, 9, 9))
    whole, open_box = box((0, 0, 1), (2, 2, 2), finish), box((0, 0, 1), (2, 2, 2), finish, bottom=False)
    assert len(whole.triangles) - len(open_box.triangles) == 2
    assert (area_normals(open_box)[:, 2] >= 0).all()

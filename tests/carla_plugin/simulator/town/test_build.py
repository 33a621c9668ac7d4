"""A whole town: named by its seed, the same every time, with every class of a street, and free lanes."""

import numpy as np
import pytest

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.town import TOWN_NAMES, Town, TownNameError, build_town
from carla_plugin.simulator.town.plan import KERB_HEIGHT

GROUND_TAGS = (1, 2, 10, 24, 25)


@pytest.fixture(scope="module")
def town() -> Town:
    return build_town("Grid_07")


def test_the_same_name_gives_the_same_town(town: Town) -> None:
    again = build_town("Grid_07")
    assert again.digest == town.digest
    assert again.opendrive == town.opendrive
    assert again.spawn_points == town.spawn_points
    assert again.signals == town.signals
    for mine, other in zip(vars(again.scene).values(), vars(town.scene).values(), strict=True):
        np.testing.assert_array_equal(mine, other)


def test_other_names_give_other_towns(town: Town) -> None:
    others = [build_town(name) for name in TOWN_NAMES[:3]]
    assert len({town.digest, *(other.digest for other in others)}) == 4


@pytest.mark.parametrize("name", ["", "Town08", "Grid_", "Grid_-1", "Grid_12345", "grid_07", "Grid_07x"])
def test_an_unknown_name_is_refused_in_words(name: str) -> None:
    with pytest.raises(TownNameError, match=f"map '{name}' not found: expected Grid_<number>"):
        build_town(name)


def test_the_scene_holds_every_standing_class_and_is_of_bearable_size(town: Town) -> None:
    tags = set(np.unique(town.scene.tag).tolist())
    assert {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 24} <= tags
    assert not tags & {12, 13, 14, 15, 16, 17, 18, 19}, "the simulator never populates a street"
    assert 60_000 < len(town.scene.triangles) < 450_000


def test_the_scene_is_sound(town: Town) -> None:
    scene = town.scene
    assert np.isfinite(scene.vertices).all()
    assert np.isfinite(scene.normals).all()
    np.testing.assert_allclose(np.linalg.norm(scene.normals, axis=1), 1.0, atol=1e-3)
    assert scene.triangles.min() == 0
    assert scene.triangles.max() == len(scene.vertices) - 1
    assert [a.dtype for a in (scene.vertices, scene.triangles, scene.part, scene.seed)] == [
        np.float32, np.int32, np.int32, np.uint32,
    ]  # fmt: skip


def test_nothing_but_crowns_of_trees_reaches_over_the_carriageway(town: Town) -> None:
    scene = town.scene
    tag = np.zeros(len(scene.vertices), np.uint8)
    tag[scene.triangles.ravel()] = np.repeat(scene.tag, 3)
    low = np.flatnonzero((scene.vertices[:, 2] < 3.2) & ~np.isin(tag, GROUND_TAGS))[::5]
    assert len(low) > 5000
    for index in low.tolist():
        x, y, z = scene.vertices[index].tolist()
        if town.ground_height(x, y) == 0.0:
            assert tag[index] == 9
            assert z > 2.2


def test_the_drawn_ground_has_the_height_it_is_said_to_have(town: Town) -> None:
    scene = town.scene
    chosen = np.isin(scene.tag, (1, 2, 10, 25)) & (scene.material != Material.FOLIAGE)
    corners = scene.vertices[scene.triangles[chosen]].astype(np.float64)
    level = np.ptp(corners[:, :, 2], axis=1) < 1e-6
    corners, tags = corners[level], scene.tag[chosen][level]
    a, b, c = corners[:, 0, :2], corners[:, 1, :2], corners[:, 2, :2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    solid = np.abs(area) > 1e-9
    a, b, c, area, corners, tags = a[solid], b[solid], c[solid], area[solid], corners[solid], tags[solid]
    differ = 0
    points = np.random.default_rng(1).uniform(-230, 230, (400, 2))
    for point in points:
        one = ((b[:, 0] - point[0]) * (c[:, 1] - point[1]) - (b[:, 1] - point[1]) * (c[:, 0] - point[0])) / area
        two = ((c[:, 0] - point[0]) * (a[:, 1] - point[1]) - (c[:, 1] - point[1]) * (a[:, 0] - point[0])) / area
        inside = (one >= -1e-6) & (two >= -1e-6) & (one + two <= 1 + 1e-6)
        assert inside.any(), f"a hole in the ground at {point}"
        height = corners[inside, 0, 2].max()
        differ += abs(height - town.ground_height(*point.tolist())) > 1e-6
        assert (tags[inside][corners[inside, 0, 2].argmax()] == 1) == (height == 0.0)
    assert differ <= 2  # kerbs around corners are drawn in straight pieces
    assert town.ground_height(1e4, 1e4) == KERB_HEIGHT


def test_lenses_name_their_signal_and_lie_where_they_are_said_to(town: Town) -> None:
    scene = town.scene
    lens = scene.material == Material.SIGNAL_LENS
    uvw = scene.uvw[scene.triangles[lens]][:, 0]
    assert set(uvw[:, 1].astype(int).tolist()) == set(range(len(town.signals)))
    middles = scene.vertices[scene.triangles[lens]].mean(axis=1)
    for index, signal in enumerate(town.signals):
        assert len(signal.lenses) % 3 == 0
        for number, place in enumerate(signal.lenses):
            mine = middles[(uvw[:, 1] == index) & (uvw[:, 0] == number % 3)]
            assert np.linalg.norm(mine - np.array(place), axis=1).min() < 0.3


def test_lamps_hang_over_the_streets(town: Town) -> None:
    assert town.lamps.dtype == np.float32
    assert len(town.lamps) > 100
    assert (town.lamps[:, 2] > 4.0).all()
    over = [town.ground_height(float(x), float(y)) == 0.0 for x, y, _ in town.lamps]
    assert np.mean(over) > 0.9

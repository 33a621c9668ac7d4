"""Rays and the trees they go through: what is near, what is gone, and what has holes."""

from __future__ import annotations

import numpy as np
import pytest

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import empty, join
from carla_plugin.simulator.render import Camera, Placed, Renderer
from carla_plugin.simulator.render.bvh import LEAF, build_tree
from protocols.carla_rpc.types import Location, Transform

NO_LAMPS = np.zeros((0, 3), np.float32)
AHEAD = np.array([[1.0, 0.0, 0.0]])
HERE = np.array([0.0, 0.0, 1.0])


def far(renderer: Renderer, rays: np.ndarray = AHEAD, reach: float = 100.0, **more) -> list[float]:
    arguments = {"placed": [], "inside": 0, **more}
    return renderer.tracer.trace(HERE, rays, np.full(len(rays), reach), **arguments).distance.tolist()


@pytest.fixture
def walls(polygon):
    def wall(x: float, tag: int, material: int = Material.PLAIN):
        return polygon([(x, -9, -9), (x, 9, -9), (x, 9, 9), (x, -9, 9)], tag=tag, material=material)

    return wall


def test_every_triangle_lies_in_one_leaf_and_in_all_boxes_above_it():
    dice = np.random.default_rng(3)
    corners = (dice.uniform(-50, 50, (700, 1, 3)) + dice.normal(0, 2, (700, 3, 3))).astype(np.float32)
    tree = build_tree(corners)
    assert sorted(tree.order.tolist()) == list(range(700))
    reached = 0
    waiting = [0]
    while waiting:
        node = waiting.pop()
        if tree.held[node]:
            members = tree.order[tree.first[node] : tree.first[node] + tree.held[node]]
            assert len(members) <= LEAF
            assert (corners[members].min(axis=(0, 1)) >= tree.bounds[node, :3]).all()
            assert (corners[members].max(axis=(0, 1)) <= tree.bounds[node, 3:]).all()
            reached += len(members)
            continue
        for child in (tree.first[node], tree.first[node] + 1):
            assert (tree.bounds[child, :3] >= tree.bounds[node, :3]).all()
            assert (tree.bounds[child, 3:] <= tree.bounds[node, 3:]).all()
            waiting.append(int(child))
    assert reached == 700


def test_a_thousand_triangles_in_one_place_make_a_tree_all_the_same(walls):
    assert far(Renderer(join([walls(5.0, 3)] * 500), NO_LAMPS)) == [5.0]


def test_the_nearest_is_met_and_nothing_beyond_the_reach(walls):
    renderer = Renderer(join([walls(7.0, 3), walls(5.0, 4)]), NO_LAMPS)
    assert far(renderer) == [5.0]
    assert far(renderer, -AHEAD) == [np.inf]
    assert far(renderer, reach=4.9) == [np.inf]
    hits = renderer.tracer.trace(HERE, AHEAD, np.full(1, 50.0), [], 0)
    assert (hits.tag[0], hits.actor[0], hits.part[0], hits.cosine[0]) == (4, 0, 1, 1.0)


def test_an_empty_town_gives_nothing_back():
    assert far(Renderer(empty(), NO_LAMPS)) == [np.inf]


def test_what_is_gone_is_passed_also_if_it_was_gone_before_the_first_ray(walls):
    renderer = Renderer(join([walls(7.0, 3), walls(5.0, 4)]), NO_LAMPS)
    camera = Camera(Transform(Location(*HERE)), 8, 8, 60.0)
    assert (renderer.frame(camera, [], [], hidden=frozenset({1})).tags == 3).all()
    assert far(renderer) == [5.0]  # hidden from that picture only
    assert far(renderer, gone=frozenset({1})) == [7.0]
    assert far(renderer) == [5.0]
    assert (renderer.frame(camera, [], [], hidden=frozenset({1})).tags == 3).all()


def test_rays_pass_the_gaps_between_leaves_and_are_stopped_by_leaves(walls):
    renderer = Renderer(join([walls(9.0, 3), walls(5.0, 9, Material.FOLIAGE)]), NO_LAMPS)
    dice = np.random.default_rng(1)
    rays = np.stack([np.ones(2000), *dice.uniform(-0.8, 0.8, (2, 2000))], axis=1)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    tags = renderer.tracer.trace(HERE, rays, np.full(2000, 100.0), [], 0).tag
    assert 0.2 < (tags == 9).mean() < 0.95
    assert set(np.unique(tags)) == {3, 9}


def test_rays_in_bands_are_the_same(walls):
    scene = join([walls(9.0, 3), walls(5.0, 9, Material.FOLIAGE)])
    dice = np.random.default_rng(1)
    rays = dice.normal(size=(1000, 3))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    actor = [Placed(5, walls(-4.0, 14), Transform(), 0)]
    one, three = (
        Renderer(scene, NO_LAMPS, threads=threads).tracer.trace(HERE, rays, np.full(1000, 50.0), actor, 0)
        for threads in (1, 3)
    )
    assert set(np.unique(one.actor)) == {0, 5}
    for field, other in zip(one, three, strict=True):
        np.testing.assert_array_equal(field, other)

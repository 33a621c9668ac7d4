"""Where people walk in towns: one net of pavements and zebras, nothing twice, and always something near."""

from itertools import pairwise

import numpy as np
import pytest

from carla_plugin.simulator.navigation import Area
from carla_plugin.simulator.navigation.detour import decode, encode
from carla_plugin.simulator.navigation.mesh import build_mesh
from carla_plugin.simulator.town.build import town_of
from carla_plugin.simulator.town.ground import GroundHeight, outer_bounds
from carla_plugin.simulator.town.plan import KERB_HEIGHT, make_plan
from carla_plugin.simulator.town.walkable import walkable_of

FEET = (Area.SIDEWALK, Area.CROSSWALK)
MANY = ("Town03", "Town06", "Town07", "Town10HD", *(f"Grid_{number:02d}" for number in range(24)))
TOWNS = {"test": ("Grid_07",), "soak": MANY}


def pytest_generate_tests(metafunc):
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", TOWNS[metafunc.config.getoption("--scale")], scope="module")


@pytest.fixture(scope="module")
def town(name):
    seed, character, _ = town_of(name)
    plan = make_plan(seed, character)
    return plan, build_mesh(walkable_of(plan))


def test_the_mesh_is_one_that_a_client_can_load(town):
    _, mesh = town
    assert decode(encode(mesh)).neighbours == mesh.neighbours


def test_everybody_can_reach_everywhere_without_stepping_on_the_road(town):
    _, mesh = town
    kinds = np.array([int(area) for area in mesh.areas])
    walked = set(np.flatnonzero(np.isin(kinds, FEET)).tolist())
    first = min(walked)
    reached, pending = {first}, [first]
    while pending:
        for other in mesh.neighbours[pending.pop()]:
            if other in walked and other not in reached:
                reached.add(other)
                pending.append(other)
    assert reached == walked


def test_no_place_belongs_to_two_polygons(town):
    _, mesh = town
    rng = np.random.default_rng(1)
    rings = [np.array([mesh.vertices[corner][:2] for corner in ring]) for ring in mesh.rings]
    low, high = np.array([ring.min(axis=0) for ring in rings]), np.array([ring.max(axis=0) for ring in rings])
    for number in rng.choice(len(rings), 400, replace=False).tolist():
        shares = rng.dirichlet(np.ones(len(rings[number])))
        point = shares @ rings[number]
        near = np.flatnonzero(((low <= point) & (high >= point)).all(axis=1)).tolist()
        assert [other for other in near if deep(rings[other], point)] in ([number], [])


def deep(ring, point):
    """Return whether a point lies in a polygon, more than 5 cm from its edges: bends are drawn by chords."""
    return all(
        (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) < -0.05 * np.hypot(*(b - a))
        for a, b in pairwise([*ring, ring[0]])
    )


def test_polygons_lie_on_the_ground(town):
    plan, mesh = town
    ground = GroundHeight(plan)
    above, corners = [], [plan.place(node) for node in plan.nodes() if len(plan.arms(node)) == 2]
    for ring, area in zip(mesh.rings, mesh.areas, strict=True):
        middle = np.mean([mesh.vertices[corner] for corner in ring], axis=0)
        x, y = plan.bend.unplace(middle[0], middle[1])
        # in the outer corner of a bend heights follow the streets, not the kerb
        if all(np.hypot(x - corner[0], y - corner[1]) > 16.0 for corner in corners):
            above.append((middle[2] - ground(middle[0], middle[1]), area))
    assert len(above) > 0.8 * len(mesh.rings)
    assert max(abs(gap) for gap, area in above if area in (Area.SIDEWALK, Area.GRASS)) < 0.01
    assert min(gap for gap, _ in above) > -0.01
    assert max(gap for gap, _ in above) < KERB_HEIGHT, "ramps come down from the kerb"


def test_nobody_in_town_is_far_from_all_that_is_walkable(town):
    """The client dies of a person more than 12 m in x or y from what people may walk on."""
    plan, mesh = town
    kinds = np.array([int(area) for area in mesh.areas])
    rings = [ring for ring, kind in zip(mesh.rings, kinds, strict=True) if kind != Area.ROAD]
    low = np.array([np.min([mesh.vertices[corner][:2] for corner in ring], axis=0) for ring in rings])
    high = np.array([np.max([mesh.vertices[corner][:2] for corner in ring], axis=0) for ring in rings])
    west, east, north, south = outer_bounds(plan)
    rng = np.random.default_rng(2)
    points = rng.uniform((west, north), (east, south), (2000, 2))
    for x, y in [(0.0, 0.0), *(plan.bend.place(*point) for point in points.tolist())]:
        assert ((low <= (x + 11.5, y + 11.5)) & (high >= (x - 11.5, y - 11.5))).all(axis=1).any(), (x, y)

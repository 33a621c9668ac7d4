"""What is painted lies on the carriageway, what stands leaves the middle of the pavements free."""

import numpy as np
import pytest

from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.town import Town, build_town
from carla_plugin.simulator.town.bend import street_pose
from carla_plugin.simulator.town.fronts import fronts
from carla_plugin.simulator.town.markings import LIFT
from carla_plugin.simulator.town.plan import Plan, make_plan

FREE = 0.4  # metres to either side of a pavement's middle


@pytest.fixture(scope="module", params=[3, 8])
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def plan(seed: int) -> Plan:
    return make_plan(seed)


@pytest.fixture(scope="module")
def town(seed: int) -> Town:
    return build_town(f"Grid_{seed}")


def test_paint_lies_on_the_carriageway(town: Town) -> None:
    painted = town.scene.vertices[np.unique(town.scene.triangles[town.scene.tag == 24])]
    assert len(painted) > 5000
    np.testing.assert_allclose(painted[:, 2], LIFT, atol=1e-6)
    for x, y, _ in painted[::7].tolist():
        assert town.ground_height(x, y) == 0.0


def test_the_middle_of_the_pavements_is_free(town: Town, plan: Plan) -> None:
    scene = town.scene
    places = scene.vertices[(scene.vertices[:, 2] > 0.25) & (scene.vertices[:, 2] < 2.0)][:, :2]
    taken = {tuple(cell) for cell in np.floor(places / FREE).astype(int).tolist()}
    for link in plan.links:
        line = plan.line(link.start, link.side)
        middle = line.half + line.verge + line.walk / 2
        low, high = plan.span(link)
        for along in np.arange(low, high, 1.0).tolist():
            for side in (-middle, middle):
                x, y, _ = street_pose(plan.bend, link.side, line.position, along).beside(side)
                assert (int(np.floor(x / FREE)), int(np.floor(y / FREE))) not in taken, f"blocked at {x:.1f}, {y:.1f}"


def test_walls_and_fences_border_the_streets(town: Town, plan: Plan) -> None:
    scene = town.scene
    for tag, least in ((4, 200), (5, 200), (6, 200), (7, 60), (8, 200)):
        assert len(np.unique(scene.part[scene.tag == tag])) > least
    assert (scene.material[scene.tag == 5] == Material.FENCE).any()


def test_fronts_span_the_land_between_their_corners(plan: Plan) -> None:
    for i in range(-1, plan.blocks + 1):
        for j in range(-1, plan.blocks + 1):
            west, east, north, south = plan.cell_bounds((i, j))
            sides = fronts(plan, (i, j))
            assert [side in sides for side in range(4)] == plan.cell_sides((i, j))
            for front in sides.values():
                for right in (front.left, front.right):
                    x, y = front.frame.at(0.0, right)
                    assert min(abs(x - west), abs(x - east)) == pytest.approx(0.0, abs=1e-9)
                    assert min(abs(y - north), abs(y - south)) == pytest.approx(0.0, abs=1e-9)
                x, y = front.frame.at(-5.0, 0.0)
                assert west < x < east
                assert north < y < south

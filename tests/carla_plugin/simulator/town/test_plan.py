"""The street plan: drawn from the seed alone, connected, and different for every seed."""

import pytest

from carla_plugin.simulator.town.plan import Link, Node, make_plan


@pytest.mark.parametrize("seed", [0, 1, 7, 9999])
def test_equal_seeds_give_equal_plans(seed: int) -> None:
    assert make_plan(seed) == make_plan(seed)


def test_different_seeds_give_different_plans() -> None:
    plans = [make_plan(seed) for seed in range(20)]
    assert len({tuple(line.position for line in plan.columns) for plan in plans}) == 20
    assert len({plan.links for plan in plans}) > 15
    assert len({tuple(sorted(plan.districts.items())) for plan in plans}) == 20


@pytest.mark.parametrize("seed", range(30))
def test_no_crossing_is_a_dead_end_and_all_streets_hang_together(seed: int) -> None:
    plan = make_plan(seed)
    assert len(plan.nodes()) == (plan.blocks + 1) ** 2
    assert all(len(plan.arms(node)) >= 2 for node in plan.nodes())
    seen, ahead = {Node(0, 0)}, [Node(0, 0)]
    while ahead:
        node = ahead.pop()
        for side in plan.arms(node):
            there = node.beside(side)
            if there not in seen:
                seen.add(there)
                ahead.append(there)
    assert len(seen) == len(plan.nodes())


@pytest.mark.parametrize("seed", range(30))
def test_streets_are_long_enough_and_land_lies_between_them(seed: int) -> None:
    plan = make_plan(seed)
    for link in plan.links:
        low, high = plan.span(link)
        assert high - low > 30.0
    for i in range(-1, plan.blocks + 1):
        for j in range(-1, plan.blocks + 1):
            west, east, north, south = plan.cell_bounds((i, j))
            assert east - west > 20.0
            assert south - north > 20.0


def test_arms_name_the_link_from_either_end() -> None:
    plan = make_plan(3)
    link = Link(Node(0, 0), 0)
    assert plan.arm(Node(0, 0), 0) == link
    assert plan.arm(Node(1, 0), 2) == link
    assert plan.arm(Node(0, 0), 2) is None

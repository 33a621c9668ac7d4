"""The OpenDRIVE ids of a plan: which number each street, crossing and traffic light has."""

from __future__ import annotations

from dataclasses import dataclass

from carla_plugin.simulator.town.plan import Link, Node, Plan


@dataclass(frozen=True)
class Approach:
    """One street's end at a crossing.

    Attributes:
        node: the crossing.
        side: the arm, seen from the crossing.
        road: OpenDRIVE id of the street.
        inward: sign of the lane ids that lead to the crossing.
    """

    node: Node
    side: int
    road: int
    inward: int


def road_id(plan: Plan, link: Link) -> int:
    """Return the OpenDRIVE id of a street."""
    return plan.links.index(link) + 1


def junction_id(plan: Plan, node: Node) -> int:
    """Return the OpenDRIVE id of a crossing."""
    return 1000 + node.column * len(plan.rows) + node.row


def signal_id(plan: Plan, node: Node, side: int) -> int:
    """Return the OpenDRIVE id of the traffic light for those who arrive on arm `side`."""
    return 10 * junction_id(plan, node) + side


def approaches(plan: Plan, node: Node) -> list[Approach]:
    """Return the arms of a crossing."""
    found = []
    for side in range(4):
        link = plan.arm(node, side)
        if link is not None:
            found.append(Approach(node, side, road_id(plan, link), 1 if link.start == node else -1))
    return found

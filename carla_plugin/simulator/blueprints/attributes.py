"""Attributes of blueprints: fixed ones, free ones with what CARLA recommends, and the two that every blueprint has."""

from __future__ import annotations

from protocols.carla_rpc.types import ActorAttribute, AttributeType

BOOL, INT, FLOAT, STRING, COLOUR = (
    AttributeType.BOOL, AttributeType.INT, AttributeType.FLOAT, AttributeType.STRING, AttributeType.COLOUR,
)  # fmt: skip

Row = tuple[str, tuple[ActorAttribute, ...]]
"""A blueprint's id and its attributes."""


def fixed(name: str, kind: int, value: str) -> ActorAttribute:
    """Return an attribute that says what the thing is."""
    return ActorAttribute(name, kind, value, (value,), False, False)


def free(name: str, kind: int, *recommended: str, strict: bool = False) -> ActorAttribute:
    """Return an attribute that clients may set; its value is the first of those recommended.

    Args:
        name: of the attribute.
        kind: of its value, an `AttributeType`.
        recommended: at least one value: programs take the first, or draw among them.
        strict: whether it should be one of the recommended values; nobody holds clients to it.
    """
    return ActorAttribute(name, kind, recommended[0], recommended, True, strict)


def common(blueprint: str, *roles: str) -> tuple[ActorAttribute, ...]:
    """Return what every blueprint of CARLA 0.9.16 has: the role, and its name in ROS."""
    return free("role_name", STRING, *roles), free("ros_name", STRING, blueprint)

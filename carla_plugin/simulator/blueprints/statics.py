"""Blueprints of what stands still: props, meshes by their path, and triggers."""

from __future__ import annotations

from carla_plugin.simulator.assets.props import PROP_IDS, prop_size
from carla_plugin.simulator.blueprints.attributes import FLOAT, STRING, Row, common, fixed, free

_SIZES = (("tiny", 0.3), ("small", 0.8), ("medium", 2.2), ("big", 4.5))
"""Words of CARLA for a prop's size, and the longest side in metres up to which we use each."""


def static_rows() -> list[Row]:
    """Return all props and triggers."""
    mesh, friction = "static.prop.mesh", "static.trigger.friction"
    return [
        *((name, (*common(name, "prop"), fixed("size", STRING, _size(name)))) for name in PROP_IDS),
        (
            mesh,
            (*common(mesh, "default"), free("mesh_path", STRING, ""), free("scale", FLOAT, "1.0"),
             free("mass", FLOAT, "0.0")),
        ),
        (
            friction,
            (*common(friction, "default"), free("friction", FLOAT, "3.5"),
             *(free(f"extent_{axis}", FLOAT, "1.0") for axis in "xyz")),
        ),
    ]  # fmt: skip


def _size(name: str) -> str:
    longest = max(prop_size(name))
    return next((word for word, limit in _SIZES if longest <= limit), "huge")

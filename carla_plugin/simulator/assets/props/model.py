"""Build a prop from its blueprint id, exactly as large as CARLA's."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from carla_plugin.simulator.assets.props import containers, furniture, roadworks
from carla_plugin.simulator.assets.props.catalogue import MODELS
from carla_plugin.simulator.assets.shapes import Colour, Finish, as_one, box, turned
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

PROP_IDS: tuple[str, ...] = tuple(MODELS)

Shape = Callable[[Colour, int], list[Mesh]]

SHAPES: dict[str, Shape] = {
    **{shape.__name__: shape for shape in (
        containers.barrel, containers.can, containers.carton, containers.case, containers.bag, containers.pot,
        containers.trough, containers.trash_can, containers.wheelie, containers.bank, containers.skip,
        furniture.bench, furniture.slab_bench, furniture.chair, furniture.picnic, furniture.parasol,
        furniture.sign_table, furniture.swing, furniture.slide, furniture.trampoline, furniture.pergola,
        furniture.clothesline, furniture.helmet, furniture.gnome,
        roadworks.delineator, roadworks.barrier, roadworks.chain, roadworks.post, roadworks.board, roadworks.tripod,
        roadworks.trailer, roadworks.machine, roadworks.barbeque, roadworks.fountain, roadworks.post_basin,
        roadworks.lantern, roadworks.hut, roadworks.stall, roadworks.cart, roadworks.calibrator, roadworks.bale,
        roadworks.plate, roadworks.shard, roadworks.heap, roadworks.advertisement, roadworks.bus_stop,
        roadworks.bus_stop_across, roadworks.kiosk, roadworks.mailbox, roadworks.round_tree, roadworks.palm_tree,
        roadworks.slim_tree,
    )},
    "cone": roadworks.traffic_cone,
}  # fmt: skip


@lru_cache(maxsize=256)
def prop(blueprint_id: str) -> Mesh:
    """Make a prop, standing on the ground, its box's centre over the origin.

    Args:
        blueprint_id: one of `PROP_IDS`.

    Raises:
        KeyError: no such blueprint.
    """
    model = MODELS[blueprint_id]
    whole = as_one(SHAPES[model.shape](model.colour, model.tag), 0)
    low, high = whole.vertices.min(axis=0).astype(np.float64), whole.vertices.max(axis=0).astype(np.float64)
    scale = np.array(prop_size(blueprint_id)) / (high - low)
    middle = (low + high) / 2
    middle[2] = low[2]
    return turned(whole, np.diag(scale), -middle * scale)


def prop_of(blueprint_id: str, extent: tuple[float, float, float]) -> Mesh:
    """Return what is drawn of a prop; a plain block of half sizes `extent` (metres) for a mesh that we do not have."""
    return prop(blueprint_id) if blueprint_id in MODELS else _block(*extent)


@lru_cache(maxsize=64)
def _block(x: float, y: float, z: float) -> Mesh:
    return box((0.0, 0.0, z), (2 * x, 2 * y, 2 * z), Finish(Material.PLAIN, 20, (150, 150, 146)))


def prop_size(blueprint_id: str) -> tuple[float, float, float]:
    """Return the full size (x, y, z) in metres of a prop's box; its centre is at half its height."""
    model = MODELS[blueprint_id]
    return model.length, model.width, model.height


def prop_tag(blueprint_id: str) -> int:
    """Return the CARLA tag of a prop."""
    return MODELS[blueprint_id].tag

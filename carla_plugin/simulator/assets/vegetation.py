"""Trees, hedges and bushes."""

from __future__ import annotations

from functools import lru_cache

from carla_plugin.simulator.assets.shapes import Finish, as_one, ball, box, tube
from carla_plugin.simulator.materials import Material
from carla_plugin.simulator.mesh import Mesh

VEGETATION = 9
TREE_KINDS = ("round", "plane", "poplar", "conifer", "birch", "palm")


@lru_cache(maxsize=256)
def tree(kind: str, height_m: float, seed: int) -> Mesh:
    """Make a tree of one of `TREE_KINDS`, `height_m` high, rooted at the origin."""
    bark = Finish(Material.BARK, VEGETATION, (90, 74, 58))
    leaves = Finish(Material.FOLIAGE, VEGETATION, (70, 110, 50))
    crown = height_m * 0.3
    return as_one(
        [tube((0, 0, 0), (0, 0, height_m * 0.6), 0.15, bark, end_radius=0.08),
         ball((0, 0, height_m - crown), (crown, crown, crown), leaves)], seed,
    )  # fmt: skip


@lru_cache(maxsize=64)
def hedge(length_m: float, height_m: float, seed: int) -> Mesh:
    """Make a clipped hedge along x, centred on the origin, 0.7 m thick."""
    leaves = Finish(Material.FOLIAGE, VEGETATION, (60, 96, 46))
    return as_one([box((0, 0, height_m / 2), (length_m, 0.7, height_m), leaves)], seed)


@lru_cache(maxsize=64)
def bush(radius_m: float, seed: int) -> Mesh:
    """Make a round bush on the origin."""
    leaves = Finish(Material.FOLIAGE, VEGETATION, (66, 104, 48))
    return as_one([ball((0, 0, radius_m * 0.7), (radius_m, radius_m, radius_m * 0.75), leaves)], seed)

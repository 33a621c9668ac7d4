"""Bicycles and motorcycles with the people who ride them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from carla_plugin.simulator.assets.people_body import body
from carla_plugin.simulator.assets.shapes import Colour, as_one, turned
from carla_plugin.simulator.assets.vehicles.bicycles import bicycle
from carla_plugin.simulator.assets.vehicles.catalogue import Model
from carla_plugin.simulator.assets.vehicles.motorcycles import cruiser, scooter, sportbike
from carla_plugin.simulator.mesh import Mesh

RIDER = 13
FAMILIES = {"bicycle": bicycle, "sportbike": sportbike, "cruiser": cruiser, "scooter": scooter}


def two_wheeler(model: Model, paint: Colour) -> Mesh:
    """Make a two-wheeler of a family in `FAMILIES`, sized as `model` says, and its rider."""
    machine, joints, look = FAMILIES[model.family](model, paint)
    rider = body(joints, look, RIDER)
    seat, reach = float(joints.pelvis[2]), float(rider.vertices[:, 2].max())
    if reach > model.height:  # a rider who is taller than the vehicle's box sits lower
        squeeze = np.diag([1.0, 1.0, (model.height - seat) / (reach - seat)])
        upper = rider.vertices[:, 2] > seat
        lower = turned(rider, squeeze, (0.0, 0.0, seat * (1.0 - squeeze[2, 2])))
        rider = replace(rider, vertices=np.where(upper[:, None], lower.vertices, rider.vertices))
    return as_one([*machine, rider])

"""Navigation: where people may walk, as polygons and as the Detour file that CARLA's client reads."""

from carla_plugin.simulator.navigation.polygons import Area, Polygon

__all__ = ["Area", "Polygon"]

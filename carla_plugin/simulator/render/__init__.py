"""Renderer of the embedded simulator: pictures, masks and depth of a street on a plain CPU."""

from carla_plugin.simulator.render.camera import Camera
from carla_plugin.simulator.render.geometry import Placed
from carla_plugin.simulator.render.renderer import Frame, Renderer

__all__ = ["Camera", "Frame", "Placed", "Renderer"]

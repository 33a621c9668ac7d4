"""Renderer of the embedded simulator: pictures, masks and depth of a street on a plain CPU."""

from carla_plugin.simulator.render import kernel_cache

kernel_cache.choose_folder()  # before the first kernel is declared

from carla_plugin.simulator.render.camera import Camera  # noqa: E402
from carla_plugin.simulator.render.geometry import Placed  # noqa: E402
from carla_plugin.simulator.render.renderer import Frame, Renderer  # noqa: E402

__all__ = ["Camera", "Frame", "Placed", "Renderer"]

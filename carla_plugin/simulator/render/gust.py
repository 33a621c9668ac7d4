"""Gust: leaves that sway, row by row, in the picture's plane; only where somebody asks for this hazard."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.materials import Material


def blow(triangle: NDArray[np.int32], material: NDArray[np.uint8], most_px: float, phase: float) -> None:
    """Shift what each pixel sees to the side where it is leaves, or leaves come to cover it.

    Args:
        triangle: `(H, W)` number of the triangle each pixel sees, -1 for sky; changed.
        material: of the triangles.
        most_px: largest shift at 512 pixels of width.
        phase: of the sway, radians.
    """
    height, width = triangle.shape
    rows = np.arange(height)
    shift = np.rint(most_px * width / 512.0 * np.sin(phase + rows * (24.0 / max(height, 1)))).astype(np.int64)
    columns = np.clip(np.arange(width)[None, :] - shift[:, None], 0, width - 1)
    moved = triangle[rows[:, None], columns]
    leaves = np.append(material == Material.FOLIAGE, False)  # -1, the sky, is the last
    swaying = leaves[moved] | leaves[triangle]
    triangle[swaying] = moved[swaying]

"""Switches: what clients set for a whole episode and ask for again."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Switches:
    """Keep an episode's switches.

    Attributes:
        gravity: m/s^2 that inertial sensors feel.
        traverse_translucency: whether masks look through glass.
        ros: streams that are enabled for ROS.
        wheel_pitch_deg: of wheels that clients have turned, by vehicle and wheel.
    """

    gravity: float = 9.81
    traverse_translucency: bool = True
    ros: set[int] = field(default_factory=set)
    wheel_pitch_deg: dict[tuple[int, int], float] = field(default_factory=dict)

"""Defences: what capture does so that one moment stands still; the product has all of them on, tests switch one off."""

from __future__ import annotations

import msgspec


class Defences(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say what is done against what real servers do (CARLA issues in brackets); the checks are made in any case.

    Attributes:
        calm_air: wind 0 in every appearance, so that leaves hang still (8669).
        physics_off: actors have no physics while they are photographed (8884).
        full_pose: people show a pose that was set, in full, and none of their idle movement (3774).
        frozen_signals: traffic lights are set, then frozen (3041).
        steady_lights: vehicles show no brake lamps and no indicators, which blink.
        fixed_exposure: RGB cameras do not adapt to the light, unless a scenario says how they should.
        patient: ticks until pictures are settled, and looks a second time after changes of rain (2345, 1606).
        matched_frames: takes the images of the tick that was made, not those that come next.
        sky_apart: does not wait for clouds, which never stand still (1558).
        tries_again: makes a bundle that failed once more.
    """

    calm_air: bool = True
    physics_off: bool = True
    full_pose: bool = True
    frozen_signals: bool = True
    steady_lights: bool = True
    fixed_exposure: bool = True
    patient: bool = True
    matched_frames: bool = True
    sky_apart: bool = True
    tries_again: bool = True


ALL = Defences()
"""All of them, as the product has them."""

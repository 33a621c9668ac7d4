"""Families of cars: each a shell, most of them a variation of the sedan or the hatchback."""

from __future__ import annotations

from dataclasses import replace

from carla_plugin.simulator.assets.vehicles.cars import SHELLS, SILVER, WHITE
from carla_plugin.simulator.assets.vehicles.shell import BLACK, Shell

_SEDAN, _HATCH = SHELLS["sedan"], SHELLS["hatchback"]

_COUPE = replace(
    _SEDAN,
    top=((0, 0.50), (0.05, 0.56), (0.31, 0.66), (0.47, 0.97), (0.55, 1.0), (0.64, 0.98), (0.90, 0.72), (0.97, 0.71),
         (1, 0.66)),
    belt=((0, 0.48), (0.05, 0.53), (0.31, 0.62), (0.8, 0.67), (0.97, 0.67), (1, 0.62)),
    cowl=0.31, roof=(0.47, 0.66), deck=0.90, windows=((0.36, 0.60),), seams=(0.34, 0.62), wheel=0.34,
)  # fmt: skip
_FASTBACK = replace(
    _SEDAN,
    top=((0, 0.46), (0.05, 0.52), (0.24, 0.62), (0.42, 0.97), (0.53, 1.0), (0.66, 0.97), (0.92, 0.70), (0.98, 0.69),
         (1, 0.64)),
    cowl=0.24, roof=(0.42, 0.68), deck=0.92, windows=((0.29, 0.52), (0.54, 0.72)), seams=(0.28, 0.53, 0.70),
    grille=None,
)  # fmt: skip
_SUV = replace(
    _HATCH,
    top=((0, 0.52), (0.05, 0.60), (0.25, 0.66), (0.37, 0.97), (0.50, 1.0), (0.86, 0.985), (0.93, 0.93), (0.985, 0.62),
         (1, 0.58)),
    belt=((0, 0.48), (0.05, 0.56), (0.25, 0.63), (0.9, 0.66), (0.985, 0.62), (1, 0.56)),
    cowl=0.25, roof=(0.37, 0.93), deck=0.985, windows=((0.29, 0.52), (0.54, 0.74), (0.76, 0.90)),
    seams=(0.28, 0.53, 0.73), wheel=0.38, cladding=True, roof_width=0.82,
)  # fmt: skip
_MPV = replace(
    _HATCH,
    top=((0, 0.48), (0.05, 0.54), (0.20, 0.62), (0.40, 0.96), (0.55, 1.0), (0.84, 0.98), (0.92, 0.93), (0.98, 0.60),
         (1, 0.56)),
    cowl=0.20, roof=(0.40, 0.92), deck=0.98, windows=((0.25, 0.52), (0.54, 0.74), (0.76, 0.90)),
    seams=(0.26, 0.53, 0.74), wheel=0.33,
)  # fmt: skip
_VAN = replace(
    _HATCH,
    top=((0, 0.34), (0.03, 0.40), (0.13, 0.50), (0.24, 0.95), (0.32, 1.0), (0.96, 0.99), (0.985, 0.96), (0.997, 0.5),
         (1, 0.4)),
    belt=((0, 0.32), (0.03, 0.37), (0.13, 0.47), (0.9, 0.50), (0.997, 0.49), (1, 0.38)),
    cowl=0.13, roof=(0.24, 0.975), deck=0.997, windows=((0.17, 0.30),), seams=(0.16, 0.31, 0.55), wheel=0.36,
    roof_width=0.90, rear_round=0.45, cladding=True,
)  # fmt: skip
_CAMPER = replace(
    _VAN,
    top=((0, 0.42), (0.02, 0.52), (0.05, 0.60), (0.16, 0.96), (0.24, 1.0), (0.94, 0.99), (0.97, 0.95), (0.995, 0.55),
         (1, 0.45)),
    belt=((0, 0.40), (0.02, 0.48), (0.05, 0.55), (0.9, 0.57), (0.995, 0.54), (1, 0.42)),
    cowl=0.05, roof=(0.16, 0.96), deck=0.995, windows=((0.12, 0.29), (0.32, 0.55), (0.58, 0.88)),
    seams=(0.10, 0.30, 0.56), upper=WHITE, cladding=False, grille=None,
)  # fmt: skip
_JEEP = replace(
    _SUV,
    top=((0, 0.50), (0.03, 0.60), (0.30, 0.64), (0.34, 0.95), (0.42, 1.0), (0.95, 0.99), (0.975, 0.96), (0.99, 0.6),
         (1, 0.55)),
    cowl=0.31, roof=(0.35, 0.965), deck=0.99, windows=((0.37, 0.60), (0.63, 0.92)), seams=(0.35, 0.61), wheel=0.42,
    roof_width=0.88, front_round=0.5, rear_round=0.4,
)  # fmt: skip
_MICRO = replace(
    _HATCH,
    top=((0, 0.42), (0.03, 0.50), (0.08, 0.58), (0.30, 0.94), (0.50, 1.0), (0.78, 0.95), (0.92, 0.80), (0.98, 0.58),
         (1, 0.5)),
    cowl=0.08, roof=(0.30, 0.80), deck=0.97, windows=((0.22, 0.66),), seams=(0.20, 0.68), wheel=0.27, grille=None,
)  # fmt: skip
_WEDGE = replace(
    _SUV,
    top=((0, 0.52), (0.02, 0.56), (0.42, 0.99), (0.46, 1.0), (0.98, 0.66), (0.99, 0.64), (1, 0.6)),
    belt=((0, 0.50), (0.02, 0.54), (0.42, 0.62), (0.98, 0.62), (0.99, 0.6), (1, 0.56)),
    cowl=0.12, roof=(0.42, 0.50), deck=0.62, windows=((0.26, 0.46), (0.48, 0.66)), seams=(0.26, 0.47, 0.66),
    wheel=0.42, front_round=0.4, rear_round=0.4, crease_deg=8.0,
)  # fmt: skip

FAMILIES: dict[str, Shell] = {
    "sedan": _SEDAN,
    "hatchback": _HATCH,
    "coupe": _COUPE,
    "muscle": replace(_COUPE, windows=((0.36, 0.55), (0.57, 0.66)), seams=(0.34, 0.56, 0.67)),
    "police": replace(_SEDAN, pillars=BLACK),
    "taxi": _SEDAN,
    "fastback": _FASTBACK,
    "liftback": replace(_FASTBACK, grille=SILVER),
    "mini": replace(_HATCH, upper=WHITE, roof_width=0.82),
    "suv": _SUV,
    "mpv": _MPV,
    "van": _VAN,
    "campervan": _CAMPER,
    "jeep": _JEEP,
    "microcar": _MICRO,
    "cybertruck": _WEDGE,
}

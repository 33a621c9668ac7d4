"""Hash noise: 32-bit integer hashes and the smooth noises made of them, the same on every machine.

Signatures are written out: numba would otherwise compile a copy of each function for every constant it is given.
"""

from __future__ import annotations

import math

import numba

_MASK = 0xFFFFFFFF
_STEP_X = 0x9E3779B1
_STEP_Y = 0x85EBCA77


@numba.njit("int64(int64, int64, int64)", cache=True, nogil=True)
def hash3(x: int, y: int, z: int) -> int:
    """Return a 32-bit hash of three integers, held in an int64."""
    h = (x * 0x8DA6B343) ^ (y * 0xD8163841) ^ (z * 0xCB1AB31F)
    h &= _MASK
    h ^= h >> 15
    h = (h * 0x2C1B3C6D) & _MASK
    h ^= h >> 12
    h = (h * 0x297A2D39) & _MASK
    return h ^ (h >> 15)


@numba.njit("float64(int64, int64, int64)", cache=True, nogil=True)
def unit3(x: int, y: int, z: int) -> float:
    """Return a hash of three integers as a number in [0, 1)."""
    return hash3(x, y, z) * 2.3283064365386963e-10


@numba.njit("float64(int64)", cache=True, nogil=True)
def _corner(h: int) -> float:
    """Return a mixed lattice number as a number in [0, 1)."""
    h &= _MASK
    h = ((h ^ (h >> 15)) * 0x2C1B3C6D) & _MASK
    h = ((h ^ (h >> 13)) * 0x297A2D39) & _MASK
    return (h >> 8) * 5.9604644775390625e-08


@numba.njit("float64(float64, float64, int64)", cache=True, nogil=True)
def value2(x: float, y: float, seed: int) -> float:
    """Return smooth value noise in [0, 1] over the plane, one lattice point per unit."""
    fx = math.floor(x)
    fy = math.floor(y)
    tx = x - fx
    ty = y - fy
    tx = tx * tx * (3.0 - 2.0 * tx)
    ty = ty * ty * (3.0 - 2.0 * ty)
    h = fx * _STEP_X + fy * _STEP_Y + seed * 0x165667B1  # shared by the four corners: that is what makes it quick
    a = _corner(h)
    b = _corner(h + _STEP_X)
    c = _corner(h + _STEP_Y)
    d = _corner(h + _STEP_X + _STEP_Y)
    low = a + (b - a) * tx
    high = c + (d - c) * tx
    return low + (high - low) * ty


@numba.njit("float64(float64, float64, float64, int64)", cache=True, nogil=True)
def value3(x: float, y: float, z: float, seed: int) -> float:
    """Return smooth value noise in [0, 1] over space, one lattice point per unit."""
    fz = math.floor(z)
    iz = int(fz)
    tz = z - fz
    tz = tz * tz * (3.0 - 2.0 * tz)
    low = value2(x, y, seed + iz * 7919)
    return low + (value2(x, y, seed + (iz + 1) * 7919) - low) * tz


@numba.njit("float64(float64, float64, int64, int64)", cache=True, nogil=True)
def fractal2(x: float, y: float, seed: int, octaves: int) -> float:
    """Return `octaves` layers of value noise in [0, 1], each twice as fine and half as strong."""
    total = 0.0
    weight = 0.5
    reach = 0.0
    for octave in range(octaves):
        total += weight * value2(x, y, seed + octave * 131)
        reach += weight
        weight *= 0.5
        x = x * 2.03 + 17.3
        y = y * 2.03 - 9.1
    return total / reach


@numba.njit("float64(float64, float64, float64)", cache=True, nogil=True)
def smooth(low: float, high: float, x: float) -> float:
    """Return the smooth step of x between low and high, in [0, 1]."""
    t = (x - low) / (high - low)
    t = min(max(t, 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)

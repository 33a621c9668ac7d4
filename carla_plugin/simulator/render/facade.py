"""Facades: plaster, brick and panel walls with a grid of windows, lit by night; shopfronts."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from carla_plugin.simulator.render.gbuffer import ALBEDO, EMISSION, GLOSS, LEVEL, POROUS, SPECULAR
from carla_plugin.simulator.render.ground import fade, scale_albedo, set_albedo
from carla_plugin.simulator.render.noise import fractal2, hash3, smooth, unit3, value2

STOREY_M = 3.2


@numba.njit(cache=True, nogil=True)
def bricks(px: NDArray[np.float32], u: float, v: float, seed: int, footprint: float) -> None:
    """Draw bricks of 0.24 by 0.08 m; u metres along, v metres up."""
    row = math.floor(v / 0.085)
    shifted = u + 0.125 * (row & 1)
    column = math.floor(shifted / 0.25)
    detail = fade(footprint, 0.11)
    tone = 1.0 + detail * 0.55 * (unit3(column, row, seed + 61) - 0.5)
    du, dv = shifted - column * 0.25, v - row * 0.085
    mortar = detail * max(smooth(0.016, 0.008, min(du, 0.25 - du)), smooth(0.014, 0.007, min(dv, 0.085 - dv)))
    tone *= 0.82 + 0.32 * fractal2(u * 0.5, v * 0.5, seed + 62, 3)
    scale_albedo(px, tone * 0.95)
    for channel in range(3):
        px[ALBEDO + channel] += mortar * (0.30 * tone - px[ALBEDO + channel]) * 0.8
    px[POROUS] = 0.4
    px[GLOSS] = 0.05


@numba.njit(cache=True, nogil=True)
def _plaster(px: NDArray[np.float32], u: float, v: float, seed: int, footprint: float) -> None:
    """Draw plaster with rain marks under the sills."""
    tone = 0.84 + 0.26 * fractal2(u * 0.35, v * 0.35, seed + 64, 3)
    streak = value2(u * 2.3, v * 0.13, seed + 65)
    tone *= 1.0 - 0.16 * smooth(0.55, 0.9, streak)
    if footprint < 0.1:
        tone *= 1.0 + 0.14 * (value2(u * 16.0, v * 16.0, seed + 66) - 0.5)
    scale_albedo(px, tone)
    px[POROUS] = 0.35
    px[GLOSS] = 0.05


@numba.njit(cache=True, nogil=True)
def _pane(px: NDArray[np.float32], window: int, x: float, y: float, seed: int, lit_share: float) -> None:
    """Draw the glass of a window: x, y in 0..1 over the pane; it may be lit by night."""
    shade = 0.018 + 0.03 * unit3(window, 1, seed)
    set_albedo(px, shade * 0.85, shade, shade * 1.15)
    px[SPECULAR], px[GLOSS], px[POROUS] = 0.12, 0.9, 0.0
    curtain = unit3(window, 2, seed)
    if curtain < 0.45:  # curtains or a blind behind the glass
        drawn = 0.15 + 0.35 * unit3(window, 3, seed)
        covered = (x < drawn or x > 1.0 - drawn) if curtain < 0.28 else y > 1.0 - 1.6 * drawn
        if covered:
            fold = 0.8 + 0.3 * math.sin(x * 60.0)
            set_albedo(px, 0.20 * fold, 0.19 * fold, 0.17 * fold)
    chance = unit3(window, 4, seed)
    if chance < lit_share:
        warm = unit3(window, 5, seed)
        power = 0.06 + 0.20 * unit3(window, 6, seed)
        glow = power * (0.55 + 0.75 * y * y)
        if y < 0.42 and unit3(math.floor(x * 5.0), window, 8) > 0.45 + y:
            glow *= 0.35  # furniture and people against the light
        if px[ALBEDO] > 0.1:
            glow *= 0.75
        px[EMISSION] = glow * (1.0 if warm < 0.8 else 0.75)
        px[EMISSION + 1] = glow * (0.66 + 0.1 * warm if warm < 0.8 else 0.86)
        px[EMISSION + 2] = glow * (0.30 + 0.25 * warm if warm < 0.8 else 1.0)
        px[LEVEL] = 0.15 + 0.8 * chance / lit_share


@numba.njit(cache=True, nogil=True)
def facade(px: NDArray[np.float32], u: float, v: float, w: float, seed: int, footprint: float) -> None:
    """Draw a wall w metres long: u metres along it, v metres above ground."""
    style = hash3(seed, 7, 7)
    pitch = 2.3 + 1.5 * unit3(seed, 8, 0)  # metres from window to window
    count = max(1, int((w - 0.5) / pitch))
    pitch = max(w, 0.5) / count
    storey = STOREY_M
    column, floor = math.floor(u / pitch), math.floor(v / storey)
    column = min(max(column, 0), count - 1)
    lu, lv = u - column * pitch, v - floor * storey
    broad = 0.42 + 0.30 * unit3(seed, 9, 0)  # share of the pitch that is window
    kind = style % 5
    if kind == 4:
        broad = 0.80
    half = 0.5 * broad * pitch
    half = min(half, 1.35)
    sill = 0.85 if kind != 2 else 0.35
    head = 2.45 + 0.3 * unit3(seed, 10, 0)
    dx = abs(lu - 0.5 * pitch)
    inside = dx < half and lv > sill and lv < head and w > 1.6 and v > 0.3
    window = hash3(column, floor, seed)
    if inside:
        frame = max(0.05, 0.0)
        bar = half if kind == 3 else half * 0.5
        across = dx > half - frame or lv < sill + frame or lv > head - frame
        across = across or abs(dx - (0.0 if kind != 3 else bar)) < 0.03 or (kind == 1 and abs(lv - 0.68 * head) < 0.03)
        sharp = fade(footprint, 0.12)
        if across and sharp > 0.3:
            bright = 0.55 if (style >> 8) & 3 else 0.10
            set_albedo(px, bright, bright, bright * 0.97)
            px[GLOSS] = 0.3
            return
        _pane(px, window, (lu - 0.5 * pitch) / (2.0 * half) + 0.5, (lv - sill) / (head - sill), seed, 0.42)
        return
    if kind == 1 or kind == 3:
        bricks(px, u, v, seed & 0xFFFF, footprint)
    else:
        _plaster(px, u, v, seed & 0xFFFF, footprint)
    if w > 1.6 and dx < half + 0.14 and lv > sill - 0.13 and lv < head + 0.13:  # sill, lintel, reveal
        bright = 1.32 if lv < sill else 1.16
        if lv > sill and kind == 4:
            bright = 0.8
        scale_albedo(px, bright)
        for channel in range(3):
            px[ALBEDO + channel] = min(0.8, px[ALBEDO + channel])
    elif lv < 0.16 and floor > 0 and (style >> 4) & 1:  # a string course at each storey
        scale_albedo(px, 1.22)
    elif lv < sill - 0.13 and lv > sill - 0.26 and dx < half + 0.14:
        scale_albedo(px, 0.82)  # shade under the sill
    if v < 0.7:
        scale_albedo(px, 0.72 + 0.2 * v)


@numba.njit(cache=True, nogil=True)
def shopfront(px: NDArray[np.float32], u: float, v: float, w: float, seed: int, footprint: float) -> None:
    """Draw a ground floor of shops: panes, piers, a fascia with lettering."""
    count = max(1, int(w / 4.6))
    pitch = max(w, 0.5) / count
    bay = min(max(math.floor(u / pitch), 0), count - 1)
    lu = u - bay * pitch
    shop = hash3(bay, 1, seed)
    pier = 0.28
    if lu < pier or lu > pitch - pier or w < 1.2:
        _plaster(px, u, v, seed & 0xFFFF, footprint)
        return
    if v > 2.65:
        hue = shop % 6
        if hue == 0:
            set_albedo(px, 0.45, 0.05, 0.04)
        elif hue == 1:
            set_albedo(px, 0.03, 0.12, 0.30)
        elif hue == 2:
            set_albedo(px, 0.03, 0.20, 0.09)
        elif hue == 3:
            set_albedo(px, 0.55, 0.42, 0.10)
        elif hue == 4:
            set_albedo(px, 0.04, 0.04, 0.05)
        else:
            set_albedo(px, 0.50, 0.50, 0.47)
        centre = abs(lu - 0.5 * pitch)
        letter = unit3(math.floor(lu / 0.16), shop, 3)
        if v > 2.82 and v < 3.12 and centre < 0.3 * pitch and letter > 0.25:
            stroke = unit3(math.floor(lu / 0.05), math.floor(v / 0.075), shop)
            if stroke > 0.42:
                bright = 0.75 if hue != 5 else 0.06
                set_albedo(px, bright, bright * 0.96, bright * 0.85)
                px[EMISSION], px[EMISSION + 1], px[EMISSION + 2] = 0.55, 0.48, 0.34
                px[LEVEL] = 0.3 + 0.3 * unit3(shop, 4, 0)
        px[GLOSS] = 0.4
        px[SPECULAR] = 0.04
        return
    if v < 0.45:
        _plaster(px, u, v, seed & 0xFFFF, footprint)
        scale_albedo(px, 0.6)
        return
    inner = (lu - pier) / (pitch - 2.0 * pier)
    door = 0.62 if shop & 1 else 0.12
    frame = abs(inner - door) * pitch < 0.05 or abs(inner - door - 0.25) * pitch < 0.05 or v > 2.55 or v < 0.52
    if frame:
        set_albedo(px, 0.08, 0.08, 0.085)
        px[GLOSS] = 0.4
        return
    _pane(px, shop, inner, (v - 0.45) / 2.2, seed, 0.75)
    goods = unit3(math.floor(lu / 0.3), math.floor(v / 0.25), shop + 9)
    if v < 1.5 and goods > 0.45:  # what is on show
        tone = 0.05 + 0.25 * unit3(math.floor(lu / 0.3), shop, 10)
        set_albedo(px, tone, tone * (0.6 + 0.5 * goods), tone * (1.4 - goods))
        for channel in range(3):
            px[EMISSION + channel] *= 0.35 + 2.0 * px[ALBEDO + channel]

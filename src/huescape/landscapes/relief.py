"""Shapes of the land: height fields over a grid of world positions.

Legend: D depths, W columns; heights and positions in world units, the camera near x = z = 0.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from huescape.landscapes.noise import sample, smoothstep
from huescape.landscapes.terrain import Grid
from huescape.landscapes.tiles import cells, fractal, ridged

Array = NDArray[np.float32]


def _place(grid: Grid, rng: np.random.Generator, period: float) -> tuple[Array, Array]:
    """Texture coordinates (u, v) of the grid with one tile per `period`, at a random offset."""
    offset_x, offset_z = rng.random(2, dtype=np.float32)
    size = np.float32(period)
    return grid.x_DW / size + offset_x, grid.z_D1 / size + offset_z


def hills(grid: Grid, rng: np.random.Generator, height: float, period: float = 60.0) -> Array:
    """Rounded hills, growing with distance so that the camera always stands on open ground."""
    tile = fractal(rng, octaves=4, gain=0.4, grid=4)
    rise = smoothstep(1.0, 25.0, grid.z_D1)
    return cast(Array, sample(tile, *_place(grid, rng, period)) * rise * np.float32(height))


def mountains(
    grid: Grid, rng: np.random.Generator, height: float, start: float, sharp: float = 0.5
) -> Array:
    """A range with ridges and gullies that begins at distance `start`; never negative."""
    tile = ridged(rng, octaves=6, gain=sharp, grid=4)
    broad = fractal(rng, octaves=2, gain=0.5, grid=4)
    crest = sample(tile, *_place(grid, rng, 70.0))
    mass = sample(broad, *_place(grid, rng, 150.0))
    rise = smoothstep(start, start * 2.2, grid.z_D1)
    shape = crest * np.float32(0.8) + np.clip(mass, -0.8, 1.6) * np.float32(0.28) + 0.1
    return cast(Array, np.maximum(shape, 0) * rise * np.float32(height))


def basin(grid: Grid, rng: np.random.Generator, shore: float) -> Array:
    """Below zero up to a winding far shore about `shore` away, then a gentle bank."""
    tile = fractal(rng, octaves=4, gain=0.45, grid=8)
    winding = sample(tile, *_place(grid, rng, 80.0)) * np.float32(shore * 0.25)
    slant = np.float32(rng.uniform(-0.35, 0.35)) * grid.x_DW
    inland = grid.z_D1 - np.float32(shore) + winding + slant
    return cast(Array, np.clip(inland * np.float32(0.10), -4.0, 0.7))


def trough(grid: Grid, rng: np.random.Generator, width: float, height: float) -> Array:
    """Two valley sides: rises away from a winding axis that leads ahead of the camera."""
    bend = np.float32(rng.uniform(4, 12)) * np.sin(grid.z_D1 * np.float32(rng.uniform(0.05, 0.12)))
    lean = np.float32(rng.uniform(-0.12, 0.12)) * grid.z_D1
    away = np.abs(grid.x_DW - bend - lean)
    tile = ridged(rng, octaves=5, gain=0.45, grid=8)
    rough = sample(tile, *_place(grid, rng, 60.0))
    flank = smoothstep(width * 0.4, width * 2.6, away)
    return cast(Array, flank * np.float32(height) * (0.55 + 0.75 * rough))


def dunes(grid: Grid, rng: np.random.Generator, height: float, spacing: float) -> Array:
    """Transverse dunes: a long windward slope up to a sharp, winding crest, a short slip face."""
    tile = fractal(rng, octaves=3, gain=0.4, grid=4)
    u, v = _place(grid, rng, spacing * 7)
    wander = sample(tile, u, v)
    angle = rng.uniform(-1.2, 1.2)
    forward, sideways = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along = (grid.z_D1 * forward + grid.x_DW * sideways) / np.float32(spacing)
    phase = np.mod(along + wander * np.float32(0.42), 1)
    peak = np.float32(0.70 if rng.random() < 0.5 else 0.34)
    windward, lee = phase / peak, (1 - phase) / (1 - peak)
    # A crest rounded over a few depth samples: a sharper one would show them as teeth.
    blend = np.clip(0.5 + (lee - windward) * np.float32(2.2), 0, 1)
    wave = lee + (windward - lee) * blend - np.float32(0.22) * blend * (1 - blend)
    wave = wave * (2 - wave) * np.float32(0.4) + wave * np.float32(0.6)
    size = np.clip(0.75 + 0.5 * sample(tile, u * 0.7 + 0.3, v * 0.7), 0.15, 1.6)
    rise = smoothstep(0.8, 7.0, grid.z_D1)
    return cast(Array, wave * size * rise * np.float32(height))


def crowns(
    grid: Grid, rng: np.random.Generator, spacing: float, height: float, conical: bool
) -> tuple[Array, Array]:
    """(height_DW, value_DW): tree crowns `spacing` apart, and each tree's own value in [0, 1]."""
    tile = cells(rng, count=32)
    period = spacing * 32
    both = sample(tile, *_place(grid, rng, period))
    dome, own = both[0], both[1]
    shape = dome if conical else np.sqrt(dome)
    return cast(Array, shape * (0.6 + 0.4 * own) * np.float32(height)), own

"""The bank of noise tiles: a few of each kind, made once per process from fixed seeds.

A photo draws which of them it uses and where in it to look, which is much cheaper than new noise.
Legend: N = TILE, the side; all tiles are float32, periodic and read-only.
"""

from __future__ import annotations

from functools import cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from huescape.landscapes.noise import TILE, normalized, resize

Array = NDArray[np.float32]
_VARIANTS = 4
_FRACTAL, _RIDGED, _CELLS, _STROKES, _SMOOTH = range(1, 6)


def _frozen(tile: Array) -> Array:
    tile = np.ascontiguousarray(tile, dtype=np.float32)
    tile.flags.writeable = False
    return tile


def _blobs(rng: np.random.Generator, rows: int, cols: int) -> Array:
    """Periodic smooth noise (N, N) in about [-1, 1] with `rows` x `cols` blobs."""
    grid = rng.random((rows, cols), dtype=np.float32) * 2 - 1
    pad = 2
    padded = np.pad(grid, pad, mode="wrap")
    step_y, step_x = TILE // rows, TILE // cols
    big = resize(padded, (cols + 2 * pad) * step_x, (rows + 2 * pad) * step_y)
    return big[pad * step_y : pad * step_y + TILE, pad * step_x : pad * step_x + TILE]


def _octave(tile_NN: Array, rng: np.random.Generator, step: int) -> Array:
    """The same tile `step` times finer, shifted at random so that octaves do not line up."""
    shift = rng.integers(0, TILE, size=2)
    index = np.arange(TILE) * step
    rows, cols = (shift[0] + index) % TILE, (shift[1] + index) % TILE
    return cast(Array, tile_NN[rows[:, None], cols[None, :]])


def smooth(rng: np.random.Generator, rows: int = 8, cols: int = 8) -> Array:
    """Smooth noise (N, N) in about [-1, 1]; rows and cols divide N."""
    return _smooth(int(rng.integers(_VARIANTS)), rows, cols)


@cache
def _smooth(variant: int, rows: int, cols: int) -> Array:
    return _frozen(_blobs(np.random.default_rng([_SMOOTH, variant, rows, cols]), rows, cols))


def fractal(rng: np.random.Generator, octaves: int = 5, gain: float = 0.5, grid: int = 8) -> Array:
    """Fractional Brownian noise (N, N), zero mean, unit standard deviation."""
    return _fractal(int(rng.integers(_VARIANTS)), octaves, gain, grid)


@cache
def _fractal(variant: int, octaves: int, gain: float, grid: int) -> Array:
    rng = np.random.default_rng([_FRACTAL, variant, octaves, grid])
    base = _blobs(rng, grid, grid)
    total = base.copy()
    for octave in range(1, octaves):
        total += np.float32(gain**octave) * _octave(base, rng, 2**octave)
    return _frozen(normalized(total))


def ridged(rng: np.random.Generator, octaves: int = 5, gain: float = 0.5, grid: int = 8) -> Array:
    """Ridged multifractal noise (N, N) in [0, 1], after Musgrave 1993: crests and gullies."""
    return _ridged(int(rng.integers(_VARIANTS)), octaves, gain, grid)


@cache
def _ridged(variant: int, octaves: int, gain: float, grid: int) -> Array:
    rng = np.random.default_rng([_RIDGED, variant, octaves, grid])
    base = _blobs(rng, grid, grid)
    total = np.zeros_like(base)
    weight = np.ones_like(base)
    for octave in range(octaves):
        finer = _octave(base, rng, 2**octave)
        signal = 1 - np.minimum(np.sqrt(finer * finer + np.float32(0.002)) * 1.3, 1)
        total += np.float32(gain**octave) * weight * signal
        weight = np.clip(signal * np.float32(1.3), 0, 1)
    return _frozen((total - total.min()) / (total.max() - total.min()))


def cells(rng: np.random.Generator, count: int = 16) -> Array:
    """Cellular noise (Worley 1996), (2, N, N): a dome and the cell's own value, both in [0, 1].

    The dome is 1 at a cell's center and 0 at its rim: tree crowns, leaves, flowers, stones.
    `count` cells a side; it divides N.
    """
    return _cells(int(rng.integers(_VARIANTS)), count)


@cache
def _cells(variant: int, count: int) -> Array:
    rng = np.random.default_rng([_CELLS, variant, count])
    jitter_y, jitter_x, value = rng.random((3, count, count), dtype=np.float32)
    size = TILE // count
    inside = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    best = np.full((count, size, count, size), 9, dtype=np.float32)
    own = np.zeros_like(best)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            near_y, near_x, near = (
                np.roll(grid, (-dy, -dx), (0, 1))[:, None, :, None]
                for grid in (jitter_y, jitter_x, value)
            )
            off_y = near_y + dy - inside[None, :, None, None]
            off_x = near_x + dx - inside[None, None, None, :]
            distance = off_y * off_y + off_x * off_x
            own = np.where(distance < best, near, own)
            best = np.minimum(distance, best)
    dome = np.clip(1 - best / np.float32(0.7), 0, 1)
    return _frozen(np.stack([dome, own]).reshape(2, TILE, TILE))


def strokes(rng: np.random.Generator, length: int = 16) -> Array:
    """Upright strokes one pixel wide and about `length` tall, (N, N), unit deviation."""
    return _strokes(int(rng.integers(_VARIANTS)), length)


@cache
def _strokes(variant: int, length: int) -> Array:
    rng = np.random.default_rng([_STROKES, variant, length])
    coarse = rng.random((TILE // length, TILE), dtype=np.float32) - np.float32(0.5)
    tall = np.repeat(coarse, length, axis=0)
    rows = (np.arange(TILE)[:, None] + rng.integers(0, TILE, size=TILE)[None, :]) % TILE
    field = tall[rows, np.arange(TILE)[None, :]]
    quarter = max(1, length // 4)
    field = field + np.roll(field, quarter, axis=0) + np.roll(field, 2 * quarter, axis=0)
    return _frozen(normalized(field))

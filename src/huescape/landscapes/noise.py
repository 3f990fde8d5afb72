"""Lookups into periodic tiles, and the small curves every scene is drawn with.

Legend: N tile side; H, W picture; C channels, the first axis; one tile period is 1.0 in u and v.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[np.float32]
Real = NDArray[np.floating[Any]]
Index = NDArray[np.intp]
TILE = 256


def resize(field_HW: Array, width: int, height: int) -> Array:
    """Bicubic resample of one float plane to (height, width)."""
    image = Image.fromarray(np.ascontiguousarray(field_HW, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)


def normalized(field: Array) -> Array:
    """Zero mean and unit standard deviation."""
    centered = field - np.float32(field.mean(dtype=np.float64))
    return cast(Array, centered / np.float32(max(float(centered.std(dtype=np.float64)), 1e-6)))


def _split(coordinate: Real) -> tuple[Index, Array]:
    """Whole tile pixels and the fraction between two of them."""
    scaled = np.asarray(coordinate, dtype=np.float32) * np.float32(TILE)
    floor = np.floor(scaled)
    return floor.astype(np.intp), scaled - floor


def sample(tile: Array, u: Real, v: Real) -> Array:
    """Bilinear lookup with wrap-around; u and v (2-D) in periods, broadcast together.

    `tile` is (N, N) or (C, N, N); the result is u + v in shape, behind the channels if any.
    """
    planes = tile[None] if tile.ndim == 2 else tile
    # A level, unsheared lookup is a lookup of rows and then of columns, which is far cheaper.
    axes = u.shape[0] == 1 and v.shape[1] == 1
    found = [(_sample_axes if axes else _sample_plane)(plane, u, v) for plane in planes]
    return found[0] if tile.ndim == 2 else np.stack(found)


def _sample_axes(tile_NN: Array, u_1W: Real, v_H1: Real) -> Array:
    col, part_x = _split(u_1W[0])
    row, part_y = _split(v_H1)
    top, bottom = tile_NN[row[:, 0] & (TILE - 1)], tile_NN[(row[:, 0] + 1) & (TILE - 1)]
    lines = top + (bottom - top) * part_y
    left = np.take(lines, col & (TILE - 1), axis=1)
    right = np.take(lines, (col + 1) & (TILE - 1), axis=1)
    return cast(Array, left + (right - left) * part_x)


def _sample_plane(tile_NN: Array, u: Real, v: Real) -> Array:
    col, part_x = _split(u)
    row, part_y = _split(v)
    left, right = col & (TILE - 1), (col + 1) & (TILE - 1)
    top, bottom = (row & (TILE - 1)) * TILE, ((row + 1) & (TILE - 1)) * TILE
    flat = tile_NN.ravel()
    upper, lower = flat.take(top + left), flat.take(bottom + left)
    upper += (flat.take(top + right) - upper) * part_x
    lower += (flat.take(bottom + right) - lower) * part_x
    lower -= upper
    lower *= part_y
    return cast(Array, upper + lower)


def line(rng: np.random.Generator, width: int, bumps: int = 3, octaves: int = 6) -> Array:
    """A fractal line (width,), about [-1, 1]: shorelines and distant ridges."""
    total = np.zeros(width, dtype=np.float32)
    for octave in range(octaves):
        knots = bumps * 2**octave + 1
        if knots >= width:
            break
        heights = rng.random((1, knots), dtype=np.float32) * 2 - 1
        total += resize(heights.repeat(2, axis=0), width, 2)[0] * np.float32(0.5**octave)
    return total


def smoothstep(low: float, high: float, x: Real) -> Array:
    """0 below `low`, 1 above `high`, a cubic in between (low may exceed high to fall instead)."""
    t = np.clip(
        (np.asarray(x, dtype=np.float32) - np.float32(low)) * np.float32(1 / (high - low)), 0, 1
    )
    return cast(Array, t * t * (3 - 2 * t))

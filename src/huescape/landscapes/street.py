"""A built scene, for the filter to drop: it is not a landscape.

Legend: H, W picture; 3 = linear RGB, the first axis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from huescape.landscapes.light import Light, rgb
from huescape.landscapes.view import Camera

Array = NDArray[np.float32]

_WALLS = (
    rgb(0.32, 0.16, 0.12),
    rgb(0.45, 0.38, 0.28),
    rgb(0.30, 0.30, 0.31),
    rgb(0.50, 0.42, 0.28),
    rgb(0.22, 0.28, 0.33),
)
_ASPHALT = rgb(0.09, 0.09, 0.095)
_PAVEMENT = rgb(0.30, 0.29, 0.27)


def _facade(rng: np.random.Generator, height: int, width: int, wall_3: Array) -> Array:
    """One front with rows of windows, (3, height, width) albedo."""
    front = np.broadcast_to(wall_3, (3, height, width)).copy()
    across, down = int(rng.integers(10, 18)), int(rng.integers(14, 24))
    glass = rgb(0.05, 0.07, 0.09)
    columns = np.arange(width) % across
    rows = np.arange(height) % down
    open_x = (columns > across * 0.3) & (columns < across * 0.8)
    open_y = (rows > down * 0.3) & (rows < down * 0.85)
    pane = open_y[:, None] & open_x[None, :]
    number = (np.arange(height) // down)[:, None] * 64 + (np.arange(width) // across)[None, :]
    tone = rng.random(64 * 64, dtype=np.float32)[number % 4096]
    front[:, pane] = (glass * (0.5 + 3.0 * tone**3))[:, pane]
    front[:, rows == 0] *= np.float32(0.7)
    return front


def street(light: Light, camera: Camera, rng: np.random.Generator, sky_3HW: Array) -> Array:
    """A row of houses across a road; (3, H, W) linear light."""
    picture = sky_3HW.copy()
    height, width = camera.height, camera.width
    base = int(height * rng.uniform(0.62, 0.8))
    left = 0
    cosine = np.float32(0.35 + 0.5 * rng.random())
    lit = light.ambient_3 + light.sun_3 * cosine
    while left < width:
        right = min(width, left + int(rng.integers(45, 110)))
        top = int(base * rng.uniform(0.08, 0.55))
        wall = _WALLS[int(rng.integers(len(_WALLS)))] * np.float32(rng.uniform(0.7, 1.3))
        picture[:, top:base, left:right] = _facade(rng, base - top, right - left, wall) * lit
        left = right
    grain = rng.random((height - base, width), dtype=np.float32)
    picture[:, base:] = _ASPHALT * lit * (np.float32(0.8) + np.float32(0.4) * grain)
    curb = base + max(4, (height - base) // 4)
    picture[:, base:curb] = (
        _PAVEMENT * lit * (np.float32(0.9) + np.float32(0.2) * grain[: curb - base])
    )
    mark = curb + (height - curb) // 2
    dashes = (np.arange(width) // 24) % 2 == 0
    picture[:, mark : mark + 3, dashes] = rgb(0.6, 0.6, 0.55) * lit
    return picture

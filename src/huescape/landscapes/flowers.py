"""Flowers in the grass. Legend: H, W picture; 3 = linear RGB, the first axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from huescape.landscapes.light import Light, mix, rgb
from huescape.landscapes.noise import sample, smoothstep
from huescape.landscapes.tiles import cells, fractal
from huescape.landscapes.view import Camera

Array = NDArray[np.float32]

_PETALS = (
    rgb(0.70, 0.52, 0.03),
    rgb(0.60, 0.07, 0.05),
    rgb(0.72, 0.70, 0.66),
    rgb(0.30, 0.13, 0.48),
)


def add_flowers(
    light: Light,
    camera: Camera,
    rng: np.random.Generator,
    picture: Array,
    ground_HW: NDArray[np.bool_],
    depth_HW: Array,
) -> Array:
    """Petals of one kind, in patches, on the pixels of `ground_HW`; size falls with depth."""
    petal = _PETALS[int(rng.integers(len(_PETALS)))]
    near = np.float32(1) / np.maximum(depth_HW, np.float32(0.8))
    dots = cells(rng, 64)
    column = np.arange(camera.width, dtype=np.float32)[None, :] / np.float32(camera.width)
    u = column * np.float32(1.1) / (near * 2 + np.float32(0.35)) + np.float32(rng.random())
    dot = sample(dots, u, np.log(near) * np.float32(0.9))
    patches = sample(fractal(rng, 4), u * np.float32(0.5), np.log(near) * np.float32(0.5))
    chosen = smoothstep(0.80, 0.90, dot[1] + np.float32(0.12) * patches)
    amount = chosen * smoothstep(0.35, 0.65, dot[0]) * ground_HW
    lit = petal * (light.ambient_3 + light.sun_3 * np.float32(0.7))
    shaded = lit * (np.float32(0.6) + np.float32(0.5) * dot[0])
    return mix(picture, shaded, amount * np.float32(0.92))

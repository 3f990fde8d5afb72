"""Water: a still surface that mirrors the picture above it, and an open sea with waves.

Legend: H, W picture; 3 = linear RGB, the first axis.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from huescape.landscapes.light import Light, mix, rgb
from huescape.landscapes.noise import sample, smoothstep
from huescape.landscapes.sky import gradient, haze_color
from huescape.landscapes.tiles import fractal, smooth
from huescape.landscapes.view import Camera

Array = NDArray[np.float32]

DEEP = rgb(0.010, 0.050, 0.075)
TURQUOISE = rgb(0.050, 0.260, 0.270)
LAKE = rgb(0.018, 0.050, 0.045)


def _wave_slopes(camera: Camera, rng: np.random.Generator, length: float, fine: float) -> Array:
    """Wave slopes (H, W) toward the camera, summed over octaves that the pixels can resolve.

    `length` is the longest wave in world units; an octave fades out in the rows where its waves
    are foreshortened below two pixels.
    """
    x_HW, z_H1 = camera.plane()
    pixel_H1 = z_H1 * z_H1 / np.float32(camera.focal * camera.eye)
    tile = smooth(rng, 16, 8)
    total = np.zeros((camera.height, camera.width), dtype=np.float32)
    for octave in range(4):
        period = length * 16 / 2.1**octave
        visible = np.clip(np.float32(period / 16) / pixel_H1 - 1, 0, 1.0)
        drift = rng.random(2, dtype=np.float32)
        skew = np.float32(rng.uniform(-0.25, 0.25))
        u = x_HW / np.float32(period * 2) + drift[0]
        v = (z_H1 + skew * x_HW) / np.float32(period) + drift[1]
        total += sample(tile, u, v) * visible * np.float32(fine**octave)
    return total


def _glints(camera: Camera, rng: np.random.Generator) -> Array:
    """Level streaks (H, W), about [-2, 2]: what distant waves look like."""
    tile = fractal(rng, octaves=3, gain=0.7, grid=32)
    near = np.clip(camera.below_H1, np.float32(0.01), 1)
    columns = np.arange(camera.width, dtype=np.float32)[None, :] / 256
    v = camera.rows_H1 / 256 * np.float32(0.8) / (np.float32(0.35) + near)
    stretch = np.float32(0.10) / (np.float32(0.30) + near)
    return sample(tile, columns * stretch + np.float32(rng.random()), v)


def mirror(
    light: Light,
    camera: Camera,
    rng: np.random.Generator,
    scene_3HW: Array,
    water_HW: NDArray[np.bool_],
    calm: float,
) -> Array:
    """The scene with its water painted: each column mirrored about the shore above the pixel.

    `calm` in [0, 1]: 1 is a mirror, 0 is broken into glints.
    """
    height, width = water_HW.shape
    rows = np.arange(height, dtype=np.int32)[:, None]
    shore = np.maximum.accumulate(np.where(water_HW, 0, rows + 1), axis=0)
    glint = _glints(camera, rng)
    below = (rows - shore).astype(np.float32)
    shake = glint * (1 - np.float32(calm)) * (1.5 + below * np.float32(0.10))
    source = np.rint(shore - 1 - below * np.float32(1.06) + shake).astype(np.int32)
    source = np.clip(source, 0, height - 1)
    columns = np.arange(width, dtype=np.int32)[None, :]
    sway = np.rint(glint * (0.4 + 2.0 * (1 - calm))).astype(np.int32)
    index = source * width + np.clip(columns + sway, 0, width - 1)
    reflected = scene_3HW.reshape(3, -1).take(index, axis=1)
    grazing = np.clip(0.92 - camera.below_H1 * np.float32(1.3), 0.30, 0.92)
    body = LAKE * (light.ambient_3 + light.sun_3 * np.float32(0.45)) * np.float32(2.0)
    water = mix(body, reflected, grazing + 0 * glint)
    sparkle = 1 + glint * np.float32(0.04 + 0.10 * (1 - calm))
    return cast(Array, np.where(water_HW, water * sparkle, scene_3HW))


def sea(
    light: Light, camera: Camera, rng: np.random.Generator, body_3: Array, swell: float
) -> Array:
    """Open water over the whole picture (3, H, W); meaningful below the horizon only.

    Each facet of a wave mirrors the sky at its own angle (Fresnel, Schlick 1994) over the
    water's own color; the sun leaves a path of glitter below it; high waves break into foam.
    """
    slope = _wave_slopes(camera, rng, 1.4, 0.7)
    chop = _glints(camera, rng)
    slope = slope * np.float32(0.9) + chop * np.float32(0.22 + 0.25 * swell)
    level = np.maximum(camera.below_H1, 0)
    tilt = slope * np.float32(0.13 + 0.22 * swell)
    facing = np.clip(level + tilt * 0.6 + np.float32(0.05), 0.0, 1.0)
    fresnel = 0.03 + 0.97 * (1 - facing) ** np.float32(6)
    # Waves tilt the mirror up, so even the far sea shows sky from well above the horizon.
    seen = np.clip(np.float32(0.22) + level * 0.8 + tilt * np.float32(0.9), 0.02, 1.5)
    sky = gradient(light, seen, np.broadcast_to(camera.across_1W, slope.shape))
    shine = light.ambient_3 * np.float32(1.2) + light.sun_3 * np.float32(0.8)
    upwelling = (body_3 * shine) * (1 + np.float32(0.35) * slope)
    water = mix(upwelling, sky, np.clip(fresnel * np.float32(0.8), 0, 1))
    water = water + _glitter(light, camera, slope + chop)
    foam = smoothstep(1.35 - 0.55 * swell, 1.75 - 0.4 * swell, slope)
    foam = foam * np.float32(0.9 if swell > 0.35 else 0.0)
    white = light.ambient_3 + light.sun_3 * np.float32(0.55)
    water = mix(water, white, foam)
    far = smoothstep(0.05, 0.0, level) * np.float32(min(0.28 * light.haze, 0.6))
    return mix(water, haze_color(light), far + 0 * slope)


def _glitter(light: Light, camera: Camera, slope: Array) -> Array:
    """The sun's broken reflection: a column of sparks below it (3, H, W)."""
    if abs(light.azimuth) > 1.2 or light.hour == "overcast":
        return np.zeros((3, 1, 1), dtype=np.float32)
    off = camera.across_1W - np.float32(np.tan(light.azimuth))
    spread = np.float32(0.05) + np.maximum(camera.below_H1, 0) * np.float32(0.4)
    path = np.exp(-((off / spread) ** 2))
    sparks = smoothstep(0.1, 1.6, slope)
    return cast(Array, light.sun_3 * (path * (0.12 + 1.1 * sparks)))

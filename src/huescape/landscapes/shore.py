"""A beach: sand, the wet strip, lines of foam, and the sea behind or beside it.

Legend: H, W picture; 3 = linear RGB, the first axis.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from huescape.landscapes.cover import BEACH
from huescape.landscapes.light import Light, mix
from huescape.landscapes.noise import line, sample, smoothstep
from huescape.landscapes.sky import gradient, haze_color
from huescape.landscapes.tiles import cells, fractal, smooth
from huescape.landscapes.view import Camera
from huescape.landscapes.water import TURQUOISE, sea

Array = NDArray[np.float32]


def _offshore(camera: Camera, rng: np.random.Generator) -> Array:
    """Signed distance to the waterline (H, W) in world units, positive over water."""
    x_HW, z_H1 = camera.plane()
    first = camera.eye / max((camera.height - camera.horizon) / camera.focal, 0.05)
    start = first * rng.uniform(1.25, 2.6)
    slant = float(rng.choice([0.0, -1.0, 1.0])) * rng.uniform(0.1, 1.5)
    tile = smooth(rng, 8, 8)
    wobble = sample(tile, x_HW / 40 + rng.random(), z_H1 / 80 + rng.random())
    across = (z_H1 - start - slant * x_HW) / np.float32(np.hypot(1, slant))
    return cast(Array, across + wobble * np.float32(0.45) * np.sqrt(z_H1 / np.float32(start)))


def _sand(light: Light, camera: Camera, rng: np.random.Generator, offshore: Array) -> Array:
    """Dry sand with prints and grain, darker and shining where it is wet."""
    x_HW, z_H1 = camera.plane()
    prints = cells(rng, 32)
    blur = np.clip(1.6 - z_H1 / np.float32(6 * camera.eye), 0, 1)
    dents = sample(prints, x_HW / 9 + rng.random(), z_H1 / 9 + rng.random())[0]
    broad = sample(fractal(rng, 4, 0.5), x_HW / 20 + rng.random(), z_H1 / 20 + rng.random())
    grain = rng.random((camera.height, camera.width), dtype=np.float32) - np.float32(0.5)
    tone = 1 + np.float32(0.05) * broad + np.float32(0.13) * grain
    tone = tone + (dents - 0.5) * blur * np.float32(0.26)
    lit = light.ambient_3 + light.sun_3 * np.float32(max(light.direction[1], 0.25))
    dry = BEACH * lit * tone
    wet_amount = smoothstep(-0.9, -0.25, offshore)
    level = np.maximum(camera.below_H1, 0) + 0 * offshore
    sky = gradient(light, level * 0.7, np.broadcast_to(camera.across_1W, level.shape))
    shine = np.clip(0.34 - level * 0.35, 0.06, 0.34)
    wet = mix(dry * np.float32(0.42), sky, shine)
    return mix(dry, wet, wet_amount)


def _foam(camera: Camera, rng: np.random.Generator, offshore: Array) -> Array:
    """Share of foam (H, W): a lace at the waterline and breakers behind it."""
    x_HW, z_H1 = camera.plane()
    lace = fractal(rng, 5, 0.7, grid=16)
    pattern = sample(lace, x_HW / 10 + rng.random(), offshore / 10 + rng.random())
    edge = np.exp(-(((offshore - 0.10) / np.float32(0.15)) ** 2))
    foam = edge * np.float32(0.9) * smoothstep(-1.6, 0.4, pattern)
    spacing = rng.uniform(0.9, 1.7)
    phase = np.sqrt(np.maximum(offshore, 0)) / np.float32(spacing) + pattern * np.float32(0.035)
    roller = np.abs(np.mod(phase + rng.random(), 1) - np.float32(0.5))
    broken = sample(lace, x_HW / 34 + rng.random(), z_H1 / 90 + rng.random())
    crest = smoothstep(0.10, 0.02, roller) * smoothstep(0.1, 0.9, broken + pattern * 0.5)
    zone = smoothstep(0.15, 0.5, offshore) * smoothstep(14.0, 3.0, offshore)
    return cast(Array, np.clip(foam + crest * zone * np.float32(0.85), 0, 1))


def beach(light: Light, camera: Camera, rng: np.random.Generator) -> Array:
    """Sea and sand for a camera whose picture lies below the horizon; (3, H, W) linear light."""
    offshore = _offshore(camera, rng)
    deep = sea(light, camera, rng, TURQUOISE * np.float32(rng.uniform(0.35, 0.8)), 0.15)
    shallow = smoothstep(3.5, 0.1, offshore)
    sand = _sand(light, camera, rng, offshore)
    through = sand * np.float32(0.55) + deep * np.float32(0.45)
    water = mix(deep, through, shallow * np.float32(0.85))
    white = light.ambient_3 * np.float32(1.1) + light.sun_3 * np.float32(0.6)
    water = mix(water, white, _foam(camera, rng, offshore))
    return mix(sand, water, smoothstep(-0.08, 0.08, offshore))


def headland(
    light: Light, camera: Camera, rng: np.random.Generator, picture: Array, albedo_3: Array
) -> Array:
    """A hazy strip of land on the horizon, falling to the sea toward one side."""
    width = camera.width
    shape = line(rng, width, 3) * np.float32(0.35) + np.float32(0.65)
    slope = np.linspace(1.3, -0.9, width, dtype=np.float32)
    if rng.random() < 0.5:
        slope = slope[::-1]
    tall = np.float32(camera.height * rng.uniform(0.04, 0.13))
    top = np.float32(camera.horizon) - np.maximum(shape * slope, 0) * tall
    bumps = sample(
        fractal(rng, 4, 0.7, grid=32),
        np.arange(width, dtype=np.float32)[None, :] / 256,
        camera.rows_H1 / 200,
    )
    mask = smoothstep(-0.6, 0.6, camera.rows_H1 - top[None, :])
    mask = mask * smoothstep(0.6, -0.6, camera.rows_H1 - np.float32(camera.horizon))
    lit = albedo_3 * (light.ambient_3 + light.sun_3 * np.float32(0.5))
    land = lit * (1 + np.float32(0.28) * bumps)
    land = land + (haze_color(light) - land) * np.float32(min(0.22 + 0.16 * light.haze, 0.75))
    return mix(picture, land, mask)

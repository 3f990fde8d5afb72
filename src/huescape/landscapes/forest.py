"""The inside of a forest: trunks, layers of leaves, a dappled floor.

Legend: H, W picture; 3 = linear RGB, the first axis; layers go from far (0) to near (1).
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from huescape.landscapes.light import Light, mix, rgb
from huescape.landscapes.noise import line, sample, smoothstep
from huescape.landscapes.tiles import cells, fractal, strokes
from huescape.landscapes.view import Camera

Array = NDArray[np.float32]

BARK = rgb(0.085, 0.062, 0.045)
PALE_BARK = rgb(0.34, 0.32, 0.28)
LITTER = rgb(0.180, 0.110, 0.058)
UNDERGROWTH = rgb(0.085, 0.140, 0.030)


def _screen(camera: Camera, scale: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Texture coordinates (u_1W, v_H1): `scale` pixels are one period, at a random offset."""
    offset = rng.random(2, dtype=np.float32)
    u = np.arange(camera.width, dtype=np.float32)[None, :] / np.float32(scale) + offset[0]
    return cast(Array, u), cast(Array, camera.rows_H1 / np.float32(scale) + offset[1])


def _foliage(
    camera: Camera, rng: np.random.Generator, nearness: float, leaf_tile: Array, clump_tile: Array
) -> tuple[Array, Array, Array]:
    """(clump, dome, own) all (H, W): masses of leaves, and each leaf's shading and own value."""
    size = (0.45 + 0.75 * nearness) * camera.width / 320
    u, v = _screen(camera, 420 * size, rng)
    clump = sample(clump_tile, u, v)
    leaf_u, leaf_v = _screen(camera, 300 * size, rng)
    leaves = sample(leaf_tile, leaf_u, leaf_v * 1.15)
    return clump, cast(Array, leaves[0]), cast(Array, leaves[1])


def _add_leaves(
    light: Light,
    camera: Camera,
    rng: np.random.Generator,
    picture: Array,
    leaf_3: Array,
    nearness: float,
    tiles: tuple[Array, Array],
    openness: float,
) -> Array:
    clump, dome, own = _foliage(camera, rng, nearness, *tiles)
    relative = (camera.rows_H1 - np.float32(camera.horizon)) / np.float32(camera.height)
    edge = line(rng, camera.width, 4)[None, :] * np.float32(0.16)
    cut = openness - 1.6 * smoothstep(0.05, -0.75, relative + edge) + (dome - 0.5) * -0.9
    mask = smoothstep(-0.12, 0.12, clump - cut) * smoothstep(0.10, -0.02, relative + edge)
    sunny = smoothstep(-0.3, 1.6, clump + np.float32(0.6) * own)
    shade = np.float32(0.30) + 0.7 * dome
    glow = light.ambient_3 * np.float32(0.75) + light.sun_3 * np.float32(0.85) * sunny
    warm = mix(leaf_3 * rgb(0.75, 0.9, 1.0), leaf_3 * rgb(1.65, 1.35, 0.9), own * sunny)
    return mix(picture, warm * glow * (shade * np.float32(1.5)), mask)


def _add_trunks(
    light: Light,
    camera: Camera,
    rng: np.random.Generator,
    picture: Array,
    nearness: float,
    bark_3: Array,
    mist_3: Array,
) -> Array:
    """Cylinders of bark with a bright and a dark side, standing at one distance."""
    width, height = camera.width, camera.height
    thickness = (2.0 + 17.0 * nearness**2) * width / 320
    foot = camera.horizon + (0.03 + 0.22 * nearness) * height
    bark = strokes(rng, 16)
    x = np.arange(width, dtype=np.float32)[None, :]
    for _ in range(int(rng.integers(2, 4 + int(7 * (1 - nearness))))):
        girth = thickness * rng.uniform(0.6, 1.4)
        end = min(height, round(foot + rng.uniform(0, 0.04) * height))
        if end < 8:
            continue
        tilt = rng.uniform(-0.08, 0.08)
        rows = np.arange(end, dtype=np.float32)[:, None]
        flare = 1 + 0.5 * np.exp((rows - end) / np.float32(0.05 * height))
        center = rng.uniform(0, width) + tilt * (end - rows)
        low = int(max(0, min(center.min(), width) - girth * 1.6))
        high = int(min(width, max(center.max(), 0) + girth * 1.6))
        if high - low < 2:
            continue
        across = (x[:, low:high] - center) / (girth * 0.5 * flare)
        mask = smoothstep(1.0, 1.0 - 1.6 / girth, np.abs(across))
        side = np.float32(0.42) + np.float32(0.40) * across * np.float32(
            np.sign(light.direction[0] + 1e-6)
        )
        rough = sample(bark, x[:, low:high] / 256 + np.float32(rng.random()), rows / 256)
        tone = np.clip(side + 0.13 * rough, 0.08, 1.2)
        lit = bark_3 * (light.ambient_3 + light.sun_3 * np.float32(0.8)) * tone
        color = lit + (mist_3 - lit) * np.float32(0.62 * (1 - nearness) ** 1.5)
        picture[:, :end, low:high] = mix(picture[:, :end, low:high], color, mask)
    return picture


def _floor(light: Light, camera: Camera, rng: np.random.Generator, green: bool) -> Array:
    """Litter or undergrowth in perspective, with patches of sun, (3, H, W)."""
    near = np.maximum(camera.below_H1, 0) + np.float32(0.10)
    depth = np.log(near)
    leaf = cells(rng, 64)
    u = camera.across_1W / near * np.float32(0.22) + np.float32(rng.random())
    specks = sample(leaf, u, depth * np.float32(0.45))
    patch_tile = fractal(rng, octaves=4, gain=0.55)
    patches = sample(patch_tile, u * np.float32(0.7), depth * np.float32(0.7))
    base = UNDERGROWTH if green else LITTER
    tint = mix(base * rgb(0.7, 0.75, 0.8), base * rgb(1.35, 1.25, 1.0), specks[1])
    tone = np.float32(0.35) + np.float32(0.9) * specks[0]
    if green:
        upright = strokes(rng, 16)
        columns, rows = np.arange(camera.width, dtype=np.float32)[None, :], camera.rows_H1
        tone = tone + np.float32(0.22) * sample(upright, columns / 256, rows / 256)
    dapple = smoothstep(0.3, 1.0, patches) * np.float32(0.8)
    lit = light.ambient_3 * np.float32(0.9) + light.sun_3 * dapple
    return cast(Array, tint * np.maximum(tone, 0.1) * lit)


def inside_forest(light: Light, camera: Camera, rng: np.random.Generator, leaf_3: Array) -> Array:
    """A broadleaf stand seen from within, leaves of albedo `leaf_3`; (3, H, W) linear light."""
    mist = leaf_3 * np.float32(2.6) * (light.ambient_3 + light.sun_3 * np.float32(0.75))
    mist = mist + light.horizon_3 * np.float32(0.22)
    relative = (camera.rows_H1 - np.float32(camera.horizon)) / np.float32(camera.height)
    blobs = fractal(rng, octaves=4, gain=0.5)
    gaps = sample(blobs, *_screen(camera, 400, rng))
    opening = smoothstep(0.6, 2.2, gaps) * smoothstep(0.0, -0.5, relative)
    bright = light.horizon_3 * np.float32(1.1)
    picture = mix(mist, bright, opening)
    tiles = (cells(rng, 64), fractal(rng, octaves=5, gain=0.55))
    openness = float(rng.uniform(-0.1, 0.7))
    bark = PALE_BARK if rng.random() < 0.25 else BARK
    floor = _floor(light, camera, rng, bool(rng.random() < 0.55))
    rim = line(rng, camera.width, 3)[None, :] * np.float32(0.015)
    for nearness in (0.0, 0.35, 0.75):
        picture = _add_leaves(light, camera, rng, picture, leaf_3, nearness, tiles, openness)
        if nearness == 0:
            picture = mix(picture, floor, smoothstep(-0.005, 0.03, relative + rim))
        picture = _add_trunks(light, camera, rng, picture, nearness, bark, mist)
    return _add_canopy(light, camera, rng, picture, leaf_3, tiles)


def _add_canopy(
    light: Light,
    camera: Camera,
    rng: np.random.Generator,
    picture: Array,
    leaf_3: Array,
    tiles: tuple[Array, Array],
) -> Array:
    """The nearest leaves, hanging into the top of the picture and covering the trunks."""
    clump, dome, own = _foliage(camera, rng, 1.0, *tiles)
    relative = camera.rows_H1 / np.float32(camera.height)
    hang = float(rng.uniform(0.05, 0.5))
    cut = (relative - hang) * 4.5 - dome * 0.8 + 0.4
    mask = smoothstep(-0.1, 0.1, clump - cut)
    sunny = smoothstep(0.0, 1.8, clump + own)
    glow = light.ambient_3 * np.float32(0.8) + light.sun_3 * (np.float32(0.8) * sunny)
    tint = mix(leaf_3 * np.float32(0.85), leaf_3 * rgb(1.7, 1.4, 0.9), own)
    return mix(picture, tint * glow * (np.float32(0.3) + dome), mask)

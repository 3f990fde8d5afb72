"""What covers the land: albedos, and where snow, rock, grass, trees and sand lie.

Legend: D depths, W columns, H picture rows; albedos are linear RGB (3, 1, 1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from huescape.landscapes.light import Light, mix, rgb
from huescape.landscapes.noise import sample, smoothstep
from huescape.landscapes.relief import crowns
from huescape.landscapes.sky import haze_color
from huescape.landscapes.terrain import (
    Grid,
    Hit,
    cast_rays,
    fade,
    illuminate,
    skylight,
    slopes,
    sunlight,
)
from huescape.landscapes.tiles import fractal, strokes
from huescape.landscapes.view import Camera

Array = NDArray[np.float32]

ROCK = rgb(0.185, 0.160, 0.138)
SNOW = rgb(0.80, 0.83, 0.87)
GRASS = rgb(0.115, 0.160, 0.050)
DRY_GRASS = rgb(0.300, 0.235, 0.100)
BROADLEAF = rgb(0.064, 0.105, 0.032)
NEEDLE = rgb(0.028, 0.052, 0.026)
AUTUMN = rgb(0.230, 0.115, 0.038)
SAND = rgb(0.500, 0.350, 0.215)
BEACH = rgb(0.500, 0.410, 0.285)
EARTH = rgb(0.130, 0.090, 0.055)


@dataclass(frozen=True)
class Cover:
    """How a piece of land is dressed.

    ground: albedo of the lower land; steep: albedo of steep faces; `steepness` is the slope at
    which they show (a large value hides them); snow_line and tree_line are heights (snow above,
    trees below; None for none); tree_share is the share of the land below the tree line that is
    wooded; upright shows the ground as blades of grass near the camera.
    """

    ground: Array
    steep: Array
    steepness: float = 0.9
    snow_line: float | None = None
    tree_line: float | None = None
    tree_share: float = 0.6
    tree: Array = field(default_factory=lambda: NEEDLE)
    tree_size: float = 0.55
    conical: bool = True
    tree_start: float = 9.0
    upright: bool = True
    grain: float = 0.25


@dataclass(frozen=True)
class Land:
    """The rendered land: its color (3, H, W), which pixels are land, and their depth (H, W)."""

    color_3HW: Array
    hit: Hit
    depth_HW: Array


def _woods(
    cover: Cover, grid: Grid, rng: np.random.Generator, height_DW: Array, slope: Array
) -> tuple[Array, Array, Array]:
    """(crown height, share of trees, each tree's own value), all (D, W)."""
    if cover.tree_line is None:
        nothing = np.zeros_like(height_DW)
        return nothing, nothing, nothing
    patches = fractal(rng, octaves=5, gain=0.6, grid=8)
    patch = sample(patches, grid.x_DW / 45 + rng.random(), grid.z_D1 / 45 + rng.random())
    threshold = float(np.clip((0.5 - cover.tree_share) * 3.2, -9, 9))
    share = smoothstep(threshold - 0.15, threshold + 0.15, patch)
    ragged = np.float32(cover.tree_line) * (1 + np.float32(0.16) * patch)
    share = share * smoothstep(1.15, 0.8, height_DW / np.maximum(ragged, 0.05))
    share = share * smoothstep(cover.tree_start, cover.tree_start * 1.2, grid.z_D1)
    share = share * smoothstep(1.9, 1.2, slope)
    tall, own = crowns(grid, rng, cover.tree_size, cover.tree_size * 1.7, cover.conical)
    return cast(Array, tall * share), share, own


def _albedo(
    cover: Cover, grid: Grid, rng: np.random.Generator, height_DW: Array, slope: Array
) -> Array:
    """Ground, rock and snow without trees, (3, D, W)."""
    tile = fractal(rng, octaves=5, gain=0.6, grid=8)
    mottle = sample(tile, grid.x_DW / 24 + rng.random(), grid.z_D1 / 24 + rng.random())
    steep = smoothstep(cover.steepness * 0.75, cover.steepness * 1.25, slope + mottle * 0.18)
    ground = cover.ground * (1 + np.float32(0.16) * np.clip(mottle, -2, 2))
    albedo = mix(ground, cover.steep, steep)
    if cover.snow_line is not None:
        line = np.float32(cover.snow_line) * (1 + np.float32(0.22) * mottle)
        amount = smoothstep(0.85, 1.2, height_DW / np.maximum(line, 0.01))
        amount = amount * smoothstep(1.75, 1.15, slope + mottle * 0.15)
        albedo = mix(albedo, SNOW, amount)
    return albedo


def _blades(camera: Camera, rng: np.random.Generator, depth_HW: Array) -> Array:
    """Upright strokes that get longer toward the camera, (H, W), about [-2, 2]."""
    fine, coarse = strokes(rng, 8), strokes(rng, 32)
    rows = np.arange(camera.height, dtype=np.float32)[:, None] / 256
    columns = np.arange(camera.width, dtype=np.float32)[None, :] / 256
    near = smoothstep(6.0, 2.2, depth_HW)
    long = sample(coarse, columns * np.float32(0.6), rows * np.float32(0.8))
    short = sample(fine, columns, rows * np.float32(1.3))
    strength = smoothstep(45.0, 8.0, depth_HW) * np.float32(0.75) + np.float32(0.25)
    return cast(Array, (short + (long * 1.25 - short) * near) * strength)


def render_land(
    camera: Camera,
    light: Light,
    rng: np.random.Generator,
    grid: Grid,
    height_DW: Array,
    cover: Cover,
    eye: float | None = None,
    reach: float = 190.0,
) -> Land:
    """Cast, dress, light and haze a height field; `eye` is absolute, by default 1 above ground."""
    if eye is None:
        middle = height_DW[:12, camera.width // 4 : -camera.width // 4]
        eye = float(middle.max()) + camera.eye
    bare_x, bare_z = slopes(grid, height_DW)
    slope = np.sqrt(bare_x * bare_x + bare_z * bare_z)
    albedo = _albedo(cover, grid, rng, height_DW, slope)
    tall, share, own = _woods(cover, grid, rng, height_DW, slope)
    leaf = cover.tree * (0.65 + 0.7 * own)
    albedo = mix(albedo, leaf, share)
    top_DW = height_DW + tall
    hit = cast_rays(camera, grid, top_DW, eye)
    cosine = sunlight(light, bare_x, bare_z)
    # A crown is lit on its upper part and dark between its neighbors: that is its texture.
    crown = np.clip(tall / np.float32(max(cover.tree_size * 1.3, 0.01)), 0, 1)
    shape = np.clip(skylight(bare_x, bare_z), 0.3, 1.25)
    open_sky = shape * (1 - share * (np.float32(0.75) * (1 - crown)))
    cosine = cosine * (1 - share * (1 - np.float32(1.15) * crown))
    colors = illuminate(light, albedo, cosine, open_sky)
    lit = hit.pick(np.concatenate([colors, _extra(grid, slope, share)]))
    color, depth, level, wooded = lit[:3], lit[3], lit[4], lit[5]
    color = color * _surface(camera, rng, cover, depth, level, wooded)
    color = fade(light, haze_color(light), color, depth, reach)
    return Land(color, hit, depth)


def _extra(grid: Grid, slope_DW: Array, share_DW: Array) -> Array:
    """Depth, levelness and tree share stacked, so that one lookup fetches all for each pixel."""
    depth = np.broadcast_to(grid.z_D1, slope_DW.shape)
    return np.stack([depth, smoothstep(0.55, 0.15, slope_DW), share_DW])


def _screen(camera: Camera, rng: np.random.Generator) -> tuple[Array, Array]:
    """Texture coordinates (1, W), (H, 1) fixed to the picture, taller than wide like gullies."""
    columns = np.arange(camera.width, dtype=np.float32)[None, :] / 190
    across, down = rng.random(2, dtype=np.float32)
    return cast(Array, columns + across), cast(Array, camera.rows_H1 / 260 + down)


def _surface(
    camera: Camera,
    rng: np.random.Generator,
    cover: Cover,
    depth: Array,
    level: Array,
    wooded: Array,
) -> Array:
    """Fine texture as a factor about 1: grain, rough rock on slopes, blades on level ground."""
    grain = rng.random((camera.height, camera.width), dtype=np.float32) - np.float32(0.5)
    texture = grain * np.float32(cover.grain) * (0.4 + 1.6 * wooded)
    rough = sample(fractal(rng, 5, 0.7), *_screen(camera, rng))
    texture = texture + rough * ((1 - level) * (1 - wooded) * np.float32(cover.grain * 0.55))
    if cover.upright:
        texture = texture + _blades(camera, rng, depth) * (level * (1 - wooded) * np.float32(0.15))
    return cast(Array, np.clip(1 + texture, 0.25, 2.0))

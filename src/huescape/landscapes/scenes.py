"""One composition per category: which land, cover, water and sky make a beach or a valley.

Legend: H, W picture; 3 = linear RGB, the first axis. Category names are those of SUN397.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from huescape.landscapes import cover as dress
from huescape.landscapes import relief
from huescape.landscapes.cover import Cover, Land, render_land
from huescape.landscapes.flowers import add_flowers
from huescape.landscapes.forest import inside_forest
from huescape.landscapes.light import Light, choose_light, rgb
from huescape.landscapes.noise import sample, smoothstep
from huescape.landscapes.shore import beach, headland
from huescape.landscapes.sky import paint_sky
from huescape.landscapes.street import street
from huescape.landscapes.terrain import Grid, make_grid
from huescape.landscapes.tiles import fractal
from huescape.landscapes.view import Camera, choose_camera
from huescape.landscapes.water import DEEP, TURQUOISE, mirror, sea

Array = NDArray[np.float32]
Scene = Callable[[np.random.Generator, int, int], Array]


def _over(sky_3HW: Array, land: Land) -> Array:
    """The land in front of the sky, its outline softened where the ray only grazes it."""
    return np.where(land.hit.land_HW, land.color_3HW, sky_3HW)


def _horizon(
    light: Light,
    camera: Camera,
    rng: np.random.Generator,
    surface: Callable[[Camera], Array],
    cover: float | None = None,
) -> Array:
    """Sky above a level horizon, `surface` of the lower camera below it."""
    above, below = camera.split()
    parts = [] if above is None else [paint_sky(light, above, rng, cover=cover)]
    if below is not None:
        parts.append(surface(below))
    return np.concatenate(parts, axis=1)


def _leaf(rng: np.random.Generator, autumn: float = 0.12) -> Array:
    """Albedo of a stand of broadleaf trees: a green, or now and then an autumn color."""
    if rng.random() < autumn:
        return dress.AUTUMN * rgb(1.0, rng.uniform(0.7, 1.6), 1.0)
    return dress.BROADLEAF * rgb(rng.uniform(0.8, 1.3), 1.0, rng.uniform(0.8, 1.3))


def _meadow(rng: np.random.Generator, dry: float = 0.25) -> Array:
    if rng.random() < dry:
        return dress.DRY_GRASS * np.float32(rng.uniform(0.8, 1.1))
    return dress.GRASS * rgb(rng.uniform(0.8, 1.35), 1.0, rng.uniform(0.8, 1.3))


def mountain(rng: np.random.Generator, width: int, height: int) -> Array:
    """Bare peaks over wooded foothills and a meadow, at times with a lake or a little snow."""
    light = choose_light(rng)
    camera = choose_camera(rng, width, height, 0.42, 0.92, eye=1.0)
    grid = make_grid(camera, 1.2, 130, 160)
    peak = rng.uniform(11, 20)
    land = relief.mountains(grid, rng, peak, rng.uniform(13, 32)) + relief.hills(grid, rng, 0.9)
    cover = Cover(
        _meadow(rng),
        dress.ROCK * rgb(rng.uniform(0.9, 1.3), 1.0, rng.uniform(0.85, 1.1)),
        steepness=rng.uniform(0.5, 0.8),
        snow_line=peak * rng.uniform(0.6, 0.9) if rng.random() < 0.35 else None,
        tree_line=peak * rng.uniform(0.15, 0.42),
        tree_share=rng.uniform(0.35, 0.9),
    )
    sky = paint_sky(light, camera, rng)
    return _over(sky, render_land(camera, light, rng, grid, land, cover))


def mountain_snowy(rng: np.random.Generator, width: int, height: int) -> Array:
    """Snow down to the trees or to the camera, rock where it is too steep to hold."""
    light = choose_light(rng)
    camera = choose_camera(rng, width, height, 0.45, 1.0, eye=1.0)
    grid = make_grid(camera, 1.2, 120, 160)
    peak = rng.uniform(14, 24)
    land = relief.mountains(grid, rng, peak, rng.uniform(10, 26), 0.45)
    land = land + relief.hills(grid, rng, 1.0)
    winter = rng.random() < 0.6
    cover = Cover(
        dress.SNOW if winter else _meadow(rng, 0.4),
        dress.ROCK * np.float32(rng.uniform(0.6, 1.0)),
        steepness=rng.uniform(0.95, 1.4) if winter else 0.8,
        snow_line=peak * rng.uniform(0.12, 0.35),
        tree_line=peak * rng.uniform(0.10, 0.2) if rng.random() < 0.7 else None,
        tree_share=rng.uniform(0.2, 0.8),
        upright=not winter,
        grain=0.05,
    )
    sky = paint_sky(light, camera, rng)
    return _over(sky, render_land(camera, light, rng, grid, land, cover))


def valley(rng: np.random.Generator, width: int, height: int) -> Array:
    """Two wooded flanks and a green floor, seen from a little above; at times a lake in it."""
    light = choose_light(rng)
    camera = choose_camera(rng, width, height, 0.12, 0.55, eye=rng.uniform(1.5, 3.5))
    grid = make_grid(camera, 2.0, 150, 160)
    peak = rng.uniform(9, 16)
    land = relief.trough(grid, rng, rng.uniform(9, 16), peak) + relief.hills(grid, rng, 0.7)
    land = land + relief.mountains(grid, rng, peak * 0.9, 45.0)
    cover = Cover(
        _meadow(rng, 0.15),
        dress.ROCK,
        steepness=rng.uniform(0.9, 1.3),
        tree_line=peak * rng.uniform(0.45, 1.2),
        tree_share=rng.uniform(0.4, 0.8),
        tree=_leaf(rng) if rng.random() < 0.5 else dress.NEEDLE * np.float32(1.2),
        conical=bool(rng.random() < 0.5),
        tree_start=6.0,
    )
    sky = paint_sky(light, camera, rng)
    scene = render_land(camera, light, rng, grid, land, cover)
    return _over(sky, scene)


def lake(rng: np.random.Generator, width: int, height: int) -> Array:
    """Mountains or woods mirrored in still water."""
    light = choose_light(rng)
    camera = choose_camera(rng, width, height, 0.3, 0.66, eye=1.0)
    grid = make_grid(camera, 1.5, 130, 160)
    peak = rng.uniform(4, 13)
    shore = rng.uniform(14, 34)
    land = relief.mountains(grid, rng, peak, shore * 1.15) + np.abs(
        relief.hills(grid, rng, 0.5, 30.0)
    )
    land = land * np.float32(1.15) + relief.basin(grid, rng, shore)
    winter = rng.random() < 0.2
    cover = Cover(
        dress.SNOW if winter else _meadow(rng),
        dress.ROCK,
        steepness=rng.uniform(0.6, 1.0),
        snow_line=peak * 0.55 if rng.random() < 0.5 else None,
        tree_line=peak * rng.uniform(0.3, 1.4),
        tree_share=rng.uniform(0.5, 0.95),
        tree=_leaf(rng) if rng.random() < 0.4 else dress.NEEDLE,
        conical=bool(rng.random() < 0.6),
        tree_start=4.0,
    )
    wet = land <= 0
    scene = render_land(camera, light, rng, grid, np.maximum(land, 0), _dry(cover), eye=1.0)
    picture = _over(paint_sky(light, camera, rng), scene)
    water = scene.hit.land_HW & (scene.hit.pick(wet.astype(np.float32)) > 0.5)
    return mirror(light, camera, rng, picture, water, float(rng.uniform(0.2, 1.0)))


def _dry(cover: Cover) -> Cover:
    """The same cover, with its trees kept off the water's own level."""
    return replace(cover, tree_start=max(cover.tree_start, 5.0))


def ocean(rng: np.random.Generator, width: int, height: int) -> Array:
    """Open sea, from a calm evening to whitecaps; at times no sky at all."""
    light = choose_light(rng)
    low, high = (-0.3, -0.05) if rng.random() < 0.15 else (0.1, 0.75)
    camera = choose_camera(rng, width, height, low, high, eye=1.0)
    body = DEEP if rng.random() < 0.65 else TURQUOISE * np.float32(rng.uniform(0.2, 0.65))
    swell = float(rng.uniform(0.0, 0.8))
    picture = _horizon(light, camera, rng, lambda below: sea(light, below, rng, body, swell))
    if rng.random() < 0.3:
        picture = headland(light, camera, rng, picture, dress.BROADLEAF)
    return picture


def coast(rng: np.random.Generator, width: int, height: int) -> Array:
    """A beach with the sea behind or beside it."""
    light = choose_light(rng)
    low, high = (-0.25, 0.0) if rng.random() < 0.12 else (0.12, 0.6)
    camera = choose_camera(rng, width, height, low, high, eye=rng.uniform(1.0, 2.2))
    picture = _horizon(light, camera, rng, lambda below: beach(light, below, rng))
    if rng.random() < 0.5:
        albedo = dress.BROADLEAF if rng.random() < 0.6 else dress.ROCK
        picture = headland(light, camera, rng, picture, albedo)
    return picture


def desert(rng: np.random.Generator, width: int, height: int) -> Array:
    """Dunes, with low light on their crests."""
    light = choose_light(rng)
    if light.hour == "noon":
        light = replace(light, elevation=min(light.elevation, 0.65))
    low, high = (-0.2, 0.05) if rng.random() < 0.2 else (0.15, 0.7)
    camera = choose_camera(rng, width, height, low, high, eye=rng.uniform(0.8, 2.0))
    grid = make_grid(camera, 1.0, 90, 170)
    tall = rng.uniform(0.9, 2.2)
    land = relief.dunes(grid, rng, tall, rng.uniform(6, 14)) + relief.hills(grid, rng, 0.6)
    sand = dress.SAND * rgb(rng.uniform(0.9, 1.1), rng.uniform(0.85, 1.1), rng.uniform(0.75, 1.1))
    cover = Cover(sand, sand * np.float32(0.95), steepness=9.0, upright=False, grain=0.05)
    scene = render_land(camera, light, rng, grid, land + _ripples(grid, rng), cover, reach=160.0)
    return _over(paint_sky(light, camera, rng, cover=float(rng.uniform(-3.0, 0.4))), scene)


def _ripples(grid: Grid, rng: np.random.Generator) -> Array:
    """Wind ripples, which only show near the camera."""
    tile = fractal(rng, octaves=3)
    bend = sample(tile, grid.x_DW / 9, grid.z_D1 / 9)
    wave = np.sin(grid.x_DW * np.float32(9) + grid.z_D1 * np.float32(5) + bend * np.float32(2.2))
    return cast(Array, wave * smoothstep(8.0, 2.0, grid.z_D1) * np.float32(0.014))


def field(rng: np.random.Generator, width: int, height: int) -> Array:
    """Tall grass, with flowers, single trees and hills behind; at times no sky."""
    light = choose_light(rng)
    low, high = (-0.15, 0.08) if rng.random() < 0.2 else (0.15, 0.72)
    camera = choose_camera(rng, width, height, low, high, eye=1.0)
    grid = make_grid(camera, 1.0, 110, 150)
    land = relief.hills(grid, rng, rng.uniform(0.3, 2.5))
    if rng.random() < 0.4:
        land = land + relief.mountains(grid, rng, rng.uniform(4, 10), 40.0)
    cover = Cover(
        _meadow(rng, 0.35),
        dress.EARTH,
        steepness=2.0,
        tree_line=60.0,
        tree_share=rng.uniform(-0.1, 0.45),
        tree=_leaf(rng),
        tree_size=rng.uniform(0.6, 1.1),
        conical=False,
        tree_start=rng.uniform(12, 30),
    )
    scene = render_land(camera, light, rng, grid, land, cover)
    open_ground = scene.hit.land_HW & (scene.depth_HW < 14)
    picture = _over(paint_sky(light, camera, rng), scene)
    if rng.random() < 0.45:
        picture = add_flowers(light, camera, rng, picture, open_ground, scene.depth_HW)
    return picture


def forest(rng: np.random.Generator, width: int, height: int) -> Array:
    """From within, or a wooded hillside from outside."""
    light = choose_light(rng)
    leaf = _leaf(rng, 0.16)
    if rng.random() < 0.65:
        camera = choose_camera(rng, width, height, 0.5, 0.92)
        return inside_forest(light, camera, rng, leaf)
    camera = choose_camera(rng, width, height, 0.0, 0.5, eye=rng.uniform(1.5, 4.0))
    grid = make_grid(camera, 3.0, 80, 190)
    land = relief.hills(grid, rng, rng.uniform(2.5, 6.0), 40.0)
    cover = Cover(
        _meadow(rng, 0.1),
        dress.EARTH,
        steepness=2.0,
        tree_line=60.0,
        tree_share=rng.uniform(0.85, 1.3),
        tree=leaf,
        tree_size=rng.uniform(0.5, 0.8),
        conical=False,
        tree_start=2.0,
    )
    return _over(
        paint_sky(light, camera, rng),
        render_land(camera, light, rng, grid, land, cover, reach=130.0),
    )


def sky(rng: np.random.Generator, width: int, height: int) -> Array:
    """Mostly clouds; a strip of land or sea below, or none."""
    light = choose_light(rng)
    camera = choose_camera(rng, width, height, 0.8, 1.3)
    cover = None if rng.random() < 0.06 else float(rng.uniform(-0.7, 0.9))
    picture = _horizon(light, camera, rng, lambda below: sea(light, below, rng, DEEP, 0.1), cover)
    if camera.horizon < height:
        picture = headland(light, camera, rng, picture, dress.BROADLEAF)
    return picture


def built(rng: np.random.Generator, width: int, height: int) -> Array:
    """Houses along a road: what a landscape filter drops by its category."""
    light: Light = choose_light(rng)
    camera: Camera = choose_camera(rng, width, height, 0.6, 0.8)
    return street(light, camera, rng, paint_sky(light, camera, rng))


SCENES: dict[str, Scene] = {
    "b/beach": coast,
    "d/desert/sand": desert,
    "f/field/wild": field,
    "f/forest/broadleaf": forest,
    "l/lake/natural": lake,
    "m/mountain": mountain,
    "m/mountain_snowy": mountain_snowy,
    "o/ocean": ocean,
    "s/sky": sky,
    "s/street": built,
    "v/valley": valley,
}

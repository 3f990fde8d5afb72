"""The sky: gradient, glow, sun and clouds.

Legend: H, W picture; 3 = linear RGB, the first axis; an elevation is the tangent of an angle
above the horizon.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from huescape.landscapes.light import Light, mix, rgb
from huescape.landscapes.noise import sample, smoothstep
from huescape.landscapes.tiles import fractal
from huescape.landscapes.view import Camera

Array = NDArray[np.float32]


def gradient(light: Light, elevation: Array, across: Array) -> Array:
    """Cloudless sky: horizon to zenith, warmer toward the sun. Broadcasts, returns (3, ...)."""
    up = np.maximum(elevation, 0)
    rise = 1 - np.exp(-up * np.float32(2.6))
    sun_across = np.float32(np.tan(np.clip(light.azimuth, -1.2, 1.2)))
    sun_up = np.float32(np.tan(min(light.elevation, 1.2)))
    ahead = np.float32(1.0 if abs(light.azimuth) < 1.3 else 0.25)
    away = (across - sun_across) ** 2 * np.float32(0.5) + (up - sun_up) ** 2 * np.float32(3.0)
    glow = ahead * np.exp(-away * np.float32(2.2))
    base = light.horizon_3 + (light.zenith_3 - light.horizon_3) * rise
    return cast(Array, base + light.glow_3 * glow)


def _sun(light: Light, camera: Camera, sky_3HW: Array) -> Array:
    """The disc and its halo, when the sun stands in front of the camera."""
    if abs(light.azimuth) > 1.2 or light.hour == "overcast":
        return sky_3HW
    across = camera.across_1W - np.float32(np.tan(light.azimuth))
    up = -camera.below_H1 - np.float32(np.tan(light.elevation))
    distance = across * across + up * up
    disc = smoothstep(0.0011, 0.0005, distance) * np.float32(3.0)
    halo = np.float32(0.004) / (distance + np.float32(0.006))
    warm = light.sun_3 / light.sun_3.max()
    return cast(Array, sky_3HW + warm * (disc + halo * np.float32(0.9)))


def _cloud_layer(camera: Camera, rng: np.random.Generator, stretch: float) -> tuple[Array, Array]:
    """(density_HW, relief_HW): a flat layer of fractal cloud in perspective, and its shading."""
    tile = fractal(rng, octaves=6, gain=0.55, grid=4 if stretch < 2 else 8)
    up = np.maximum(-camera.below_H1, 0) + np.float32(0.16)
    scale = np.float32(0.18 + 0.22 * rng.random())
    v = scale * np.float32(0.9) / up + np.float32(rng.random())
    u = camera.across_1W * scale / up / np.float32(stretch) + np.float32(rng.random())
    density = sample(tile, u, v)
    # The same cloud a little nearer the zenith: denser above than below means a shaded base.
    above = sample(tile, u, v + np.float32(0.02))
    return density, density - above


def _add_clouds(
    light: Light, camera: Camera, rng: np.random.Generator, sky_3HW: Array, cover: float
) -> Array:
    """Clouds over the sky; `cover` is the density threshold, higher for more cloud."""
    overcast = light.hour == "overcast"
    cover = 2.0 if overcast else cover
    wispy = not overcast and rng.random() < 0.3
    density, relief = _cloud_layer(camera, rng, 3.5 if wispy else 1.4)
    low = -cover + (0.0 if wispy else 0.35)
    alpha = smoothstep(low, low + (2.2 if wispy else 0.9), density)
    alpha = alpha * np.float32(0.6 if wispy else 0.94)
    # Near the horizon a layer is seen edge-on through the haze.
    alpha = alpha * smoothstep(-0.02, 0.16, np.broadcast_to(-camera.below_H1, density.shape))
    lit = light.ambient_3 * np.float32(1.2) + light.sun_3 * np.float32(0.62)
    shade = light.ambient_3 * np.float32(1.05) + light.horizon_3 * np.float32(0.16)
    thick = smoothstep(low + 0.4, low + 3.0, density)
    bright = np.clip(0.74 - relief * np.float32(1.0) - thick * np.float32(0.35), 0, 1)
    if overcast:
        alpha = np.float32(0.97) * np.ones_like(alpha)
        bright = np.clip(0.55 - relief * np.float32(1.2) - density * np.float32(0.15), 0, 1)
    cloud = mix(shade, lit, bright)
    if light.hour in ("dusk", "dawn", "golden"):
        near_horizon = np.exp(-np.maximum(-camera.below_H1, 0) * np.float32(3.0))
        cloud = cloud + light.glow_3 * (near_horizon * bright * np.float32(0.7))
    return mix(sky_3HW, cloud, alpha)


def paint_sky(
    light: Light, camera: Camera, rng: np.random.Generator, cover: float | None = None
) -> Array:
    """The sky over the whole picture (3, H, W); below the horizon it goes on in its own color.

    `cover` runs from -2 (no clouds) to 1 (few gaps); None draws it.
    """
    shape = (camera.height, camera.width)
    elevation = np.broadcast_to(-camera.below_H1, shape)
    sky = gradient(light, elevation, np.broadcast_to(camera.across_1W, shape))
    sky = _sun(light, camera, sky)
    drawn = rng.uniform(-2.2, 0.8)
    amount = float(drawn if cover is None else cover)
    if (amount > -1.6 or light.hour == "overcast") and camera.horizon > 4:
        sky = _add_clouds(light, camera, rng, sky, amount)
    return sky


def haze_color(light: Light) -> Array:
    """(3,) what distance fades to: the horizon, somewhat bluer and darker by day."""
    if light.hour in ("noon", "overcast"):
        return cast(Array, light.horizon_3 * rgb(0.74, 0.86, 0.94))
    # Low sun: the air between is lit from the side, duller and bluer than the sky behind it.
    return cast(Array, light.horizon_3 * rgb(0.46, 0.50, 0.58) + light.ambient_3 * np.float32(0.6))

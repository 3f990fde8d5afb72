"""Ray casting of a height field, column by column, and its lighting.

Legend: D depths from near to far; H, W picture; 3 = linear RGB, the first axis.
World axes: x right, y up, z ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from huescape.landscapes.light import Light, mix
from huescape.landscapes.view import Camera

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """World positions of the samples: depth z_D1 and sideways x_DW."""

    z_D1: Array
    x_DW: Array


@dataclass(frozen=True)
class Hit:
    """What every pixel sees: `land` False is sky; between depth `index` - 1 and `index`."""

    land_HW: NDArray[np.bool_]
    index_HW: NDArray[np.intp]
    part_HW: Array

    def pick(self, field_DW: NDArray[np.float32]) -> NDArray[np.float32]:
        """A field (D, W) or (C, D, W) at every pixel, interpolated in depth."""
        depths, width = field_DW.shape[-2:]
        planes = field_DW.reshape(-1, depths * width)
        columns = np.arange(width)[None, :]
        here = self.index_HW * width + columns
        before = np.maximum(self.index_HW - 1, 0) * width + columns
        found = []
        for plane in planes:
            near = plane.take(before)
            found.append(near + (plane.take(here) - near) * self.part_HW)
        return found[0] if field_DW.ndim == 2 else np.stack(found)


def make_grid(camera: Camera, near: float, far: float, depths: int = 150) -> Grid:
    """Geometric depths from `near` to `far`, and where each column's ray is at each of them."""
    z = near * (far / near) ** np.linspace(0, 1, depths)
    z_D1 = z.astype(np.float32)[:, None]
    return Grid(z_D1, cast(Array, camera.across_1W * z_D1))


def cast_rays(camera: Camera, grid: Grid, height_DW: Array, eye: float) -> Hit:
    """Which depth each pixel sees, for an eye at height `eye` (same units as height_DW).

    A depth's row on the screen is hidden where any nearer depth reached at least as high, so the
    running minimum of the rows decides, and a histogram of it per column counts the depths that
    stay below each pixel.
    """
    depths, width = height_DW.shape
    row_DW = np.float32(camera.horizon) + np.float32(camera.focal) * (eye - height_DW) / grid.z_D1
    top_DW = np.minimum.accumulate(row_DW, axis=0)
    last_DW = np.clip(np.ceil(top_DW), 0, camera.height).astype(np.intp)
    columns = np.arange(width)[None, :]
    slots = (camera.height + 1) * width
    count = np.bincount((last_DW * width + columns).ravel(), minlength=slots)
    count_HW = count.reshape(camera.height + 1, width)
    # Pixel y is still clear of depth d when ceil(top) > y.
    clear_HW = np.cumsum(count_HW[::-1], axis=0)[::-1][1:]
    land_HW = clear_HW < depths
    index_HW = np.minimum(clear_HW, depths - 1)
    flat = top_DW.ravel()
    here = flat.take(index_HW * width + columns)
    before = flat.take(np.maximum(index_HW - 1, 0) * width + columns)
    span = np.maximum(before - here, np.float32(1e-3))
    part = np.clip((before - camera.rows_H1) / span, 0, 1)
    return Hit(land_HW, index_HW, cast(Array, part))


def slopes(grid: Grid, height_DW: Array) -> tuple[Array, Array]:
    """(dy/dx, dy/dz) of the height field, finite differences along its two grid directions."""
    step_x = grid.x_DW[:, 1:2] - grid.x_DW[:, 0:1]
    along_x = np.empty_like(height_DW)
    along_x[:, 1:] = (height_DW[:, 1:] - height_DW[:, :-1]) / step_x
    along_x[:, 0] = along_x[:, 1]
    along_z = np.empty_like(height_DW)
    along_z[1:] = (height_DW[1:] - height_DW[:-1]) / (grid.z_D1[1:] - grid.z_D1[:-1])
    along_z[0] = along_z[1]
    return along_x, along_z


def sunlight(light: Light, slope_x: Array, slope_z: Array) -> Array:
    """Cosine between the surface normal and the sun, 0 in the shade; shape of the slopes."""
    right, up, ahead = light.direction
    cosine = np.float32(up) - np.float32(right) * slope_x - np.float32(ahead) * slope_z
    length = np.sqrt(1 + slope_x * slope_x + slope_z * slope_z)
    return cast(Array, np.maximum(cosine / length, 0))


def skylight(slope_x: Array, slope_z: Array) -> Array:
    """Share of the skylight a bare face receives: more from above, and from the left and behind.

    Without it, land that turns away from the sun would be one flat tone.
    """
    length = np.sqrt(1 + slope_x * slope_x + slope_z * slope_z)
    return cast(Array, (0.78 + 0.42 * slope_x + 0.30 * slope_z + 0.25) / (length + 0.05))


def illuminate(light: Light, albedo: Array, cosine: Array, open_sky: Array | float = 1.0) -> Array:
    """Lambertian color (3, ...): sun by `cosine`, skylight by the open share of the sky."""
    irradiance = light.sun_3 * cosine + light.ambient_3 * np.asarray(open_sky, dtype=np.float32)
    return cast(Array, albedo * irradiance)


def fade(light: Light, haze_3: Array, color: Array, distance: Array, reach: float) -> Array:
    """Aerial perspective: color (3, ...) fades to the haze with exp(-distance / reach)."""
    lost = 1 - np.exp(distance * np.float32(-light.haze / reach))
    return mix(color, haze_3, cast(Array, lost))

"""The camera: where the horizon is, and which ray each pixel looks along.

Legend: H, W picture; right, up, forward are world axes; lengths in world units, rows in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Camera:
    """A pinhole camera held level: `horizon` is a row and may lie outside of the picture."""

    width: int
    height: int
    horizon: float
    focal: float
    eye: float = 1.0

    @property
    def rows_H1(self) -> Array:
        """Row numbers as a column."""
        return np.arange(self.height, dtype=np.float32)[:, None]

    @property
    def across_1W(self) -> Array:
        """Tangent of each column's angle to the right of straight ahead."""
        columns = np.arange(self.width, dtype=np.float32)[None, :]
        return cast(Array, (columns - np.float32(self.width / 2)) / np.float32(self.focal))

    @property
    def below_H1(self) -> Array:
        """Tangent of each row's angle below the horizon (negative above it)."""
        return cast(Array, (self.rows_H1 - np.float32(self.horizon)) / np.float32(self.focal))

    def split(self) -> tuple[Camera | None, Camera | None]:
        """The part of the picture above the horizon and the part below, None where it is empty."""
        top = int(np.clip(np.ceil(self.horizon), 0, self.height))
        above = replace(self, height=top) if top > 0 else None
        below = replace(self, height=self.height - top, horizon=self.horizon - top)
        return above, below if below.height > 0 else None

    def plane(self, eye: float | None = None) -> tuple[Array, Array]:
        """(x_HW, z_H1): where each pixel's ray meets the ground `eye` below the camera.

        Above the horizon and within half a pixel of it, z is capped at the horizon's own distance.
        """
        drop = np.maximum(self.below_H1, np.float32(0.5 / self.focal))
        z_H1 = np.float32(self.eye if eye is None else eye) / drop
        return cast(Array, self.across_1W * z_H1), cast(Array, z_H1)


def choose_camera(
    rng: np.random.Generator, width: int, height: int, low: float, high: float, eye: float = 1.0
) -> Camera:
    """A camera whose horizon lies between `low` and `high` (0 is the top edge, 1 the bottom)."""
    horizon = height * (low + (high - low) * rng.random())
    focal = max(width, height) * (0.75 + 0.5 * rng.random())
    return Camera(width, height, float(horizon), float(focal), eye)

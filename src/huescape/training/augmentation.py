"""Crops, flips and noise: pure functions of a seed and a step.

Crops and flips commute with the encoding of the targets; noise touches the lightness alone.

Shape suffixes: N photos, H rows, W columns of a crop; h, w rows and columns of its targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.params.systems import AugmentationParams

IntArray = npt.NDArray[np.int64]
AnyArray = npt.NDArray[Any]


@dataclass(frozen=True)
class Geometry:
    """The side of the stored photos, of the crops, and the stride of the targets, in pixels.

    Targets are the points stride // 2, stride // 2 + stride, … of a photo; crops are multiples of
    the stride.
    """

    size: int
    crop: int
    stride: int


@dataclass(frozen=True)
class Draw:
    """What happens to a batch: `rows_NH` and `columns_NW` of a photo to take, in this order, and
    the standard deviation of the noise of each photo (of lightness in [0, 1])."""

    rows_NH: IntArray
    columns_NW: IntArray
    noise_N: npt.NDArray[np.float32]


def whole(geometry: Geometry, count: int) -> Draw:
    """No augmentation: `count` whole photos."""
    every_NH = np.tile(np.arange(geometry.size), (count, 1))
    return Draw(every_NH, every_NH, np.zeros(count, np.float32))


def draw(
    params: AugmentationParams, geometry: Geometry, count: int, generator: np.random.Generator
) -> Draw:
    """Draw the crops, flips and noise of `count` photos."""
    crop, stride = geometry.crop, geometry.stride
    places = (geometry.size - crop) // stride + 1
    top_N = generator.integers(places, size=count) * stride
    left_N = generator.integers(places, size=count) * stride
    flip_N = generator.integers(2, size=count).astype(bool) & params.flip
    noise = np.asarray(params.noise or (0.0,), np.float32)
    noise_N = noise[generator.integers(len(noise), size=count)]
    rows_NH = top_N[:, None] + np.arange(crop)
    columns_NW = left_N[:, None] + np.arange(crop)
    # A grid of even stride is not its own mirror image (4: points 2, 6, …, mirrored 1, 5, …): a
    # flipped crop lies one pixel further right, so that its targets are points of the photo's grid.
    mirrored_NW = np.minimum(columns_NW[:, ::-1] + (stride + 1) % 2, geometry.size - 1)
    return Draw(rows_NH, np.where(flip_N[:, None], mirrored_NW, columns_NW), noise_N)


def take_pixels(photos_NSS: AnyArray, drawn: Draw) -> AnyArray:
    """The crops (N, H, W, …) of photos (N, size, size, …)."""
    photo_N11 = np.arange(len(photos_NSS))[:, None, None]
    return photos_NSS[photo_N11, drawn.rows_NH[:, :, None], drawn.columns_NW[:, None, :]]


def take_targets(targets: AnyArray, drawn: Draw, stride: int) -> AnyArray:
    """The targets (N, h, w, …) of the crops, of photos' targets (N, size / stride, …)."""
    rows_Nh, columns_Nw = target_points(drawn, stride)
    photo_N11 = np.arange(len(targets))[:, None, None]
    return targets[photo_N11, rows_Nh[:, :, None] // stride, columns_Nw[:, None, :] // stride]


def target_points(drawn: Draw, stride: int) -> tuple[IntArray, IntArray]:
    """Rows (N, h) and columns (N, w), in pixels of the photo, of the crops' targets."""
    return drawn.rows_NH[:, stride // 2 :: stride], drawn.columns_NW[:, stride // 2 :: stride]


def take_mask(box_N4: AnyArray, drawn: Draw, stride: int) -> npt.NDArray[np.bool_]:
    """Where the crops' targets (N, h, w) lie in the photo's box (top, left, height, width)."""
    rows_Nh, columns_Nw = target_points(drawn, stride)
    top, left, height, width = (box_N4.astype(np.int64)[:, k, None] for k in range(4))
    inside_Nh = (rows_Nh >= top) & (rows_Nh < top + height)
    inside_Nw = (columns_Nw >= left) & (columns_Nw < left + width)
    return inside_Nh[:, :, None] & inside_Nw[:, None, :]


def noise_like(
    drawn: Draw, shape: tuple[int, ...], generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Gaussian noise (N, H, W) of each photo's standard deviation."""
    noise = generator.standard_normal(shape, dtype=np.float32)
    noise *= drawn.noise_N[:, None, None]
    return noise

"""Crops, flips and noise: pure functions of a seed and a step.

Crops and flips commute with the encoding of the targets; noise touches the lightness alone.

Shape suffixes: N photos, H rows, W columns of a crop; h, w rows and columns of its targets; R, C
those of either; e numbers of a place, M = C e; p planes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.boxes import Box
from huescape.params.systems import AugmentationParams
from huescape.training import gather

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


def take_pixels(photos: Sequence[AnyArray], drawn: Draw, table: AnyArray | None = None) -> AnyArray:
    """The crops (N, H, W) of photos (size, size), decoded by `table` if there is one.

    `table` is that of `gather.look_up`: one entry for each value that a pixel can have.
    """
    return _take(photos, drawn.rows_NH, drawn.columns_NW, table, None)


def take_targets(
    targets: Sequence[AnyArray],
    drawn: Draw,
    stride: int,
    *,
    table: AnyArray | None = None,
    dtype: npt.DTypeLike | None = None,
) -> AnyArray:
    """The targets (N, h, w, …) of the crops, of photos' targets (size / stride, …).

    Decoded by `table`, or as `dtype`, or as stored.
    """
    rows_Nh, columns_Nw = target_points(drawn, stride)
    return _take(targets, rows_Nh // stride, columns_Nw // stride, table, dtype)


def take_planes(targets: Sequence[AnyArray], drawn: Draw, stride: int, table: AnyArray) -> AnyArray:
    """The targets (N, h, w, planes) of the crops, of photos' targets (planes, h', w')."""
    rows_Nh, columns_Nw = target_points(drawn, stride)
    planes, height, width = targets[0].shape
    start_Nph = rows_Nh[:, None] // stride * width + np.arange(planes)[:, None] * (height * width)
    places = _places(start_Nph.reshape(len(rows_Nh), -1), columns_Nw // stride)
    taken_Nphw = gather.look_up(targets, *places, table).reshape(*start_Nph.shape, -1)
    return np.ascontiguousarray(np.moveaxis(taken_Nphw, 1, -1))


def _take(
    photos: Sequence[AnyArray],
    rows_NR: IntArray,
    columns_NC: IntArray,
    table: AnyArray | None,
    dtype: npt.DTypeLike | None,
) -> AnyArray:
    """The numbers (N, R, C, …) of photos (rows, columns, …) at the given rows and columns."""
    _, width, *rest = photos[0].shape
    each = math.prod(rest)
    offset_NCe = columns_NC[:, :, None] * each + np.arange(each)
    places = _places(rows_NR * (width * each), offset_NCe)
    if table is None:
        taken = gather.convert(photos, *places, dtype)
    else:
        taken = gather.look_up(photos, *places, table)
    return taken.reshape(*rows_NR.shape, columns_NC.shape[1], *rest)


def _places(
    start_NR: IntArray, offset_NCe: IntArray
) -> tuple[gather.PlaceArray, gather.PlaceArray]:
    offset_NM = offset_NCe.reshape(len(offset_NCe), -1)
    return start_NR.astype(np.uint64), offset_NM.astype(np.uint64)


def target_points(drawn: Draw, stride: int) -> tuple[IntArray, IntArray]:
    """Rows (N, h) and columns (N, w), in pixels of the photo, of the crops' targets."""
    return drawn.rows_NH[:, stride // 2 :: stride], drawn.columns_NW[:, stride // 2 :: stride]


def take_mask(box_N4: AnyArray, drawn: Draw, stride: int) -> npt.NDArray[np.bool_]:
    """Where the crops' targets (N, h, w) lie on the photo."""
    return Box.of(box_N4).holds(*target_points(drawn, stride))


def noise_like(
    drawn: Draw, shape: tuple[int, ...], generator: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Gaussian noise (N, H, W) of each photo's standard deviation."""
    noise = generator.standard_normal(shape, dtype=np.float32)
    noise *= drawn.noise_N[:, None, None]
    return noise

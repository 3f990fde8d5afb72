"""The pixels and targets of a batch, taken out of stored photos.

Shape suffixes: N photos, H rows, W columns of a window; h, w rows and columns of its targets; R, C
those of either; e numbers of a place, M = C e; p planes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.training import gather
from huescape.training.augmentation import Draw
from huescape.training.geometry import Axis, BoolArray, IntArray

AnyArray = npt.NDArray[Any]


def take_pixels(photos: Sequence[AnyArray], drawn: Draw, table: AnyArray) -> AnyArray:
    """The windows (N, H, W) of photos (size, size), decoded by `table`.

    `table` is that of `gather.look_up`: one entry for each value that a pixel can have; that of 0
    is black. What lies between pixels is bilinearly interpolated, and what is shrunk is a mean.
    """
    rows_NH, columns_NW = drawn.view.rows.pixels_NW, drawn.view.columns.pixels_NW
    exact_N = drawn.view.exact_N
    if exact_N.all():
        taken_NHW = _take(photos, rows_NH.astype(int), columns_NW.astype(int), table)
    else:
        taken_NHW = gather.blend(photos, rows_NH, columns_NW, table)
    for shrunk in np.flatnonzero(drawn.view.shrunk_N).tolist():
        shown = drawn.shown
        rows = _taps(drawn.view.rows, shrunk, shown.top, shown.height)
        columns = _taps(drawn.view.columns, shrunk, shown.left, shown.width)
        taken_NHW[shrunk] = gather.shrink(photos[shrunk], rows, columns, table)
    for n in np.flatnonzero(drawn.cropped_N):
        top, left, height, width = (side[n] for side in drawn.shown)
        taken_NHW[n, (rows_NH[n] < top) | (rows_NH[n] >= top + height)] = table[0]
        taken_NHW[n, :, (columns_NW[n] < left) | (columns_NW[n] >= left + width)] = table[0]
    return _turned(taken_NHW, drawn.turned_N)


def _taps(axis: Axis, photo: int, first_N: IntArray, length_N: IntArray) -> gather.Taps:
    first, length = int(first_N[photo]), int(length_N[photo])
    return gather.taps(axis.pixels_NW[photo], axis.step_N[photo], first, first + length - 1)


def take_targets(
    targets: Sequence[AnyArray],
    drawn: Draw,
    *,
    table: AnyArray | None = None,
    dtype: npt.DTypeLike | None = None,
) -> AnyArray:
    """The targets (N, h, w, …) of the windows, of photos' targets (size / stride, …).

    Decoded by `table`, or as `dtype`, or as stored.
    """
    rows_Nh, columns_Nw = drawn.view.rows.targets_Nw, drawn.view.columns.targets_Nw
    return _turned(_take(targets, rows_Nh, columns_Nw, table, dtype), drawn.turned_N)


def take_planes(targets: Sequence[AnyArray], drawn: Draw, table: AnyArray) -> AnyArray:
    """The targets (N, h, w, planes) of the windows, of photos' targets (planes, h', w')."""
    rows_Nh, columns_Nw = drawn.view.rows.targets_Nw, drawn.view.columns.targets_Nw
    planes, height, width = targets[0].shape
    start_Nph = rows_Nh[:, None] * width + np.arange(planes)[:, None] * (height * width)
    places = _places(start_Nph.reshape(len(rows_Nh), -1), columns_Nw)
    taken_Nphw = gather.look_up(targets, *places, table).reshape(*start_Nph.shape, -1)
    return _turned(np.ascontiguousarray(np.moveaxis(taken_Nphw, 1, -1)), drawn.turned_N)


def take_mask(drawn: Draw) -> BoolArray:
    """Where the windows' targets (N, h, w) lie on what is shown of the photo."""
    rows_Nh, columns_Nw = drawn.view.rows.points_Nw, drawn.view.columns.points_Nw
    return _turned(drawn.shown.holds(rows_Nh, columns_Nw), drawn.turned_N)


def _turned(taken_NRC: AnyArray, turned_N: BoolArray) -> AnyArray:
    """In place: rows and columns of some of the photos change places."""
    for n in np.flatnonzero(turned_N):
        taken_NRC[n] = taken_NRC[n].swapaxes(0, 1).copy()
    return taken_NRC


def _take(
    photos: Sequence[AnyArray],
    rows_NR: IntArray,
    columns_NC: IntArray,
    table: AnyArray | None,
    dtype: npt.DTypeLike | None = None,
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

"""Kernels that pick numbers out of stored photos and decode them on the way into a batch.

A stored number has at most 16 bits, so decoding is a lookup in a table of every value it can
have: one pass from the memory map to the batch, without a copy in between, and the same bits as
NumPy's conversions, which made the table.

Shape suffixes: N photos, P numbers of a stored photo (flattened), R rows and M numbers of a row
that are taken, L numbers from the lowest to the highest of them; H, W rows and columns of places
between pixels, K pixels that a mean is of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.compiled import kernel

AnyArray = npt.NDArray[Any]
PlaceArray = npt.NDArray[np.uint64]


def look_up(
    photos: Sequence[AnyArray],
    start_NR: PlaceArray,
    offset_NM: PlaceArray,
    table: AnyArray,
) -> AnyArray:
    """Table entries (N, R, M) of the numbers at `start_NR[n, r] + offset_NM[n, m]` of each photo.

    Args:
        photos: N arrays of one shape, C order, of numbers of 8 or 16 bits; places count their
            flattened numbers.
        table: 1-D, one entry for each value of the numbers' bits, read as an unsigned integer.
    Raises:
        IndexError: a place outside a photo.
        ValueError: a table of another length.
    """
    _check_places(photos, start_NR, offset_NM)
    _check_table(photos, table)
    out_NRM = np.empty((*start_NR.shape, offset_NM.shape[1]), table.dtype)
    bits = f"u{photos[0].dtype.itemsize}"
    for photo, start_R, offset_M, out_RM in zip(photos, start_NR, offset_NM, out_NRM, strict=True):
        _look_up(photo.reshape(-1).view(bits), start_R, offset_M, table, out_RM)
    return out_NRM


def convert(
    photos: Sequence[AnyArray],
    start_NR: PlaceArray,
    offset_NM: PlaceArray,
    dtype: npt.DTypeLike | None = None,
) -> AnyArray:
    """The numbers (N, R, M) themselves, as `dtype` (None: as stored), which must hold them all.

    Raises IndexError for a place outside a photo.
    """
    _check_places(photos, start_NR, offset_NM)
    out_NRM = np.empty((*start_NR.shape, offset_NM.shape[1]), dtype or photos[0].dtype)
    for photo, start_R, offset_M, out_RM in zip(photos, start_NR, offset_NM, out_NRM, strict=True):
        _convert(photo.reshape(-1), start_R, offset_M, out_RM)
    return out_NRM


def blend(
    photos: Sequence[AnyArray],
    row_NH: npt.NDArray[np.float64],
    column_NW: npt.NDArray[np.float64],
    table: AnyArray,
) -> AnyArray:
    """Table entries (N, H, W) at places between the pixels of each photo, bilinear.

    Args:
        photos: N arrays (rows, columns) of one shape, C order, of numbers of 8 or 16 bits.
        row_NH, column_NW: places in pixels, 0 being the middle of the first; from 0 to the last.
        table: as that of `look_up`, float32.
    Raises:
        IndexError: a place outside a photo.
        ValueError: a table of another length.
    """
    _check_table(photos, table)
    out_NHW = np.empty((*row_NH.shape, column_NW.shape[1]), np.float32)
    for photo, row_H, column_W, out_HW in zip(photos, row_NH, column_NW, out_NHW, strict=True):
        last = np.subtract(photo.shape, 1)
        inside = min(row_H.min(), column_W.min()) >= 0
        if not (inside and row_H.max() <= last[0] and column_W.max() <= last[1]):
            raise IndexError(f"a place outside a stored photo of shape {photo.shape}")
        _blend(photo, row_H, column_W, table, out_HW)
    return out_NHW


@dataclass(frozen=True)
class Taps:
    """What means along an axis are of: the first of K pixels (W,), and the weight of each (W, K).

    Weights sum to 1; that of a pixel outside the photo is 0.
    """

    first_W: npt.NDArray[np.int64]
    weight_WK: npt.NDArray[np.float32]


def taps(place_W: npt.NDArray[np.float64], step: float, first: int, last: int) -> Taps:
    """Those of means at `place_W`, from `first` to `last`, that lie `step` pixels apart.

    The weights fall in a line to 0 at a distance of `step`, or of 1 where that is less, which is
    bilinear interpolation: what Pillow and torch call bilinear with antialiasing.
    """
    reach = max(1.0, float(step))
    first_W = np.floor(place_W - reach).astype(np.int64) + 1
    pixel_WK = first_W[:, None] + np.arange(int(np.ceil(2 * reach)))
    weight_WK = np.maximum(0, 1 - np.abs(pixel_WK - place_W[:, None]) / reach)
    weight_WK *= (pixel_WK >= first) & (pixel_WK <= last)
    weight_WK /= weight_WK.sum(axis=1, keepdims=True)
    return Taps(first_W, weight_WK.astype(np.float32))


def shrink(photo: AnyArray, rows: Taps, columns: Taps, table: AnyArray) -> AnyArray:
    """Means (H, W) of table entries of a photo (rows, columns) of numbers of 8 or 16 bits.

    Raises IndexError for a pixel outside the photo, ValueError for a table of another length.
    """
    _check_table([photo], table)
    for axis, size in zip((rows, columns), photo.shape, strict=True):
        pixel_WK = axis.first_W[:, None] + np.arange(axis.weight_WK.shape[1])
        if ((axis.weight_WK > 0) & ((pixel_WK < 0) | (pixel_WK >= size))).any():
            raise IndexError(f"a pixel outside a stored photo of shape {photo.shape}")
    out_HW = np.empty((len(rows.first_W), len(columns.first_W)), np.float32)
    _shrink(photo, rows.first_W, rows.weight_WK, columns.first_W, columns.weight_WK, table, out_HW)
    return out_HW


def _check_table(photos: Sequence[AnyArray], table: AnyArray) -> None:
    if len(table) != 1 << (8 * photos[0].dtype.itemsize):
        raise ValueError(f"a table of {len(table)} entries for numbers of {photos[0].dtype}")


def _check_places(photos: Sequence[AnyArray], start_NR: PlaceArray, offset_NM: PlaceArray) -> None:
    """The kernels do not look: a place outside would read another photo, or end the process."""
    if not start_NR.size:
        return
    start, offset = int(start_NR.max()), int(offset_NM.max())
    for photo in photos:
        if start + offset >= photo.size:
            raise IndexError(
                f"number {start + offset} of a stored photo of shape {photo.shape}: the shards are "
                "smaller than their index says"
            )


@kernel()
def _look_up(
    flat_P: AnyArray, start_R: PlaceArray, offset_M: PlaceArray, table: AnyArray, out_RM: AnyArray
) -> None:
    first, local_M, row_L, straight = _row(flat_P, offset_M)
    for r in range(start_R.size):
        here = start_R[r] + first
        if straight:
            run_M = flat_P[here : here + np.uint64(offset_M.size)]
            for m in range(offset_M.size):
                out_RM[r, m] = table[run_M[m]]
        else:
            row_L[:] = flat_P[here : here + np.uint64(row_L.size)]
            for m in range(offset_M.size):
                out_RM[r, m] = table[row_L[local_M[m]]]


@kernel()
def _convert(flat_P: AnyArray, start_R: PlaceArray, offset_M: PlaceArray, out_RM: AnyArray) -> None:
    first, local_M, row_L, straight = _row(flat_P, offset_M)
    for r in range(start_R.size):
        here = start_R[r] + first
        if straight:
            run_M = flat_P[here : here + np.uint64(offset_M.size)]
            for m in range(offset_M.size):
                out_RM[r, m] = run_M[m]
        else:
            row_L[:] = flat_P[here : here + np.uint64(row_L.size)]
            for m in range(offset_M.size):
                out_RM[r, m] = row_L[local_M[m]]


@kernel()
def _blend(
    photo_PP: AnyArray,
    row_H: npt.NDArray[np.float64],
    column_W: npt.NDArray[np.float64],
    table: AnyArray,
    out_HW: AnyArray,
) -> None:
    rows, columns = photo_PP.shape
    left_W = np.floor(column_W).astype(np.int64)
    right_W = np.minimum(left_W + 1, columns - 1)
    share_W = (column_W - left_W).astype(np.float32)
    first, end = left_W.min(), right_W.max() + 1
    line = np.empty(columns, np.float32)
    for r in range(row_H.size):
        above = int(row_H[r])
        below = min(above + 1, rows - 1)
        share = np.float32(row_H[r] - above)
        for c in range(first, end):
            upper, lower = table[photo_PP[above, c]], table[photo_PP[below, c]]
            line[c] = upper + share * (lower - upper)
        for c in range(column_W.size):
            before, after = line[left_W[c]], line[right_W[c]]
            out_HW[r, c] = before + share_W[c] * (after - before)


@kernel()
def _shrink(
    photo_PP: AnyArray,
    row_H: npt.NDArray[np.int64],
    weight_HK: npt.NDArray[np.float32],
    column_W: npt.NDArray[np.int64],
    weight_WK: npt.NDArray[np.float32],
    table: AnyArray,
    out_HW: AnyArray,
) -> None:
    columns = photo_PP.shape[1]
    first = max(0, column_W.min())
    end = min(columns, column_W.max() + weight_WK.shape[1])
    line = np.empty(columns, np.float32)
    for r in range(row_H.size):
        line[:] = 0
        for k in range(weight_HK.shape[1]):
            weight = weight_HK[r, k]
            if weight > 0:
                for c in range(first, end):
                    line[c] += weight * table[photo_PP[row_H[r] + k, c]]
        for c in range(column_W.size):
            total = np.float32(0)
            for k in range(weight_WK.shape[1]):
                if weight_WK[c, k] > 0:
                    total += weight_WK[c, k] * line[column_W[c] + k]
            out_HW[r, c] = total


@kernel()
def _row(
    flat_P: AnyArray, offset_M: PlaceArray
) -> tuple[np.uint64, npt.NDArray[np.uint32], AnyArray, bool]:
    """The lowest offset, offsets from there, room for the span, and whether it is one run.

    A row that is not one run is first copied, upwards: a mirrored row read downwards from a
    memory map waits for memory at every line of the cache, which costs three times as much.
    """
    first = offset_M.min()
    straight = True
    for m in range(offset_M.size):
        straight &= offset_M[m] == first + np.uint64(m)
    span = np.uint64(1) + offset_M.max() - first
    local_M = (offset_M - first).astype(np.uint32)
    return first, local_M, np.empty(span, flat_P.dtype), straight

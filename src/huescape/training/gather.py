"""Kernels that pick numbers out of stored photos and decode them on the way into a batch.

A stored number has at most 16 bits, so decoding is a lookup in a table of every value it can
have: one pass from the memory map to the batch, without a copy in between, and the same bits as
NumPy's conversions, which made the table.

Shape suffixes: N photos, P numbers of a stored photo (flattened), R rows and M numbers of a row
that are taken, L numbers from the lowest to the highest of them; H, W rows and columns of places
between pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
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

"""Kernels that pick numbers out of stored photos and decode them on the way into a batch.

A stored number has at most 16 bits, so decoding is a lookup in a table of every value it can
have: one pass from the memory map to the batch, without a copy in between, and the same bits as
NumPy's conversions, which made the table.

Shape suffixes: N photos, P numbers of a stored photo (flattened), R rows and M numbers of a row
that are taken, L numbers from the lowest to the highest of them.
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
    if len(table) != 1 << (8 * photos[0].dtype.itemsize):
        raise ValueError(f"a table of {len(table)} entries for numbers of {photos[0].dtype}")
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

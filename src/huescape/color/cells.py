"""The cells of a regular grid over the chroma plane, and a color's bin by the cell it falls in.

A cell holds its lower borders and not its upper ones; the last ones of each axis hold both, and
what lies beyond the grid falls in the outermost cell of its side. The borders are float64 numbers
and colors are compared with them exactly, so a color has one cell, on every machine.

Shape suffixes: N pixels, 2 chroma channels, Q bins, C cells along an axis.
"""

from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.color.cell_kernels import look_up
from huescape.color.encoding import nearest_bin

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]
Limits = tuple[tuple[float, float], tuple[float, float]]

#: In place of a bin, for a cell that is none.
DROPPED = -1


def cell_borders(limits: Limits, cells_per_axis: int) -> npt.NDArray[np.float64]:
    """Borders of equal cells along the two channels, (2, C + 1) float64.

    Each is the float64 next to the exact quotient of the limits as they are written, so that the
    third border of ten from -0.45 to 0.45 is -0.18, to the bit.

    Args:
        limits: ((low, high), (low, high)) of the two channels.
        cells_per_axis: C, 1 to 1024.
    Raises:
        HuescapeError: limits that do not rise or are not finite, or another number of cells.
    """
    if not 1 <= cells_per_axis <= 1024:
        raise HuescapeError(f"cells_per_axis is {cells_per_axis}: allowed is 1 to 1024")
    axes = []
    for low, high in limits:
        if not (np.isfinite([low, high]).all() and low < high):
            raise HuescapeError(f"limits are {low}, {high}: allowed are two rising numbers")
        first, span = Fraction(str(low)), Fraction(str(high)) - Fraction(str(low))
        steps = (first + span * Fraction(k, cells_per_axis) for k in range(cells_per_axis + 1))
        axes.append([float(step) for step in steps])
    return np.array(axes)


def cell_of(ab: FloatArray, borders: FloatArray) -> npt.NDArray[np.intp]:
    """Number of the cell that each color falls in: row (a or U) times C plus column. Exact.

    Args:
        ab: (..., 2) float32 or float64 chroma.
        borders: (2, C + 1), of `cell_borders`.
    Returns:
        (...) int, in 0..C * C - 1.
    Raises:
        HuescapeError: a wrong shape or dtype, or a value that is not finite.
    """
    return _looked_up(ab, borders, np.arange(_cells(borders)))


def cell_bin(
    ab: FloatArray, centers: FloatArray, borders: FloatArray, cells: IntArray
) -> npt.NDArray[np.intp]:
    """The bin whose cell each color falls in (Billaut et al. 2018). Exact.

    A color of a cell that is no bin's goes to the bin with the nearest center, the lower index at a
    tie.

    Args:
        ab: (..., 2) float32 or float64 chroma.
        centers: (Q, 2) the bins' mean chroma.
        borders: (2, C + 1) the cells' borders.
        cells: (Q,) the number of each bin's cell.
    Returns:
        (...) int, in 0..Q-1.
    Raises:
        HuescapeError: a wrong shape or dtype, a value that is not finite, or cells that do not fit
            the other arguments.
    """
    if len(cells) != len(centers):
        raise HuescapeError(f"{len(cells)} cells for {len(centers)} bins: allowed is one for each")
    index = np.asarray(own_bin(ab, borders, cells))
    dropped = index == DROPPED
    if dropped.any():
        index[dropped] = nearest_bin(ab[dropped], centers)
    return index


def own_bin(ab: FloatArray, borders: FloatArray, cells: IntArray) -> npt.NDArray[np.intp]:
    """As `cell_bin`, but `DROPPED` for a color of a cell that is no bin's."""
    bin_of_cell = np.full(_cells(borders), DROPPED, np.intp)
    if cells.dtype.kind != "i" or not ((cells >= 0) & (cells < len(bin_of_cell))).all():
        raise HuescapeError(f"a cell is no whole number from 0 to {len(bin_of_cell) - 1}")
    bin_of_cell[cells] = np.arange(len(cells))
    return _looked_up(ab, borders, bin_of_cell)


def _cells(borders: FloatArray) -> int:
    """C * C."""
    shape = np.shape(borders)
    if len(shape) != 2 or shape[0] != 2 or not (np.diff(borders) > 0).all():
        raise HuescapeError(f"borders have shape {shape}: allowed is (2, C + 1), rising")
    return int(shape[1] - 1) ** 2


def _looked_up(
    ab: FloatArray, borders: FloatArray, of_cell: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    """What `of_cell` has for the cell of each color."""
    ab = np.asarray(ab)
    if ab.ndim < 1 or ab.shape[-1] != 2:
        raise HuescapeError(f"chroma has shape {ab.shape}: allowed is (..., 2)")
    if ab.dtype not in (np.float32, np.float64):
        raise HuescapeError(f"chroma has dtype {ab.dtype}: allowed are float32 and float64")
    found_N = np.empty(ab.size // 2, np.intp)
    flat_2N = np.require(ab, requirements=["C", "A", "W"]).reshape(-1)
    rows_C, columns_C = np.require(borders, np.float64, requirements=["C", "A", "W"])
    if not look_up(flat_2N, rows_C, columns_C, of_cell, found_N):
        raise HuescapeError("a chroma value is not finite: allowed are finite numbers")
    return found_N.reshape(ab.shape[:-1])

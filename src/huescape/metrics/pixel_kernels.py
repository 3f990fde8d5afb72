"""What the scores count pixel by pixel, compiled: distances, hits and sums of levels.

Distances are computed in the colors' own dtype, one operation after the other; everything counted
is an integer, so no order of counting shows.

Shape suffixes: N pixels, C pixels of a chunk, Q bins, D distances; `_2N`, `_3N`, `_QD` are flat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.compiled import kernel

Array = npt.NDArray[Any]

_CHUNK = 2048


def flat(values: Array) -> Array:
    """Values in one line as the compiled code takes them: copied if strided or read-only."""
    return np.require(values, requirements=["C", "A", "W"]).reshape(-1)


@kernel()
def count_distances(
    predicted_2N: Array, true_2N: Array, bin_N: Array, columns: int, table_QD: Array
) -> bool:
    """Count each pixel in the row of its bin and the column of its distance, rounded up.

    The last of the columns is for everything beyond. False if a bin has no row.
    """
    column_C = np.empty(_CHUNK, np.int32)
    bins = len(table_QD) // columns
    for start in range(0, len(bin_N), _CHUNK):
        n = min(_CHUNK, len(bin_N) - start)
        part = slice(2 * start, 2 * (start + n))
        _round_up_distances(predicted_2N[part], true_2N[part], columns - 1, column_C[:n])
        for i in range(n):
            row = bin_N[start + i]
            if not 0 <= row < bins:
                return False
            table_QD[row * columns + column_C[i]] += 1
    return True


@kernel()
def _round_up_distances(predicted_2C: Array, true_2C: Array, last: int, column_C: Array) -> None:
    for i in range(len(column_C)):
        off_a = predicted_2C[2 * i] - true_2C[2 * i]
        off_b = predicted_2C[2 * i + 1] - true_2C[2 * i + 1]
        distance = np.ceil(np.sqrt(off_a * off_a + off_b * off_b))
        # Also false for NaN.
        column_C[i] = np.int32(distance) if distance < last else np.int32(last)


@kernel()
def count_hits(predicted_N: Array, true_N: Array, hits_Q: Array) -> bool:
    """Count the pixels of each true bin that is also the predicted one; false if it has no row."""
    for i in range(len(true_N)):
        row = true_N[i]
        if not 0 <= row < len(hits_Q):
            return False
        hits_Q[row] += np.int64(predicted_N[i] == row)
    return True


@kernel()
def squared_error(first_N: Array, second_N: Array) -> int:
    """Sum of squared differences of uint8 levels."""
    total = np.int64(0)
    for i in range(len(first_N)):
        difference = np.int32(first_N[i]) - np.int32(second_N[i])
        total += np.int64(difference * difference)
    return total  # type: ignore[return-value]


@kernel()
def opponent_sums(rgb_3N: Array) -> tuple[int, int, int, int]:
    """Sums of R - G, of its square, of R + G - 2 B, and of its square, of uint8 levels."""
    rg_total, rg_squares, yb_total, yb_squares = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for i in range(len(rgb_3N) // 3):
        red, green = np.int32(rgb_3N[3 * i]), np.int32(rgb_3N[3 * i + 1])
        rg, yb = red - green, red + green - 2 * np.int32(rgb_3N[3 * i + 2])
        rg_total += np.int64(rg)
        rg_squares += np.int64(rg * rg)
        yb_total += np.int64(yb)
        yb_squares += np.int64(yb * yb)
    return rg_total, rg_squares, yb_total, yb_squares  # type: ignore[return-value]

"""The cell that a color falls in, compiled.

Shape suffixes: N pixels, C cells along an axis; `_2N` is flat.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.compiled import kernel

Array = npt.NDArray[Any]


@kernel()
def number_cells(ab_2N: Array, rows_C: Array, columns_C: Array, cell_N: Array) -> bool:
    """Write each color's cell; false if a color is not finite.

    `rows_C` and `columns_C` are the lower borders of the cells along each axis and the last upper
    one, float64. What decides is the comparison with them, never the division that finds a start.
    """
    rows, columns = len(rows_C) - 1, len(columns_C) - 1
    per_row, per_column = (
        rows / (rows_C[rows] - rows_C[0]),
        columns / (columns_C[-1] - columns_C[0]),
    )
    for n in range(len(cell_N)):
        a, b = np.float64(ab_2N[2 * n]), np.float64(ab_2N[2 * n + 1])
        if not (math.isfinite(a) and math.isfinite(b)):
            return False
        row, column = _place(a, rows_C, per_row), _place(b, columns_C, per_column)
        cell_N[n] = row * columns + column
    return True


@kernel()
def _place(x: float, border_C: Array, per_unit: float) -> int:
    """The last cell whose lower border is not above x; the first or last where x is beyond all."""
    last = len(border_C) - 2
    place = int(min(max((x - border_C[0]) * per_unit, 0.0), float(last)))
    while place > 0 and x < border_C[place]:
        place -= 1
    while place < last and x >= border_C[place + 1]:
        place += 1
    return place

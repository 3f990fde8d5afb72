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
def look_up(ab_2N: Array, rows_C: Array, columns_C: Array, of_cell: Array, found_N: Array) -> bool:
    """Write what `of_cell` has for each color's cell; false if a color is not finite.

    `rows_C` and `columns_C` are the lower borders of the cells along each axis and the last upper
    one, float64. What decides is the comparison with them: the division that comes before it is off
    by one cell at most, since rounded borders that rise are off by less.
    """
    rows, columns = len(rows_C) - 1, len(columns_C) - 1
    per_row = rows / (rows_C[rows] - rows_C[0])
    per_column = columns / (columns_C[columns] - columns_C[0])
    for n in range(len(found_N)):
        a, b = np.float64(ab_2N[2 * n]), np.float64(ab_2N[2 * n + 1])
        if not (math.isfinite(a) and math.isfinite(b)):
            return False
        row = _place(a, rows_C, per_row, rows - 1)
        found_N[n] = of_cell[row * columns + _place(b, columns_C, per_column, columns - 1)]
    return True


@kernel(inline="always")
def _place(x: float, border_C: Array, per_unit: float, last: int) -> int:
    """The last cell whose lower border is not above x; the first or last where x is beyond all."""
    place = int(min(max((x - border_C[0]) * per_unit, 0.0), float(last)))
    # Without a branch: the colors of a photo could not be predicted.
    place -= int(x < border_C[place]) & int(place > 0)
    return place + (int(x >= border_C[place + 1]) & int(place < last))

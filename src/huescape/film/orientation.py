"""Films that are stored lying or mirrored, with a matrix that says how they are shown.

A network that learned from upright photos has to see the film upright; stored it stays as it was,
with its matrix. Shape suffixes: H rows and W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[Any]


@dataclass(frozen=True)
class Turn:
    """One of the eight ways in which a picture can lie: exchanged axes first, then turned ones."""

    exchanged: bool = False
    rows_turned: bool = False
    columns_turned: bool = False

    def upright(self, stored_HW3: Pixels) -> Pixels:
        """As it is shown, of what is stored; (H, W, …) or (W, H, …)."""
        x = np.swapaxes(stored_HW3, 0, 1) if self.exchanged else stored_HW3
        return self._turned(x)

    def stored(self, upright_HW3: Pixels) -> Pixels:
        """The inverse of `upright`."""
        x = self._turned(upright_HW3)
        return np.swapaxes(x, 0, 1) if self.exchanged else x

    def _turned(self, x: Pixels) -> Pixels:
        return x[:: -1 if self.rows_turned else 1, :: -1 if self.columns_turned else 1]


AS_IT_IS = Turn()


def turn_of(matrix: Sequence[int]) -> Turn | None:
    """The turn of a display matrix, or None of one that is more than a turn.

    Args:
        matrix: nine numbers (a b u, c d v, x y w) as in FFmpeg's `AV_PKT_DATA_DISPLAYMATRIX`: the
            pixel (column p, row q) is shown at column a p + c q + x, row b p + d q + y.
    """
    a, b, _, c, d = (int(value) for value in matrix[:5])
    if b == c == 0 and abs(a) == abs(d) != 0:
        return Turn(False, d < 0, a < 0)
    if a == d == 0 and abs(b) == abs(c) != 0:
        return Turn(True, b < 0, c < 0)
    return None

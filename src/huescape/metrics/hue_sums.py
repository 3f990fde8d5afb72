"""What each photo adds to the shifts of hue and chroma, so that those of any photos follow.

Shape suffixes: N photos, S sectors of true hue, K sums (see `metrics.hue`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.metrics.hue import SECTORS, SUMS, Shift, shifts


@dataclass(frozen=True)
class HueSums:
    """Of the headline's decoding: `ids_N` of the photos, and their `hue.hue_table`, int64."""

    ids_N: npt.NDArray[np.str_]
    table_NSK: npt.NDArray[np.integer[Any]]

    def __post_init__(self) -> None:
        """Raises HuescapeError for arrays that do not fit together."""
        shape = len(self.ids_N), SECTORS, len(SUMS)
        if self.table_NSK.shape != shape or self.table_NSK.dtype.kind not in "iu":
            raise HuescapeError("the sums of hues do not fit together")

    def shifts(self, chosen_N: npt.NDArray[np.bool_]) -> list[Shift]:
        """Of the chosen photos, by sector."""
        return shifts(self.table_NSK[chosen_N].sum(axis=0))

    def total(self, chosen_N: npt.NDArray[np.bool_]) -> Shift:
        """Of the chosen photos, over all hues: a mean of turns, whatever hue they start from."""
        return shifts(self.table_NSK[chosen_N].sum(axis=(0, 1))[None])[0]


#: The arrays of a `HueSums` in a file.
ARRAYS = tuple(field.name for field in fields(HueSums))

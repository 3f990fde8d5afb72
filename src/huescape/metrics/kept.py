"""What is kept of every photo, in a few blocks of numbers: as objects it takes ten times the room.

Shape suffixes: N photos.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Stack:
    """Arrays of one type and shape, one on the other."""

    def __init__(self, dtype: npt.DTypeLike, shape: tuple[int, ...] = ()) -> None:
        self._dtype, self._shape, self._bytes = np.dtype(dtype), shape, bytearray()

    def append(self, one: npt.ArrayLike) -> None:
        """Add one array (*shape), or of shape () a number."""
        self._bytes += np.asarray(one, self._dtype).reshape(self._shape).tobytes()

    def extend(self, several: npt.ArrayLike) -> None:
        """Add several at once, (n, *shape)."""
        self._bytes += np.asarray(several, self._dtype).reshape(-1, *self._shape).tobytes()

    def array(self) -> Array:
        """All of them, (N, *shape)."""
        return np.frombuffer(self._bytes, self._dtype).reshape(-1, *self._shape).copy()


class Rows(Sequence[dict[str, float | None]]):
    """Numbers by name, the same names in each row; None where a number is not finite.

    Those of the names `whole` are whole numbers. What is read is made anew each time.
    """

    def __init__(self, *whole: str) -> None:
        self._count, self._whole = 0, whole
        self._columns: dict[str, array[Any]] = {}

    def append(self, row: Mapping[str, float]) -> None:
        """Add a row."""
        if not self._columns:
            self._columns = {name: array("q" if name in self._whole else "d") for name in row}
        for name, column in self._columns.items():
            column.append(row[name])
        self._count += 1

    def column(self, name: str) -> Sequence[float]:
        """A column as numbers, NaN or infinite where a row has None; empty of no row."""
        return self._columns[name] if self._count else ()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: Any) -> Any:
        if not self._count:
            raise IndexError("no row")  # which ends a loop over them
        values = {name: column[place] for name, column in self._columns.items()}
        return {name: value if math.isfinite(value) else None for name, value in values.items()}

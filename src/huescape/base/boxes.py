"""Where a photo lies in the square that it was fitted into; the rest is padding."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Box(NamedTuple):
    """Pixels of a square: numbers for one photo, arrays (N,) for many."""

    top: Any
    left: Any
    height: Any
    width: Any

    @classmethod
    def of(cls, stored: Array) -> Self:
        """From the column `box` of shards: (4,) for one photo, (N, 4) for many."""
        return cls(*np.moveaxis(stored.astype(np.int64), -1, 0))

    def some(self, part: slice) -> Box:
        """Those of some of many photos."""
        return Box(*(side[part] for side in self))

    def seen_from(self, other: Box) -> Box:
        """The same pixels, counted from the upper left corner of `other`."""
        return Box(self.top - other.top, self.left - other.left, self.height, self.width)

    def cut(self, plane: Array) -> Array:
        """The photo's part (height, width, …) of one padded plane (S, S, …), as a view."""
        return plane[self.top : self.top + self.height, self.left : self.left + self.width]

    def holds(self, rows: Array, columns: Array) -> npt.NDArray[np.bool_]:
        """Which points lie on the photo: (h, w) of rows (h,) and columns (w,), or all with (N,)."""
        inside_h = _within(rows, self.top, self.height)
        inside_w = _within(columns, self.left, self.width)
        return inside_h[..., :, None] & inside_w[..., None, :]


def _within(places: Array, first: Any, count: Any) -> npt.NDArray[np.bool_]:
    first, end = np.asarray(first)[..., None], np.asarray(first + count)[..., None]
    inside: npt.NDArray[np.bool_] = (places >= first) & (places < end)
    return inside

"""How far the pixels of a picture are from some of them, along paths that shun its edges.

Shape suffixes: C planes; h, w pixels; E pairs of neighbors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

FloatArray = npt.NDArray[np.floating[Any]]

# Half of the eight neighbors, in rows and columns: the others are the same pairs.
_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))
# Crossing an edge of this height in one pixel is a distance of 1 ...
_EDGE = 0.13
# ... and with this power, above 1, a slope of the same height counts for less, the longer it is,
# so that a sky that brightens is one region; found by looking, as is what follows.
_POWER = 1.5
# The distance of the longer side of a flat picture.
_ACROSS = 0.4


def distances(
    planes_Chw: FloatArray, is_source_hw: npt.NDArray[np.bool_], limit: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The geodesic distance (h, w) to the nearest source, and that source's place in reading order.

    Beyond `limit` the distance is infinite, and the place means nothing.

    Args:
        planes_Chw: what an edge is a change of, in units of lightness from 0 to 1.
        is_source_hw: one or more.
    """
    height, width = is_source_hw.shape
    found, _, nearest = csgraph.dijkstra(
        _graph(planes_Chw),
        directed=False,
        indices=np.flatnonzero(is_source_hw),
        min_only=True,
        return_predecessors=True,
        limit=limit,
    )
    return found.reshape(height, width), nearest.reshape(height, width).astype(np.int64)


def _graph(planes_Chw: FloatArray) -> sparse.csr_array:
    """The distance of each pixel to its neighbors; each pair once."""
    _, height, width = planes_Chw.shape
    place_hw = np.arange(height * width).reshape(height, width)
    ends, lengths = [], []
    for down, right in _STEPS:
        rows = slice(height - down), slice(down, height)
        left, beyond = max(0, -right), width - max(0, right)
        columns = slice(left, beyond), slice(left + right, beyond + right)
        one, other = (planes_Chw[:, r, c] for r, c in zip(rows, columns, strict=True))
        apart = np.hypot(down, right)
        slope_hw = np.linalg.norm(other - one, axis=0) / apart
        flat = _ACROSS / max(height, width)
        lengths.append((((slope_hw / _EDGE) ** _POWER + flat) * apart).ravel())
        ends.append([place_hw[r, c].ravel() for r, c in zip(rows, columns, strict=True)])
    one_E, other_E = np.concatenate(ends, axis=1)
    pairs = np.concatenate(lengths), (one_E, other_E)
    return sparse.csr_array(pairs, shape=(height * width, height * width))

"""Where the bins of a color space lie: the gamut's grid, or the most frequent cells of the data.

Shape suffixes: N pixels, 2 chroma channels, Q or n bins, C cells, H half-planes.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull

from huescape.base.errors import HuescapeError
from huescape.color.cells import Limits, cell_borders, cell_of
from huescape.color.spaces import space as named_space

FloatArray = npt.NDArray[np.floating[Any]]

# Chroma is added up in units of 2^-20: integers, so that the order of addition cannot matter.
_CHROMA_UNIT = 2**20
# np.bincount adds in float64: a block of this many pixels stays below 2^53 and so is exact.
_BLOCK = 1 << 20
_CHROMA_LIMIT = 1 << 12


def gamut_centers(space: str = "lab", step: float = 10.0) -> npt.NDArray[np.float64]:
    """Grid points around the gamut of sRGB (Zhang et al. 2016), (Q, 2) float64.

    A grid point is kept when the closed square of half-width `step` around it touches the convex
    hull of the chroma of the sRGB cube; this is the rule that reproduces the published table of
    313 Lab bins at step 10. Order: by a (or U), then b (or V).

    Raises:
        HuescapeError: an unknown space, or a step that is not a positive number.
    """
    if not (np.isfinite(step) and step > 0):
        raise HuescapeError(f"step is {step}: allowed is a positive number")
    edges_N2 = _cube_edges_chroma(space)
    low = np.floor(edges_N2.min(axis=0) / step).astype(int) - 1
    high = np.ceil(edges_N2.max(axis=0) / step).astype(int) + 1
    numbers = [np.arange(low[axis], high[axis] + 1) for axis in (0, 1)]
    if len(numbers[0]) * len(numbers[1]) > 1 << 20:
        raise HuescapeError(f"step is {step}: too small for {space}, over a million grid points")
    grid_Q2 = np.stack(np.meshgrid(*numbers, indexing="ij"), axis=-1).reshape(-1, 2) * float(step)
    kept = grid_Q2[_square_touches_hull(grid_Q2, float(step), edges_N2)]
    return kept + 0.0  # no negative zeros


def _cube_edges_chroma(space: str) -> npt.NDArray[np.float64]:
    """Chroma of the 8-bit colors on the RGB cube's twelve edges, (3072, 2).

    The hull's corners all lie on them: for YUV because it is linear; for Lab a test checks that
    no color inside a face lies beyond the hull of the edges.
    """
    levels = np.arange(256) / 255
    edges = []
    for channel, (first, second) in product(range(3), product((0.0, 1.0), repeat=2)):
        edge = np.empty((256, 3))
        edge[:, channel] = levels
        edge[:, (channel + 1) % 3], edge[:, (channel + 2) % 3] = first, second
        edges.append(edge)
    return np.asarray(named_space(space).from_rgb(np.concatenate(edges))[:, 1:], np.float64)


def _square_touches_hull(
    grid_Q2: npt.NDArray[np.float64], half: float, points_N2: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Separating-axis test of the square around each grid point against the points' hull, (Q,).

    Two convex shapes are apart exactly when one of their edges' normals separates them: the
    square's (first line) or the hull's (second).
    """
    overlaps = (grid_Q2 + half >= points_N2.min(axis=0)) & (grid_Q2 - half <= points_N2.max(axis=0))
    half_planes_H3 = ConvexHull(points_N2).equations  # outward normal, offset: inside is <= 0
    normal_H2, offset_H = half_planes_H3[:, :2], half_planes_H3[:, 2]
    reach_H = half * np.abs(normal_H2).sum(axis=1)
    nearest_QH = (grid_Q2[:, :1] * normal_H2[:, 0] + grid_Q2[:, 1:] * normal_H2[:, 1]) + offset_H
    touches_Q: npt.NDArray[np.bool_] = (nearest_QH <= reach_H).all(axis=1)
    touches_Q &= overlaps.all(axis=1)
    return touches_Q


@dataclass(frozen=True)
class FrequentBins:
    """The most frequent cells of a grid over the chroma plane, most frequent first.

    Attributes:
        centers: (n, 2) float64, the mean chroma of each kept cell's pixels.
        counts: (n,) int64, the pixels inside each kept cell.
        cells: (n,) int64, the kept cells' numbers, row (a or U) times cells per axis plus column.
    """

    centers: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    cells: npt.NDArray[np.int64]


class CellHistogram:
    """Counts and chroma sums of the cells of a regular grid, taken in batch by batch.

    Everything is added in int64 (chroma in units of 2^-20, exact for up to 2^31 pixels a cell), so
    any order of batches and merges gives the same bits.

    Attributes:
        borders: (2, C + 1) float64, of the cells (see `cells`).
        counts: (C * C,) int64, the pixels of each cell. sums: (C * C, 2) int64, their chroma.
    """

    def __init__(self, limits: Limits, cells_per_axis: int) -> None:
        """Args: `limits` ((low, high), (low, high)) of the two channels; cells along each axis."""
        self.borders = cell_borders(limits, cells_per_axis)
        self.counts = np.zeros(cells_per_axis**2, np.int64)
        self.sums = np.zeros((cells_per_axis**2, 2), np.int64)

    def add(self, chroma: FloatArray) -> Self:
        """Take in pixels, (..., 2); a color beyond the limits counts in the outermost cell.

        Raises:
            HuescapeError: a wrong shape, a value that is not finite or beyond 4096.
        """
        chroma = np.asarray(chroma)
        if chroma.ndim < 1 or chroma.shape[-1] != 2:
            raise HuescapeError(f"chroma has shape {chroma.shape}: allowed is (..., 2)")
        pixels_N2 = chroma.reshape(-1, 2)
        for start in range(0, len(pixels_N2), _BLOCK):
            self._add_block(pixels_N2[start : start + _BLOCK].astype(np.float64))
        return self

    def _add_block(self, chroma_N2: npt.NDArray[np.float64]) -> None:
        if not np.abs(chroma_N2).max() <= _CHROMA_LIMIT:
            raise HuescapeError(f"a chroma value is not finite or beyond {_CHROMA_LIMIT}")
        cell_N, size = cell_of(chroma_N2, self.borders), len(self.counts)
        self.counts += np.bincount(cell_N, minlength=size)
        for channel in (0, 1):
            units_N = np.rint(chroma_N2[:, channel] * _CHROMA_UNIT)
            self.sums[:, channel] += np.bincount(cell_N, units_N, minlength=size).astype(np.int64)

    def frequent(self, n: int) -> FrequentBins:
        """The n most frequent cells, ties by cell number (ColorUNet's rule).

        Raises:
            HuescapeError: n is below 1 or above the number of cells that have pixels.
        """
        occupied = int(np.count_nonzero(self.counts))
        if not 1 <= n <= occupied:
            raise HuescapeError(f"n is {n}: allowed is 1 to {occupied}, the cells that have pixels")
        cells = np.argsort(-self.counts, kind="stable")[:n]
        counts = self.counts[cells]
        return FrequentBins(
            centers=self.sums[cells] / counts[:, None] / _CHROMA_UNIT,
            counts=counts,
            cells=cells.astype(np.int64),
        )

"""The nearest bins of any set of bins, exactly: a plane of cells with short candidate lists.

The plane around the bins is cut into square cells. For each cell, made once, the list of every bin
that can be among the k nearest of some point in the cell; most cells have very few. A color then
compares the bins of its cell's list only, with the same float64 arithmetic as a comparison with
all bins, so the answer is that of brute force, ties included. Colors outside the plane are
compared with all bins.

Shape suffixes: N pixels, 2 chroma channels, Q bins, K nearest, C cells, M candidates of a cell.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.errors import HuescapeError

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]

# Cells along the longer side: finer cells answer more colors outright but take longer to make
# (0.2 s for 313 bins at the coarse resolution, 0.1 s for 32 at the fine one).
_RESOLUTION_FINE, _FINE_BINS = 256, 64
_RESOLUTION_COARSE = 96
_BRUTE_FORCE_ROWS = 1 << 12
_BUILD_CELLS = 1 << 11


@dataclass(frozen=True)
class CandidateTable:
    """Candidate lists of one set of bins for the k nearest.

    Attributes:
        centers_Q2: the bins and, as row Q, a bin infinitely far away that pads the lists.
        k: the number of nearest bins that the lists are complete for.
        corner_2, cell: lower corner of the plane and the side of a cell.
        shape: cells along each axis.
        lists_CM: candidate bins in increasing order, padded with Q.
        only_C: the candidate where there is only one, else -1 (for k = 1).
    """

    centers_Q2: npt.NDArray[np.float64]
    k: int
    corner_2: npt.NDArray[np.float64]
    cell: float
    shape: tuple[int, int]
    lists_CM: npt.NDArray[np.intp]
    only_C: npt.NDArray[np.intp]

    def nearest(self, ab_N2: FloatArray) -> npt.NDArray[np.intp]:
        """Index (N,) of the nearest bin; the lower index at a tie.

        Raises:
            HuescapeError: a color is not finite.
        """
        cells_N, inside_N = self._cells(ab_N2)
        index_N = np.take(self.only_C, cells_N)
        index_N[~inside_N] = -1
        rest = np.flatnonzero(index_N < 0)
        if len(rest):
            index_N[rest] = self.search(ab_N2[rest])[0][:, 0]
        return index_N

    def search(self, ab_N2: FloatArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        """The k nearest bins, ordered by (distance, index), and the squared distances.

        Returns:
            index (N, K), squared distance (N, K) float64.
        Raises:
            HuescapeError: a color is not finite.
        """
        exact_N2 = ab_N2.astype(np.float64)
        cells_N, inside_N = self._cells(exact_N2)
        outside = np.flatnonzero(~inside_N)
        if not np.isfinite(exact_N2[outside]).all():
            raise HuescapeError("a chroma value is not finite: allowed are finite numbers")
        index_NK, squared_NK = self._first_k(exact_N2, self.lists_CM[cells_N])
        all_bins = np.arange(len(self.centers_Q2) - 1)
        for start in range(0, len(outside), _BRUTE_FORCE_ROWS):
            rows = outside[start : start + _BRUTE_FORCE_ROWS]
            lists = np.broadcast_to(all_bins, (len(rows), len(all_bins)))
            index_NK[rows], squared_NK[rows] = self._first_k(exact_N2[rows], lists)
        return index_NK, squared_NK

    def _first_k(
        self, ab_N2: npt.NDArray[np.float64], lists_NM: IntArray
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64]]:
        squared_NM = (ab_N2[:, 0, None] - self.centers_Q2[lists_NM, 0]) ** 2
        squared_NM += (ab_N2[:, 1, None] - self.centers_Q2[lists_NM, 1]) ** 2
        # The lists are in increasing order, so the first of equals is the lower index.
        if self.k == 1:
            order_NK = squared_NM.argmin(axis=1)[:, None]
        else:
            order_NK = squared_NM.argsort(axis=1, kind="stable")[:, : self.k]
        return (
            np.take_along_axis(lists_NM, order_NK, axis=1).astype(np.intp),
            np.take_along_axis(squared_NM, order_NK, axis=1),
        )

    def _cells(self, ab_N2: FloatArray) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
        """Cell number (0 outside the plane, and for NaN) and whether it is inside, each (N,)."""
        number_N = np.zeros(len(ab_N2), np.intp)
        inside_N = np.ones(len(ab_N2), np.bool_)
        for axis in (0, 1):
            place_N = ab_N2[:, axis] - np.float64(self.corner_2[axis])
            place_N *= 1 / self.cell
            inside_N &= (place_N >= 0) & (place_N < self.shape[axis])
            # NaN and infinity become cell 0; `inside` already says so.
            place_N[~inside_N] = 0
            number_N *= self.shape[axis]
            number_N += place_N.astype(np.intp)
        number_N[~inside_N] = 0
        return number_N, inside_N


def candidate_table(centers: FloatArray, k: int) -> CandidateTable:
    """The table of these bins (Q, 2) for the k nearest; made once per process and set of bins.

    Raises:
        HuescapeError: no bins, a wrong shape, values that are not finite, or k outside 1..Q.
    """
    centers_Q2 = np.asarray(centers, np.float64)
    if centers_Q2.ndim != 2 or centers_Q2.shape[1] != 2 or not np.isfinite(centers_Q2).all():
        raise HuescapeError(f"bins have shape {centers_Q2.shape}: allowed is (Q, 2), finite")
    if not 1 <= k <= len(centers_Q2):
        raise HuescapeError(f"neighbors is {k}: allowed is 1 to the {len(centers_Q2)} bins")
    return _build(centers_Q2.tobytes(), k)


@lru_cache(maxsize=8)
def _build(centers_bytes: bytes, k: int) -> CandidateTable:
    centers_Q2 = np.frombuffer(centers_bytes).reshape(-1, 2)
    low_2, high_2 = centers_Q2.min(axis=0), centers_Q2.max(axis=0)
    # Never so narrow that float64 rounding could carry a color past the lists' 1 % allowance.
    margin = max(float((high_2 - low_2).max()) / 4, 1e-6 * float(np.abs(centers_Q2).max())) or 1.0
    low_2, high_2 = low_2 - margin, high_2 + margin
    fine = k == 1 and len(centers_Q2) <= _FINE_BINS
    resolution = _RESOLUTION_FINE if fine else _RESOLUTION_COARSE
    cell = float((high_2 - low_2).max()) / resolution
    rows, columns = (int(n) for n in np.ceil((high_2 - low_2) / cell))
    a_C, b_C = (g.ravel() for g in np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"))
    middles_C2 = low_2 + (np.stack([a_C, b_C], axis=1) + 0.5) * cell
    lists_CM = _candidate_lists(middles_C2, cell, centers_Q2, k)
    single_C = lists_CM[:, 1] == len(centers_Q2)
    return CandidateTable(
        centers_Q2=np.vstack([centers_Q2, [np.inf, np.inf]]),
        k=k,
        corner_2=low_2,
        cell=cell,
        shape=(rows, columns),
        lists_CM=lists_CM,
        only_C=np.where(single_C, lists_CM[:, 0], -1),
    )


def _candidate_lists(
    middles_C2: npt.NDArray[np.float64], cell: float, centers_Q2: npt.NDArray[np.float64], k: int
) -> npt.NDArray[np.intp]:
    """Bins that can be among the k nearest of a point in the cell, padded with Q, (C, M >= 2)."""
    # A point can land in the neighboring cell by rounding, so every cell is taken 1 % larger.
    half = cell / 2 * 1.01
    possible_CQ = np.empty((len(middles_C2), len(centers_Q2)), np.bool_)
    for start in range(0, len(middles_C2), _BUILD_CELLS):
        part = slice(start, start + _BUILD_CELLS)
        offset_CQ2 = np.abs(middles_C2[part, None] - centers_Q2)
        nearest_CQ = (np.maximum(offset_CQ2 - half, 0) ** 2).sum(axis=2)
        farthest_CQ = ((offset_CQ2 + half) ** 2).sum(axis=2)
        # k bins are surely within the k-th smallest farthest distance of the cell.
        bound_C = np.partition(farthest_CQ, k - 1, axis=1)[:, k - 1]
        possible_CQ[part] = nearest_CQ <= bound_C[:, None]
    width = max(int(possible_CQ.sum(axis=1).max()), 2)
    cells, bins = np.nonzero(possible_CQ)
    first = np.searchsorted(cells, np.arange(len(middles_C2)))
    lists_CM = np.full((len(middles_C2), width), len(centers_Q2), np.intp)
    lists_CM[cells, np.arange(len(cells)) - first[cells]] = bins
    return lists_CM

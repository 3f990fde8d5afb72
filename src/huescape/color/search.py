"""The nearest bins of any set of bins, exactly: a plane of cells with short candidate lists.

The plane around the bins is cut into square cells. For each cell, made once, the list of every bin
that can be among the k nearest of some point in the cell; most cells have very few. A color then
compares the bins of its cell's list only, with the same float64 arithmetic as a comparison with
all bins, so the answer is that of brute force, ties included. Colors outside the plane are
compared with all bins.

Shape suffixes: N pixels, 2 chroma channels, Q bins, K nearest.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.color.search_kernels import LIMIT, Cells, encode, nearest, pack, split_cells

FloatArray = npt.NDArray[np.floating[Any]]

# Cells along a side. Where one bin is sought, fine cells answer most colors outright; where
# several are, every color is searched and finer cells would not make the lists much shorter.
_SIDE_ONE, _SIDE_SEVERAL = 1024, 128
# Lists of more entries in total are not refined: the table would take more memory than it is worth.
_MOST_ENTRIES = 1 << 22


@dataclass(frozen=True)
class CandidateTable:
    """Candidate lists of one set of bins for the k nearest.

    Attributes:
        k: the number of nearest bins that the lists are complete for.
        cells: the lists, as the compiled search takes them.
    """

    k: int
    cells: Cells

    def nearest(self, ab_N2: FloatArray, index_N: npt.NDArray[np.intp]) -> None:
        """Write the index of each color's nearest bin; the lower index at a tie.

        All arrays are C-contiguous; k is 1.

        Raises:
            HuescapeError: a color is not finite, or beyond 1e150.
        """
        if not nearest(ab_N2.reshape(-1), self.cells, index_N):
            _refuse(ab_N2)

    def encode(
        self,
        ab_N2: FloatArray,
        rows: npt.NDArray[np.int32],
        sigma: float,
        index_NK: npt.NDArray[np.uint16],
        weight_NK: npt.NDArray[np.float32],
    ) -> None:
        """Write the k nearest bins, ordered by (distance, index), and their weights, sum 1.

        Only the given rows are written. All arrays are C-contiguous.

        Raises:
            HuescapeError: one of these colors is not finite, or beyond 1e150.
        """
        double_variance = 2 * float(sigma) ** 2
        if not encode(ab_N2.reshape(-1), rows, self.cells, double_variance, index_NK, weight_NK):
            _refuse(ab_N2)


def _refuse(ab_N2: FloatArray) -> None:
    if not np.isfinite(ab_N2).all():
        raise HuescapeError("a chroma value is not finite: allowed are finite numbers")
    raise HuescapeError(f"a chroma value is beyond {LIMIT:g}: allowed are smaller numbers")


def candidate_table(centers: FloatArray, k: int) -> CandidateTable:
    """The table of these bins (Q, 2) for the k nearest; made once per process and set of bins.

    Raises:
        HuescapeError: no bins, a wrong shape, values that are not finite or beyond 1e150, or k
            outside 1..Q.
    """
    centers_Q2 = np.asarray(centers, np.float64)
    if centers_Q2.ndim != 2 or centers_Q2.shape[1] != 2 or not np.isfinite(centers_Q2).all():
        raise HuescapeError(f"bins have shape {centers_Q2.shape}: allowed is (Q, 2), finite")
    if not np.abs(centers_Q2).max(initial=0) <= LIMIT:
        raise HuescapeError(f"a bin is beyond {LIMIT:g}: allowed are smaller numbers")
    if not 1 <= k <= len(centers_Q2):
        raise HuescapeError(f"neighbors is {k}: allowed is 1 to the {len(centers_Q2)} bins")
    return _build(centers_Q2.tobytes(), k)


@lru_cache(maxsize=8)
def _build(centers_bytes: bytes, k: int) -> CandidateTable:
    centers_Q2 = np.frombuffer(centers_bytes).reshape(-1, 2).copy()
    low_2, high_2 = centers_Q2.min(axis=0), centers_Q2.max(axis=0)
    extent = float((high_2 - low_2).max())
    # Half as far again as the bins reach, on each side. Never so narrow that float64 rounding could
    # carry a color past the lists' 1 % allowance, or that a cell's square would be subnormal.
    margin = max(extent / 2, 1e-6 * float(np.abs(centers_Q2).max()), 1e-140)
    width = extent + 2 * margin
    corner_2 = (low_2 + high_2) / 2 - width / 2
    plane = (float(corner_2[0]), float(corner_2[1]), width)
    side = 1
    first_C = np.array([0, len(centers_Q2)], np.int32)
    bins_L = np.arange(len(centers_Q2), dtype=np.int32)
    most = _SIDE_ONE if k == 1 else _SIDE_SEVERAL
    # Lists of k bins cannot become shorter.
    while side < most and side**2 * k < len(bins_L) < _MOST_ENTRIES:
        first_C, bins_L = split_cells(first_C, bins_L, side, plane, centers_Q2, k)
        side *= 2
    code_C, lists_L = pack(first_C, bins_L, len(centers_Q2))
    return CandidateTable(
        k=k,
        cells=Cells(
            corner_a=plane[0],
            corner_b=plane[1],
            inverse=side / width,
            side=side,
            code_C=code_C,
            lists_L=lists_L.copy(),
            centers_a_Q=centers_Q2[:, 0].copy(),
            centers_b_Q=centers_Q2[:, 1].copy(),
        ),
    )

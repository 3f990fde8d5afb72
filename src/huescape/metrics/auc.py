"""Area under the curve of the share of pixels within a distance (Zhang et al. 2016, section 3.1).

acc(t) is the share of pixels whose predicted ab lies within t units of the true ab; AuC is its
integral over t in [0, 150], divided by 150, by the trapezoid rule at whole t. Up to half a unit of
rounding it equals 1 - mean(min(d, 150)) / 150.

Everything follows from one table of integers: how many pixels of each ground-truth bin lie at each
rounded-up distance. Tables of photos add up, so memory does not grow with the number of photos and
no order of the photos can change a score.

Shape suffixes: N pixels, 2 chroma channels (ab), Q bins, D = 152 distances, T = 151 thresholds.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.metrics import pixel_kernels
from huescape.metrics.accuracy import check_bins
from huescape.metrics.pixel_kernels import flat

FloatArray = npt.NDArray[np.floating[Any]]
Table = npt.NDArray[np.int64]

LAST_THRESHOLD = 150
DISTANCES = LAST_THRESHOLD + 2  # 0..150, and one column for everything beyond
#: The AuC of one pixel with no error, in the unit in which that of every pixel is a whole number.
UNITS = 2 * LAST_THRESHOLD
_UNITS_D = np.array([UNITS, *range(UNITS - 1, 0, -2), 0], np.int64)


def distance_table(
    predicted_N2: FloatArray, true_N2: FloatArray, bin_N: npt.NDArray[np.integer[Any]], bins: int
) -> Table:
    """Count the pixels of each ground-truth bin at each distance, rounded up.

    Args:
        predicted_N2: predicted ab in Lab units, before any clipping.
        true_N2: true ab.
        bin_N: the bin, 0..bins-1, of each true ab.
        bins: number of bins Q.
    Returns:
        (Q, D) int64: column t counts t - 1 < d <= t, column 0 only d = 0, the last one d > 150.
    Raises:
        HuescapeError: the arrays do not fit, or a bin is no integer or outside 0..bins-1.
    """
    shape = (len(bin_N), 2)
    if not predicted_N2.shape == true_N2.shape == shape:
        shapes = f"{predicted_N2.shape} and {true_N2.shape}"
        raise HuescapeError(f"predicted and true ab have shapes {shapes}: allowed is {shape}")
    check_bins(bin_N)
    table_QD = np.zeros(bins * DISTANCES, np.int64)
    predicted_2N, true_2N = flat(predicted_N2), flat(true_N2)
    if not pixel_kernels.count_distances(predicted_2N, true_2N, flat(bin_N), DISTANCES, table_QD):
        raise HuescapeError(f"a pixel's bin is outside 0 to {bins - 1}")
    return table_QD.reshape(bins, DISTANCES)


def curve(counts: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """acc(t) for t = 0..150 along the last axis: (..., D) counts to (..., T) shares.

    A row without any count gives NaN.
    """
    total = counts.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        shares: npt.NDArray[np.float64] = np.cumsum(counts, axis=-1)[..., :-1] / total
    return shares


def area(curve_T: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Trapezoid over whole t, divided by 150: (..., T) shares to (...) AuC in [0, 1]."""
    ends = (curve_T[..., 0] + curve_T[..., -1]) / 2
    whole: npt.NDArray[np.float64] = (curve_T[..., 1:-1].sum(axis=-1) + ends) / LAST_THRESHOLD
    return whole


def auc(table_QD: Table) -> float:
    """AuC over all pixels of a table; NaN when it has none."""
    return float(area(curve(table_QD.sum(axis=0))))


def units(table_QD: Table) -> npt.NDArray[np.int64]:
    """The AuC of each bin's pixels, summed over them, in `UNITS` of a pixel: (Q,) int64.

    The AuC of any set of pixels is the sum of its units, divided by `UNITS` and their number.
    """
    found: npt.NDArray[np.int64] = (table_QD * _UNITS_D).sum(axis=-1)
    return found


def weighted_auc(table_QD: Table, weight_Q: FloatArray) -> float:
    """AuC with each pixel weighted by its ground-truth bin; NaN when no pixel has any weight.

    With the weights of the training prior at lambda = 0 this is the published rebalanced AuC.
    """
    return float(area(weighted_curve(table_QD, weight_Q)))


def weighted_curve(table_QD: Table, weight_Q: FloatArray) -> npt.NDArray[np.float64]:
    """acc(t) (T,) with each pixel weighted by its ground-truth bin."""
    # Not BLAS: its order of summation differs between processors.
    return curve((table_QD * scaled(weight_Q)[:, None]).sum(axis=0))


def ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """part / whole, NaN where the whole is 0; as AuC, a sum of units over the most it can be."""
    with np.errstate(invalid="ignore"):
        return np.asarray(part / whole, np.float64)


def effective_number(pixels_Q: npt.NDArray[np.integer[Any]], weight_Q: FloatArray) -> float:
    """Kish's effective number of pixels, (sum w)^2 / sum w^2, from the pixel count of each bin.

    It says how many equally weighted pixels carry the rebalanced score; 0 without any weight.
    """
    scaled_Q = scaled(np.where(pixels_Q > 0, weight_Q, 0))
    squares = float((pixels_Q * scaled_Q**2).sum())
    return float((pixels_Q * scaled_Q).sum()) ** 2 / squares if squares > 0 else 0.0


def scaled(weight_Q: FloatArray) -> npt.NDArray[np.float64]:
    """Weights up to 1: only ratios count, and the weight of a nearly unseen bin may be huge."""
    weight_Q = np.asarray(weight_Q, np.float64)
    return weight_Q / (weight_Q.max(initial=0.0) or 1.0)


class AucAccumulator:
    """Tables of photos, added up.

    Attributes:
        table_QD: pixels by ground-truth bin and distance, of all photos so far.
        photos_Q: number of photos in which each bin occurs.
    """

    def __init__(self, bins: int) -> None:
        self.table_QD: Table = np.zeros((bins, DISTANCES), np.int64)
        self.photos_Q: npt.NDArray[np.int64] = np.zeros(bins, np.int64)

    def add(self, table_QD: Table) -> None:
        """Add the table of one photo."""
        self.table_QD += table_QD
        self.photos_Q += table_QD.any(axis=1)

    def pixels(self) -> npt.NDArray[np.int64]:
        """Number of pixels of each ground-truth bin, (Q,)."""
        counts: npt.NDArray[np.int64] = self.table_QD.sum(axis=1)
        return counts

    def macro_bins(self, min_pixels: int, min_photos: int) -> npt.NDArray[np.intp]:
        """The bins that the photos show often enough for a score of their own."""
        return np.flatnonzero((self.pixels() >= min_pixels) & (self.photos_Q >= min_photos))

    def macro_curve(self, min_pixels: int, min_photos: int) -> npt.NDArray[np.float64]:
        """Mean of acc(t) (T,) inside each of the `macro_bins`; NaN when there is none."""
        used = self.macro_bins(min_pixels, min_photos)
        if not len(used):
            return np.full(LAST_THRESHOLD + 1, np.nan)
        return np.asarray(curve(self.table_QD[used]).mean(axis=0))

    def macro_auc(self, min_pixels: int, min_photos: int) -> float:
        """Mean over the `macro_bins` of the AuC inside the bin; NaN when there is none.

        It is the rebalanced score with the test set's own frequencies, restricted to the bins
        where they can be known.
        """
        return float(area(self.macro_curve(min_pixels, min_photos)))

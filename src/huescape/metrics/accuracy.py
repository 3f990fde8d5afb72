"""Top-1 bin accuracy: is the predicted color in the same bin as the true one?

Both are put into the scoring bins (Lab-313 by default), whatever bins the system was trained with,
so that systems can be compared.

Shape suffixes: N pixels, Q bins.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.metrics import pixel_kernels
from huescape.metrics.pixel_kernels import flat

IntArray = npt.NDArray[np.integer[Any]]


def hits(predicted_N: IntArray, true_N: IntArray, bins: int) -> npt.NDArray[np.int64]:
    """Number of pixels of each true bin whose predicted bin is the same one, (Q,) int64.

    Raises HuescapeError when the arrays do not fit or are not integers, or a true bin is outside
    0..bins-1.
    """
    if predicted_N.shape != true_N.shape:
        shapes = f"{predicted_N.shape} and {true_N.shape}"
        raise HuescapeError(f"predicted and true bins have shapes {shapes}: allowed are equal ones")
    check_bins(predicted_N)
    check_bins(true_N)
    hits_Q = np.zeros(bins, np.int64)
    if not pixel_kernels.count_hits(flat(predicted_N), flat(true_N), hits_Q):
        raise HuescapeError(f"a pixel's bin is outside 0 to {bins - 1}")
    return hits_Q


def check_bins(bin_N: IntArray) -> None:
    """Raise HuescapeError unless the dtype of bins is an integer one."""
    if bin_N.dtype.kind not in "iu":
        raise HuescapeError(f"bins have dtype {bin_N.dtype}: allowed are integers")


def accuracy(hits_Q: IntArray, pixels_Q: IntArray) -> float:
    """Share of all pixels that are hits; NaN without pixels."""
    total = int(pixels_Q.sum())
    return int(hits_Q.sum()) / total if total else float("nan")


def balanced_accuracy(hits_Q: IntArray, pixels_Q: IntArray) -> float:
    """Mean share of hits over the true bins that occur at all; NaN without pixels.

    The macro-averaged recall (scikit-learn's `balanced_accuracy_score`).
    """
    seen = pixels_Q > 0
    return float((hits_Q[seen] / pixels_Q[seen]).mean()) if seen.any() else float("nan")

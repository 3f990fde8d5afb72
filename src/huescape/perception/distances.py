"""Distances of two sets of features: Fréchet's, and that of means in the space of a kernel.

Fréchet's (Dowson & Landau 1982; Heusel et al. 2017 took it for pictures) is that of the Gaussians
with the means and covariances of the sets. The other is the squared maximum mean discrepancy by
the kernel k(x, y) = (x y / F + 1)^3 of Bińkowski et al. (2018). What they are called by the names
of FID and KID is on the features of Inception v3 alone.

Shape suffixes: N, M members of a set, F features, R resamplings, D dimensions of a factor.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError

FloatArray = npt.NDArray[np.floating[Any]]

_BLOCK = 1000  # rows of a kernel's matrix at a time


def frechet(first_NF: FloatArray, second_MF: FloatArray) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), of sample covariances (N - 1 below).

    With C = R^T R of either set, tr (C1 C2)^(1/2) is the sum of the singular values of R1 R2^T: no
    root of a matrix is taken, and sets smaller than F give no complex numbers. An estimate of the
    distance of what the sets were drawn from that is too large, by more the fewer they are: two
    small sets of one kind are apart. Raises HuescapeError for sets of fewer than two, or that are
    not finite.
    """
    (mean_F, root_DF), (other_F, other_DF) = _moments(first_NF), _moments(second_MF)
    shared = np.linalg.svd(root_DF @ other_DF.T, compute_uv=False).sum()
    spread = float((root_DF**2).sum() + (other_DF**2).sum() - 2 * shared)
    # Of equal sets it is 0 up to rounding, and a distance is never below.
    return max(0.0, float(((mean_F - other_F) ** 2).sum()) + spread)


def kernel_distance(first_NF: FloatArray, second_NF: FloatArray) -> float:
    """The squared discrepancy of as many pairs, without bias; it can be below 0.

    The mean of k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i) over all i != j (Gretton et
    al. 2012, eq. 4). KID's mean of k(x, y) has the pairs i = j in it: it is without bias for sets
    that are independent, which a photo and what is made of it are not. Raises HuescapeError as
    `frechet` does, and for sets of two sizes.
    """
    first, second = _checked_pair(first_NF, second_NF)
    count = len(first)
    starts = range(0, count, _BLOCK)
    total = sum(float(_terms(first, second, k, k + _BLOCK).sum()) for k in starts)
    return total / (count * (count - 1))


def pair_terms(first_NF: FloatArray, second_NF: FloatArray) -> npt.NDArray[np.float64]:
    """The terms of `kernel_distance`, (N, N): symmetric, with 0 at i = j."""
    first, second = _checked_pair(first_NF, second_NF)
    return _terms(first, second, 0, len(first))


def resampled(
    terms_NN: npt.NDArray[np.float64], draws: Iterable[npt.NDArray[np.float64]]
) -> npt.NDArray[np.float64]:
    """`kernel_distance` with photo i drawn times_RN[:, i] times, (R,); NaN of one photo alone.

    A photo is never paired with itself, however often it was drawn: copies would look like pairs
    that are much alike.
    """
    found = []
    for times_RN in draws:
        total_R = ((times_RN @ terms_NN) * times_RN).sum(axis=1)
        pairs_R = times_RN.sum(axis=1) ** 2 - (times_RN**2).sum(axis=1)
        found.append(total_R / np.where(pairs_R > 0, pairs_R, np.nan))
    return np.concatenate(found)


def _terms(
    first_NF: FloatArray, second_NF: FloatArray, start: int, stop: int
) -> npt.NDArray[np.float64]:
    """Rows `start` to `stop` of the terms, (B, N): the memory does not grow with N squared."""
    one_BF, other_BF = first_NF[start:stop], second_NF[start:stop]
    terms_BN = _kernel(one_BF, first_NF) + _kernel(other_BF, second_NF)
    terms_BN -= _kernel(one_BF, second_NF) + _kernel(other_BF, first_NF)
    rows = np.arange(len(one_BF))
    terms_BN[rows, start + rows] = 0
    return terms_BN


def _moments(values_NF: FloatArray) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The mean (F,), and a factor (D, F) of the covariance, D at most F."""
    values = _checked(values_NF)
    mean_F = values.mean(axis=0)
    centered_NF = (values - mean_F) / np.sqrt(len(values) - 1)
    root_DF: npt.NDArray[np.float64] = np.asarray(np.linalg.qr(centered_NF, mode="r"))
    return mean_F, root_DF


def _checked_pair(
    first_NF: FloatArray, second_NF: FloatArray
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    first, second = _checked(first_NF), _checked(second_NF)
    if first.shape != second.shape:
        raise HuescapeError(
            f"features have shapes {first.shape} and {second.shape}: allowed are equal ones"
        )
    return first, second


def _checked(values_NF: FloatArray) -> npt.NDArray[np.float64]:
    values = np.asarray(values_NF, np.float64)
    if values.ndim != 2 or len(values) < 2:
        raise HuescapeError(
            f"features have shape {values.shape}: allowed is (N, F), of two photos or more"
        )
    if not np.isfinite(values).all():
        raise HuescapeError("features hold numbers that are not finite")
    return values


def _kernel(first_NF: FloatArray, second_MF: FloatArray) -> npt.NDArray[np.float64]:
    kernel_NM: npt.NDArray[np.float64] = (first_NF @ second_MF.T / first_NF.shape[1] + 1) ** 3
    return kernel_NM

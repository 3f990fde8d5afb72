"""The prior over bins, its smoothing, and the weights that rebalance rare colors.

Shape suffixes: Q bins, 2 chroma channels.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.color.portable import exp_negative

FloatArray = npt.NDArray[np.floating[Any]]

# The reciprocal of anything below would overflow float64: it counts as no mass.
_NO_MASS = np.finfo(np.float64).tiny
_UNNATURAL_SHARE = 0.25
_FLOOR = 1e-4
# Of the prior over the index, in MLEU.
_INDEX_POINTS = 1000


def smooth_prior(p: FloatArray, centers: FloatArray, sigma: float) -> npt.NDArray[np.float64]:
    """The prior spread by a Gaussian in the chroma plane (Zhang et al. 2016), (Q,) float64.

    Each bin's mass is shared among the bins that exist in proportion to exp(-d^2 / (2 sigma^2)),
    d the distance between the two bins' centers, so every bin's mass is conserved, at the gamut's
    edge too. sigma = 0 means no smoothing.

    Args:
        p: (Q,) mass of each bin, not negative: probabilities or counts.
        centers: (Q, 2) in chroma units.
        sigma: in chroma units, 0 or more.
    Raises:
        HuescapeError: shapes that do not fit, negative or no mass, or a negative sigma.
    """
    mass_Q = _checked_mass(p)
    centers_Q2 = _checked_centers(centers, len(mass_Q))
    squared_QQ = ((centers_Q2[:, None] - centers_Q2) ** 2).sum(axis=2)
    return _spread(mass_Q, squared_QQ, sigma)


def smooth_prior_by_index(p: FloatArray, sigma: float) -> npt.NDArray[np.float64]:
    """The prior spread by a Gaussian along the bins' index (MLEU's variant), (Q,) float64.

    The values are interpolated linearly to 1,000 points from the first bin to the last (to Q where
    there are more bins), spread there, each point's share among the points that exist as in
    `smooth_prior`, interpolated back, and scaled to the mass that they had. What it mixes depends
    on how the bins are ordered: along b in the gamut's grid, with a jump at each new a. sigma = 0
    means no smoothing, and no interpolation either.

    Args:
        p: (Q,) mass of each bin, not negative: probabilities or counts.
        sigma: in points, 0 or more; 5 of 1,000 points are 1.56 of 313 bins.
    Raises:
        HuescapeError: negative or no mass, or a negative sigma.
    """
    mass_Q = _checked_mass(p)
    if sigma == 0:
        return mass_Q
    last, points = len(mass_Q) - 1, max(_INDEX_POINTS, len(mass_Q))
    total = mass_Q.sum()
    place_P = np.arange(points, dtype=np.float64)
    fine_P = _interpolated(mass_Q / total, place_P * last / (points - 1))
    fine_P = _spread(fine_P, (place_P[:, None] - place_P) ** 2, sigma)
    spread_Q = _interpolated(fine_P, np.arange(last + 1) * (points - 1) / max(last, 1))
    return np.asarray(spread_Q * (total / spread_Q.sum()), np.float64)


def rebalancing_weights(
    p: FloatArray, lam: float, uniform_over: Literal["all", "occupied"] = "all"
) -> tuple[npt.NDArray[np.float64], int]:
    """Weights w ~ 1 / ((1 - lam) p + lam / Q) with sum(p w) = 1 (Zhang et al. 2016, eq. 4).

    A bin without mass gets weight 0 where the formula would divide by zero: at lam = 0, and with
    `uniform_over="occupied"`, where the uniform part covers only the bins that have mass, as in the
    released Caffe code.

    Args:
        p: (Q,) prior, smoothed or not; scaled to sum 1 first.
        lam: share of the uniform distribution, 0 to 1 (Zhang 0.5, ColorUNet's code 0.2).
        uniform_over: "all" bins as in the paper, or only "occupied" ones.
    Returns:
        weights (Q,) float64, and the number of bins without mass.
    Raises:
        HuescapeError: lam outside [0, 1], an unknown `uniform_over`, negative or no mass.
    """
    if not 0 <= lam <= 1:
        raise HuescapeError(f"lambda is {lam}: allowed is 0 to 1")
    if uniform_over not in ("all", "occupied"):
        raise HuescapeError(f"uniform_over is {uniform_over!r}: allowed are all, occupied")
    mass_Q = _checked_mass(p)
    prior_Q = mass_Q / mass_Q.sum()
    has_mass_Q = prior_Q >= _NO_MASS
    shared_Q = has_mass_Q if uniform_over == "occupied" else np.ones_like(has_mass_Q)
    mixed_Q = (1 - lam) * prior_Q + lam * shared_Q / np.count_nonzero(shared_Q)
    weights_Q = np.zeros_like(prior_Q)
    np.divide(1.0, mixed_Q, out=weights_Q, where=mixed_Q >= _NO_MASS)
    weights_Q /= (prior_Q * weights_Q).sum()
    return weights_Q, int(np.count_nonzero(~has_mass_Q))


def floored(p: FloatArray) -> npt.NDArray[np.float64]:
    """The prior with sum 1, then raised to 1e-4 where it is lower, (Q,) float64.

    Of a rarer bin too few pixels were seen to divide by how many, and none would divide by zero.

    Raises HuescapeError: negative or no mass.
    """
    mass_Q = _checked_mass(p)
    return np.asarray(np.maximum(mass_Q / mass_Q.sum(), _FLOOR), np.float64)


def looks_unnatural(p: FloatArray, centers: FloatArray) -> str | None:
    """A one-line warning where the prior's peak is far from gray, else None.

    Natural photos are mostly nearly gray, so their prior peaks at or beside (0, 0); passing 0-255
    floats to a conversion that expects 0-1 gives a prior with its peak at (-90, 90). The peak is
    called unnatural when it lies farther from gray than a quarter of the farthest bin's distance.
    """
    mass_Q = _checked_mass(p)
    centers_Q2 = _checked_centers(centers, len(mass_Q))
    saturation_Q = np.hypot(centers_Q2[:, 0], centers_Q2[:, 1])
    peak = int(mass_Q.argmax())
    if saturation_Q[peak] <= _UNNATURAL_SHARE * saturation_Q.max():
        return None
    first, second = centers_Q2[peak]
    share = mass_Q[peak] / mass_Q.sum()
    return (
        f"the prior peaks at ({first:.3g}, {second:.3g}) with {share:.1%} of all pixels, far from "
        "gray (0, 0), where natural photos peak: check the photos and their conversion"
    )


def _spread(
    mass_Q: npt.NDArray[np.float64], squared_QQ: npt.NDArray[np.float64], sigma: float
) -> npt.NDArray[np.float64]:
    """Share each bin's mass among all by a Gaussian of the squared distances; conserves mass."""
    if not (np.isfinite(sigma) and sigma >= 0):
        raise HuescapeError(f"sigma is {sigma}: allowed is 0 or a positive number")
    if sigma == 0:
        return mass_Q
    # A sigma too small for float64 leaves each bin alone, as its limit does.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        exponent_QQ = np.where(squared_QQ > 0, -squared_QQ / (2 * float(sigma) ** 2), 0.0)
    kernel_QQ = exp_negative(np.maximum(exponent_QQ, -1e6))
    # Sums along the first axis, row after row, not BLAS: the same bits on every machine.
    share_QQ = kernel_QQ / kernel_QQ.T.sum(axis=0)[:, None]
    return np.asarray((share_QQ * mass_Q[:, None]).sum(axis=0), np.float64)


def _interpolated(
    values_P: npt.NDArray[np.float64], place_Q: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Linear interpolation at places 0 to P - 1; each operation rounded by itself, as anywhere."""
    before_Q = place_Q.astype(np.int64)
    after_Q = np.minimum(before_Q + 1, len(values_P) - 1)
    share_Q = place_Q - before_Q
    result_Q: npt.NDArray[np.float64] = values_P[before_Q] * (1 - share_Q)
    return result_Q + values_P[after_Q] * share_Q


def _checked_mass(p: FloatArray) -> npt.NDArray[np.float64]:
    mass_Q = np.array(p, np.float64)
    if mass_Q.ndim != 1 or not (np.isfinite(mass_Q).all() and (mass_Q >= 0).all()):
        raise HuescapeError("a prior needs one finite number per bin, 0 or more")
    if not mass_Q.sum() > 0:
        raise HuescapeError("the prior has no mass: no pixel was counted")
    return mass_Q


def _checked_centers(centers: FloatArray, bins: int) -> npt.NDArray[np.float64]:
    centers_Q2 = np.asarray(centers, np.float64)
    if centers_Q2.shape != (bins, 2):
        raise HuescapeError(f"bins have shape {centers_Q2.shape}: allowed is ({bins}, 2)")
    return centers_Q2

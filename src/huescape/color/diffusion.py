"""Colors of some pixels diffused to all others, up to where the lightness changes.

Levin, Lischinski and Weiss 2004 (Colorization using Optimization, eq. 1 and 2), with the constants
of the authors' code (getColorExact.m), which the paper leaves open. The sum is over the pixels that
are no seeds, as there: its least is then 0, each of them the weighted mean of its neighbors, so
that no color lies outside the convex hull of the seeds.

Shape suffixes: h, w pixels; C planes that are diffused; P pixels in an order; 8 neighbors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import linalg

from huescape.base.errors import HuescapeError

FloatArray = npt.NDArray[np.floating[Any]]
_Places = npt.NDArray[np.int64]

# To the eight others of a window of 3 x 3, in rows and columns.
_STEPS = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
# Of the authors' code: 2 sigma^2 is this share of the variance in the window, ...
_SHARE = 0.6
# ... never so little that the neighbor most alike has less weight than this, before scaling, ...
_LEAST_WEIGHT = 0.01
# ... and never less than this.
_LEAST_SPREAD = 2e-6
# Of a part that is not divided further: about where factors have the fewest numbers.
_PART = 16


def diffuse(
    lightness_hw: FloatArray, seeds_Chw: FloatArray, is_seed_hw: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """The least squares of Levin et al.: (C, h, w), at the seeds what they are.

    Solved exactly, by one sparse LU factorization for all planes.

    Args:
        lightness_hw: in [0, 1].
        seeds_Chw: any finite floats; only those at the seeds are looked at.
        is_seed_hw: one or more.
    Raises:
        HuescapeError: no seed.
    """
    if not is_seed_hw.any():
        raise HuescapeError("no seed to diffuse from; allowed: one or more")
    flat_CP = np.where(is_seed_hw, seeds_Chw, 0.0).reshape(len(seeds_Chw), -1)
    order_P = dissection(*lightness_hw.shape)
    free_P = order_P[~is_seed_hw.ravel()[order_P]]
    if len(free_P):
        rows = _mean_of_neighbors(lightness_hw)[free_P]
        identity = sparse.eye_array(len(free_P), format="csc")
        factors = linalg.splu(
            (identity - rows[:, free_P]).tocsc(),
            permc_spec="NATURAL",  # for they are in a better order than any that SuperLU finds
            diag_pivot_thresh=0.0,  # each row of the matrix is dominated by its diagonal
            options={"SymmetricMode": True},
        )
        flat_CP[:, free_P] = factors.solve(rows @ flat_CP.T).T
    return flat_CP.reshape(seeds_Chw.shape)


def affinities(lightness_hw: FloatArray) -> npt.NDArray[np.float64]:
    """The weights (8, h, w) of each pixel's neighbors: sum 1, and 0 beyond the border.

    Each in proportion to exp(-(Y(r) - Y(s))^2 / 2 sigma_r^2), sigma_r from the window's variance.
    """
    height, width = lightness_hw.shape
    padded = np.pad(lightness_hw.astype(np.float64), 1, constant_values=np.nan)
    near_8hw = np.stack([padded[1 + y :, 1 + x :][:height, :width] for y, x in _STEPS])
    is_there_8hw = ~np.isnan(near_8hw)
    away_8hw = np.where(is_there_8hw, near_8hw - lightness_hw, 0.0)
    # Over the window, its middle included, whose difference from itself is 0.
    count_hw = is_there_8hw.sum(axis=0) + 1
    square_8hw = away_8hw**2
    variance_hw = square_8hw.sum(axis=0) / count_hw - (away_8hw.sum(axis=0) / count_hw) ** 2
    nearest_hw = np.where(is_there_8hw, square_8hw, np.inf).min(axis=0, initial=np.inf)
    spread_hw = np.maximum(_SHARE * variance_hw, nearest_hw / -np.log(_LEAST_WEIGHT))
    weight_8hw = np.exp(-square_8hw / np.maximum(spread_hw, _LEAST_SPREAD)) * is_there_8hw
    scaled_8hw: npt.NDArray[np.float64] = weight_8hw / weight_8hw.sum(axis=0)
    return scaled_8hw


def dissection(height: int, width: int) -> _Places:
    """The pixels of a picture, (P,) in reading order, in the order of nested dissection.

    (George 1973, Nested dissection of a regular finite element mesh.) A picture is cut by a line of
    pixels, which come last, and the parts likewise. A factorization in that order has about half
    the work of one in the order of least degree, whatever the seeds are.
    """
    pieces: list[_Places] = []
    parts = [np.arange(height * width).reshape(height, width)]
    while parts:
        part = parts.pop()
        if part.size <= _PART:
            pieces.append(part.ravel())
            continue
        part = part if len(part) >= part.shape[1] else part.T
        middle = len(part) // 2
        pieces.append(part[middle])
        parts += [part[:middle], part[middle + 1 :]]
    return np.concatenate(pieces[::-1])


def _mean_of_neighbors(lightness_hw: FloatArray) -> sparse.csr_array:
    """(P, P): what a plane is multiplied by for the weighted mean of each pixel's neighbors."""
    height, width = lightness_hw.shape
    y_hw, x_hw = np.mgrid[:height, :width]
    own_8hw = np.broadcast_to(y_hw * width + x_hw, (8, height, width))
    near_8hw = np.stack([(y_hw + y) * width + x_hw + x for y, x in _STEPS])
    weight_8hw = affinities(lightness_hw)
    there = weight_8hw > 0  # none is so small that it is 0 within the picture
    pairs = weight_8hw[there], (own_8hw[there], near_8hw[there])
    return sparse.csr_array(pairs, shape=(height * width, height * width))

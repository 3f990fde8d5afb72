"""Colors to bins: the nearest bin, soft weights on the nearest few, and the mass of each bin.

Chroma has the unit of its space. Ties are always broken by the lower bin index, so that two
machines write the same bytes.

Shape suffixes: N flattened pixels, 2 chroma channels, Q bins, K neighbors.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError
from huescape.color.lattice import find_lattice
from huescape.color.search import candidate_table

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.integer[Any]]

# Keeps the working space small, whatever the number of pixels.
_BLOCK = 1 << 18
_MASS_UNIT = 2**24
# Squares of other widths come near the ends of float64's range.
_LEAST_SIGMA, _MOST_SIGMA = 1e-100, 1e100


def nearest_bin(ab: FloatArray, centers: FloatArray) -> npt.NDArray[np.intp]:
    """Index of the bin nearest to each color; the lower index at a tie. Exact.

    Args:
        ab: (..., 2) float32 or float64 chroma.
        centers: (Q, 2) bins in the same space, any arrangement.
    Returns:
        (...) int, in 0..Q-1.
    Raises:
        HuescapeError: a wrong shape or dtype, or a value that is not finite. A value may be
            refused beyond 1e150.
    """
    ab_N2 = _pixels(ab)
    table = candidate_table(centers, 1)
    index_N = np.empty(len(ab_N2), np.intp)
    for part in _parts(len(ab_N2)):
        table.nearest(_plain(ab_N2[part]), index_N[part])
    return index_N.reshape(np.shape(ab)[:-1])


def soft_encode(
    ab: FloatArray,
    centers: FloatArray,
    neighbors: int = 5,
    sigma: float = 5.0,
    step: float | None = None,
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.float32]]:
    """Soft encoding on the nearest bins, weight ~ exp(-d^2 / (2 sigma^2)) (Zhang et al. 2016).

    The paper takes 5 neighbors, its released code 10.

    Args:
        ab: (..., 2) float32 or float64 chroma.
        centers: (Q, 2) bins in the same space, Q <= 65536.
        neighbors: K, 1..Q.
        sigma: of the Gaussian, in chroma units, 1e-100 to 1e100.
        step: the grid's step where the bins lie on a regular grid; None finds it. Bins that do
            not lie on such a grid are searched, with the same result.
    Returns:
        index (..., K) uint16 ordered by (distance, index), exact; weight (..., K) float32, sum 1,
        within 1e-6 of float64 arithmetic.
    Raises:
        HuescapeError: a wrong shape or dtype, a value that is not finite or beyond 1e150, K or
                sigma not allowed.
    """
    ab_N2 = _pixels(ab)
    neighbors, sigma = _whole(neighbors), _width(sigma)
    table = candidate_table(centers, neighbors)
    if len(centers) > 1 << 16:
        raise HuescapeError(f"{len(centers)} bins: allowed are at most 65536 for uint16 indices")
    lattice = find_lattice(np.asarray(centers, np.float64), step) if neighbors == 5 else None
    if lattice is not None and sigma < lattice.smallest_sigma():
        lattice = None
    index_NK = np.empty((len(ab_N2), neighbors), np.uint16)
    weight_NK = np.empty((len(ab_N2), neighbors), np.float32)
    for part in _parts(len(ab_N2)):
        block_N2, index, weight = _plain(ab_N2[part]), index_NK[part], weight_NK[part]
        if lattice is None:
            rest_N = np.arange(len(block_N2), dtype=np.int32)
        else:
            rest_N = lattice.encode_five(block_N2, sigma, index, weight)
        if len(rest_N):
            table.encode(block_N2, rest_N, sigma, index, weight)
    shape = (*np.shape(ab)[:-1], neighbors)
    return index_NK.reshape(shape), weight_NK.reshape(shape)


class BinMass:
    """The mass of each bin over any number of pixels, the same bits in any order.

    Weights are rounded to multiples of 2^-24 (half of float32's own precision near 1) and added as
    int64, which is exact for up to 5e11 pixels, so neither the order of pixels and shards nor a
    split over processes can change the result.
    """

    def __init__(self, bins: int) -> None:
        self.units = np.zeros(bins, np.int64)

    def add(self, index: IntArray, weight: FloatArray | None = None) -> Self:
        """Count indices (any shape, 0..Q-1), each with weight 1 or with `weight` (same shape)."""
        bins = len(self.units)
        index_N = np.asarray(index).reshape(-1)
        if len(index_N) and not (index_N.min() >= 0 and index_N.max() < bins):
            raise HuescapeError(f"a bin index is outside 0 to {bins - 1}")
        if weight is None:
            self.units += np.bincount(index_N, minlength=bins) * np.int64(_MASS_UNIT)
            return self
        weight_N = np.asarray(weight).reshape(-1)
        if len(weight_N) != len(index_N):
            raise HuescapeError(f"{len(weight_N)} weights for {len(index_N)} bin indices")
        # bincount adds float64, exact for integers up to 2^53: 2^20 weights of 2^24 at most.
        block = 1 << 20
        for start in range(0, len(index_N), block):
            part = weight_N[start : start + block]
            if not (part.min() >= 0 and part.max() <= 1 + 1e-6):
                raise HuescapeError("a weight is outside 0 to 1")
            units_N = np.rint(part.astype(np.float64) * _MASS_UNIT)
            sums = np.bincount(index_N[start : start + block], units_N, minlength=bins)
            self.units += sums.astype(np.int64)
        return self

    @property
    def mass(self) -> npt.NDArray[np.float64]:
        """Mass (Q,) in pixels, float64."""
        return self.units / _MASS_UNIT


def _pixels(ab: FloatArray) -> FloatArray:
    ab = np.asarray(ab)
    if ab.ndim < 1 or ab.shape[-1] != 2:
        raise HuescapeError(f"chroma has shape {ab.shape}: allowed is (..., 2)")
    if ab.dtype not in (np.float32, np.float64):
        raise HuescapeError(f"chroma has dtype {ab.dtype}: allowed are float32 and float64")
    return ab.reshape(-1, 2)


def _whole(neighbors: Any) -> int:
    if isinstance(neighbors, bool) or not isinstance(neighbors, int | np.integer):
        raise HuescapeError(f"neighbors is {neighbors!r}: allowed is an integer, at least 1")
    return int(neighbors)


def _width(sigma: Any) -> float:
    """As Python's float: one of float32 would make the weights' constants less exact."""
    with suppress(TypeError, ValueError, OverflowError):
        if _LEAST_SIGMA <= float(sigma) <= _MOST_SIGMA:
            return float(sigma)
    allowed = f"{_LEAST_SIGMA:g} to {_MOST_SIGMA:g}"
    raise HuescapeError(f"sigma is {sigma!r}: allowed is a number from {allowed}")


def _parts(pixels: int) -> Iterator[slice]:
    return (slice(start, start + _BLOCK) for start in range(0, pixels, _BLOCK))


def _plain(block_N2: FloatArray) -> FloatArray:
    """The block as the compiled code takes it: a copy where it is strided or read-only."""
    return np.require(block_N2, requirements=["C", "A", "W"])

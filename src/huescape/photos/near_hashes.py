"""All pairs of near 64-bit hashes among millions, exactly, without comparing every pair.

The bits are cut into bands. Where two hashes differ in at most d bits, and a band may differ in at
most r of its own, the r of all bands can be chosen so that one band of every such pair keeps to
its own: the sum of r + 1 over the bands has to be d + 1 (M. Norouzi, A. Punjani, D. J. Fleet, Fast
Exact Search in Hamming Space with Multi-Index Hashing, 2014). So of each band only those hashes are
compared that have nearly the same value of it. More bands of fewer bits make fewer values to look
up and more hashes of each; what the number of hashes makes cheapest is taken.

Shape suffixes: N hashes, X pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import comb
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from huescape.photos import near_hash_kernels

Hashes = npt.NDArray[np.uint64]

_WORD = 64
_CUTS = ((0,), (16, 16, 16, 16), (21, 21, 22))  # (0,): every pair is compared
_FOUND = 1 << 16  # pairs at a time


class _Band(NamedTuple):
    """Bits `shift` to `shift + width` of a hash, of which at most `limit` may differ."""

    shift: int
    width: int
    limit: int

    @property
    def mask(self) -> int:
        return ((1 << self.width) - 1) << self.shift

    @property
    def differences(self) -> int:
        """How many values differ from one in so few bits."""
        return sum(comb(self.width, bits) for bits in range(self.limit + 1))


def pairs_within(hashes_N: Hashes, distance: int) -> Iterator[tuple[int, int]]:
    """Yield every pair i < j whose hashes differ in at most `distance` bits, once, in any order."""
    bands = _bands(len(hashes_N), distance)
    for number, band in enumerate(bands):
        for pairs_X2 in _of_band(hashes_N, distance, band, bands[:number]):
            yield from map(tuple, np.sort(pairs_X2, axis=1).tolist())


def _bands(count: int, distance: int) -> list[_Band]:
    """Those that take the fewest comparisons and look-ups of `count` hashes."""
    return min((_cut(widths, distance) for widths in _CUTS), key=lambda bands: _cost(count, bands))


def _cut(widths: tuple[int, ...], distance: int) -> list[_Band]:
    if widths == (0,):
        return [_Band(0, 0, 0)]
    each, more = divmod(distance + 1, len(widths))
    limits = [each + (k < more) - 1 for k in range(len(widths))]
    shifts = np.cumsum((0, *widths)).tolist()
    bands = map(_Band, shifts, widths, limits)
    return [band._replace(limit=min(band.limit, band.width)) for band in bands if band.limit >= 0]


def _cost(count: int, bands: list[_Band]) -> float:
    """Look-ups and comparisons of hashes whose bits are random."""
    cost = 0.0
    for band in bands:
        compared = float(count) ** 2 / 2.0 ** (band.width + 1)
        cost += band.differences * (count + compared) + 2.0**band.width
    return cost


def _of_band(
    hashes_N: Hashes, distance: int, band: _Band, before: list[_Band]
) -> Iterator[npt.NDArray[np.int64]]:
    """Pairs of places (X, 2) that are near, by this band and none of those before it."""
    value_N = ((hashes_N & np.uint64(band.mask)) >> np.uint64(band.shift)).astype(np.int64)
    order_N = np.argsort(value_N, kind="stable")
    sizes = np.bincount(value_N, minlength=1 << band.width)
    differences = np.bitwise_count(np.arange(1 << band.width)) <= band.limit
    state_3, found_X2 = np.zeros(3, np.int64), np.empty((_FOUND, 2), np.int64)
    search = partial(
        near_hash_kernels.find,
        hashes_N[order_N],
        value_N[order_N],
        np.append(np.int64(0), np.cumsum(sizes)),
        np.flatnonzero(differences),
        np.uint64(distance),
        np.array([other.mask for other in before], np.uint64),
        np.array([other.limit for other in before], np.uint64),
    )
    while state_3[0] < len(hashes_N):
        count = search(state_3, found_X2)
        yield order_N[found_X2[:count]]

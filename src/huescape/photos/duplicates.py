"""Photos that look the same: a perceptual hash, an exact search for near hashes, and groups.

The hash is the DCT hash of C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions" (2010): the low frequencies of a small gray picture, each above or below their median.
Here the cosines are whole numbers, so that the hash has the same bits on every machine.

Shape suffixes: P side of the small gray picture, F frequencies, N photos, A and B photos of a tile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
from PIL import Image

_SIDE = 32
_FREQUENCIES = 8
_COSINE_BITS = 14
_TILE = 64, 4096

Hashes = npt.NDArray[np.uint64]


def perceptual_hash(image: Image.Image) -> int:
    """The 64-bit DCT hash of an RGB image of any size, in 0 .. 2**64 - 1.

    Scaling and recompression change up to 6 bits of it, a fifth more brightness or 2 % cut off at
    each edge up to 8 in most photos; a crop or a mirrored copy changes many. As 32 bits are always
    set, two hashes differ in an even number of bits.
    """
    small = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    gray_PP = np.asarray(small).astype(np.int64)
    low_FF = _COSINES_FP @ gray_PP @ _COSINES_FP.T
    coefficients = low_FF.reshape(-1)
    # The first is the mean gray, far above the others: it takes no part in the median.
    ranked = np.sort(coefficients[1:])
    bits = coefficients > ranked[len(ranked) // 2]
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def pairs_within(hashes_N: Hashes, distance: int) -> Iterator[tuple[int, int]]:
    """Yield every pair i < j whose hashes differ in at most `distance` bits, once.

    Exact, by brute force: N**2 / 2 XORs and bit counts, in tiles that stay in the cache.
    """
    for top in range(0, len(hashes_N), _TILE[0]):
        rows_A = hashes_N[top : top + _TILE[0]]
        for left in range(top, len(hashes_N), _TILE[1]):
            columns_B = hashes_N[left : left + _TILE[1]]
            bits_AB = np.bitwise_count(rows_A[:, None] ^ columns_B[None, :])
            if bits_AB.min() > distance:
                continue
            for row, column in np.argwhere(bits_AB <= distance).tolist():
                if top + row < left + column:
                    yield top + row, left + column


def groups(count: int, pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The connected components of `pairs` over 0 .. count - 1 that have two members or more.

    Members ascend, and so do the groups, by their first member (union-find, path halving).
    """
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for i, j in pairs:
        low, high = sorted((root(i), root(j)))
        parent[high] = low
    members: dict[int, list[int]] = {}
    for i in range(count):
        members.setdefault(root(i), []).append(i)
    return [group for group in members.values() if len(group) > 1]


def _cosines() -> npt.NDArray[np.int64]:
    """The lowest frequencies of the DCT-II, in units of 2**-14, (F, P)."""
    frequency_F1 = np.arange(_FREQUENCIES)[:, None]
    place_1P = np.arange(_SIDE)[None, :]
    cosines_FP = np.cos(np.pi * frequency_F1 * (2 * place_1P + 1) / (2 * _SIDE))
    scaled: npt.NDArray[np.int64] = np.rint(cosines_FP * 2**_COSINE_BITS).astype(np.int64)
    return scaled


_COSINES_FP = _cosines()

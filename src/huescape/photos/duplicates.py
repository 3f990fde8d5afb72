"""Photos that look the same: a perceptual hash, and groups of what is near (`near_hashes`).

The hash is the DCT hash of C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions" (2010): the low frequencies of a small gray picture, each above or below their median.
Here the cosines are whole numbers, so that the hash has the same bits on every machine.

Shape suffixes: P side of the small gray picture, F frequencies.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from PIL import Image

_SIDE = 32
_FREQUENCIES = 8
_COSINE_BITS = 14


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
        first = root(i)
        if first != i:  # most are alone: a list for each would take more room than their rows
            members.setdefault(first, [first]).append(i)
    return [members[first] for first in sorted(members)]


def _cosines() -> npt.NDArray[np.int64]:
    """The lowest frequencies of the DCT-II, in units of 2**-14, (F, P)."""
    frequency_F1 = np.arange(_FREQUENCIES)[:, None]
    place_1P = np.arange(_SIDE)[None, :]
    cosines_FP = np.cos(np.pi * frequency_F1 * (2 * place_1P + 1) / (2 * _SIDE))
    scaled: npt.NDArray[np.int64] = np.rint(cosines_FP * 2**_COSINE_BITS).astype(np.int64)
    return scaled


_COSINES_FP = _cosines()

"""The nearest training photo of each photo, by three measures of likeness.

Shape suffixes: N photos, T training photos, F features, M photos whose nearest are looked for at a
time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

#: What a photo's nearest is the nearest by.
BY = ("hash", "color", "gray")
_BLOCK = 256

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Marks:
    """What photos are compared by.

    Attributes:
        hash_N: perceptual hashes, uint64.
        color_NF, gray_NF: features of the photo, and of it without colors, each of length 1.
    """

    hash_N: npt.NDArray[np.uint64]
    color_NF: npt.NDArray[np.float32]
    gray_NF: npt.NDArray[np.float32]

    def some(self, rows: npt.NDArray[np.integer[Any]]) -> Marks:
        """Those of some photos."""
        return Marks(self.hash_N[rows], self.color_NF[rows], self.gray_NF[rows])


@dataclass(frozen=True)
class Neighbors:
    """Of each photo, the nearest by one measure, and how near it is by all three.

    Attributes:
        place_N: its number among the training photos.
        hamming_N: bits in which the hashes differ, 0 .. 64.
        color_N, gray_N: cosines of the features, -1 .. 1.
    """

    place_N: npt.NDArray[np.int64]
    hamming_N: npt.NDArray[np.int64]
    color_N: npt.NDArray[np.float64]
    gray_N: npt.NDArray[np.float64]


def unit(features_NF: FloatArray) -> npt.NDArray[np.float32]:
    """Features scaled to length 1; one without any stays 0."""
    features_NF = np.asarray(features_NF, np.float64)
    length_N1 = np.linalg.norm(features_NF, axis=1, keepdims=True)
    return (features_NF / np.where(length_N1 > 0, length_N1, 1)).astype(np.float32)


def nearest(photos: Marks, training: Marks, *, among: bool = False) -> dict[str, Neighbors]:
    """{one of BY: the nearest of T training photos of each photo}; the first of equally near ones.

    With `among`, photo n is training photo n, too, and is not its own neighbor.
    """
    found: dict[str, list[Neighbors]] = {by: [] for by in BY}
    for rows, likeness in _blocks(photos, training):
        if among:
            own = np.arange(len(rows)), rows
            for values_MT in likeness.values():
                values_MT[own] = -np.inf
        for by in BY:
            place_M = np.argmax(likeness[by], axis=1)
            picked = np.arange(len(rows)), place_M
            hamming_M = (-likeness["hash"][picked]).astype(np.int64)
            color_M, gray_M = (likeness[key][picked].astype(np.float64) for key in BY[1:])
            found[by].append(Neighbors(place_M.astype(np.int64), hamming_M, color_M, gray_M))
    return {by: _joined(parts) for by, parts in found.items()}


def _blocks(
    photos: Marks, training: Marks
) -> Iterator[tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.float32]]]]:
    """Rows of photos, and how like each is to every training photo, more is nearer."""
    for start in range(0, len(photos.hash_N), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(photos.hash_N)))
        some = photos.some(rows)
        bits_MT = np.bitwise_count(some.hash_N[:, None] ^ training.hash_N[None, :])
        yield (
            rows,
            {
                "hash": -bits_MT.astype(np.float32),
                "color": some.color_NF @ training.color_NF.T,
                "gray": some.gray_NF @ training.gray_NF.T,
            },
        )


def _joined(parts: list[Neighbors]) -> Neighbors:
    names = ("place_N", "hamming_N", "color_N", "gray_N")
    return Neighbors(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

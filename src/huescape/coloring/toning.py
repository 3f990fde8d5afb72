"""The tone of a print, such as sepia: the chroma that its grays have.

A colored picture has new chroma instead of the print's, so the tone is gone with it. `toning_of`
reads it off, lightness by lightness, to be laid over the new colors: a print in one tone, with no
other color, is then itself again.

Shape suffixes: H rows and W columns of the photo, S rows of a strip, N pixels, K levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.color.spaces import Space

FloatArray = npt.NDArray[np.floating[Any]]

_LEVELS = 32
# Of all pixels: with fewer, the mean of a level is that of specks.
_LEAST_SHARE = 1e-3


@dataclass(frozen=True)
class Toning:
    """The tone of one print.

    Attributes:
        lightness_K: rising, 0 to 1.
        chroma_K2: what grays of these are toned with, in units of the space.
    """

    lightness_K: npt.NDArray[np.float64]
    chroma_K2: npt.NDArray[np.float64]

    def at(self, lightness_SW: FloatArray) -> npt.NDArray[np.float32]:
        """The chroma (S, W, 2) of grays of lightness 0 to 1: between the levels, on a line."""
        toned = [np.interp(lightness_SW, self.lightness_K, x_K) for x_K in self.chroma_K2.T]
        return np.stack(toned, axis=-1).astype(np.float32)


def toning_of(rgb_HW3: npt.NDArray[np.uint8], space: Space) -> Toning:
    """The mean chroma of the pixels about as light, of a photo of 8 bits, at best a small one.

    That of a gray photo is 0, but for the rounding of `space`. That of a photo with colors of its
    own is their mean.
    """
    values_N3 = np.asarray(space.from_rgb(rgb_HW3), np.float64).reshape(-1, 3)
    low, high = space.lightness_range
    lightness_N = (values_N3[:, 0] - low) / (high - low)
    level_N = np.clip(lightness_N * _LEVELS, 0, _LEVELS - 1).astype(np.intp)
    count_L = np.bincount(level_N, minlength=_LEVELS)
    kept_K = np.flatnonzero(count_L >= max(1.0, _LEAST_SHARE * len(level_N)))
    columns = (lightness_N, *values_N3.T[1:])
    sums_3L = np.stack([np.bincount(level_N, column_N, _LEVELS) for column_N in columns])
    mean_3K = sums_3L[:, kept_K] / count_L[kept_K]
    return Toning(mean_3K[0], mean_3K[1:].T)

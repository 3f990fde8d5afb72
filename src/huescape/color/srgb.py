"""The sRGB curve (IEC 61966-2-1) between encoded values and linear light, both in [0, 1].

Shape suffixes: C cells of linear light, K borders between levels.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]


def linear_light(encoded: FloatArray) -> FloatArray:
    """Linear light of encoded values of any shape, in their dtype."""
    kind = encoded.dtype.type
    curved = np.power((np.maximum(encoded, 0) + kind(0.055)) / kind(1.055), kind(2.4))
    return np.where(encoded > kind(0.04045), curved, encoded / kind(12.92))


def gamma_encode(linear: FloatArray) -> FloatArray:
    """Encoded values of linear light of any shape, in its dtype, clipped to [0, 1]."""
    kind = linear.dtype.type
    linear = np.clip(linear, 0, 1)
    curved = kind(1.055) * np.power(linear, kind(1 / 2.4)) - kind(0.055)
    return np.clip(np.where(linear > kind(0.0031308), curved, linear * kind(12.92)), 0, 1)


@lru_cache(maxsize=2)
def level_borders(cells: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """What finds the 8-bit level of linear light without a power.

    Args:
        cells: equal cells of [0, 1], so many that none holds two borders: from 3295.
    Returns:
        (cells + 1,) uint8: the lowest level of each cell, and of 1; (256,) float64: where the
        level after each begins, the last at infinity.
    """
    border_K = np.append(linear_light((np.arange(255) + 0.5) / 255), np.inf)
    begin_C = np.arange(cells + 1) / cells
    return np.searchsorted(border_K, begin_C, side="right").astype(np.uint8), border_K

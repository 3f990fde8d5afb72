"""Colorfulness after Hasler & Suesstrunk, "Measuring colourfulness in natural images" (2003)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def colorfulness(rgb: npt.NDArray[np.uint8]) -> float:
    """The paper's M3 of one picture: 0 is gray, 109 "extremely colorful".

    sigma + 0.3 mu, with sigma and mu the lengths of the standard deviations and the means of
    rg = R - G and yb = (R + G) / 2 - B. The paper takes no absolute value of rg and yb; public
    code that does computes another score.

    Args:
        rgb: (..., 3) uint8.
    Returns:
        The score; 0 for a picture without pixels.
    """
    red, green, blue = (rgb[..., channel].astype(np.int64).ravel() for channel in range(3))
    rg_mean, rg_variance = _moments(red - green)
    yb_mean, yb_variance = _moments(red + green - 2 * blue)  # twice yb, which stays an integer
    spread = math.sqrt(rg_variance + yb_variance / 4)
    return spread + 0.3 * math.sqrt(rg_mean**2 + (yb_mean / 2) ** 2)


def _moments(values: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Mean and (population) variance, from sums of integers that are exact."""
    count = values.size
    if not count:
        return 0.0, 0.0
    total, squares = int(values.sum()), int((values * values).sum())
    return total / count, (squares * count - total * total) / count**2

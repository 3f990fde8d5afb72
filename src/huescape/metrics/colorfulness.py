"""Colorfulness after Hasler & Suesstrunk, "Measuring colourfulness in natural images" (2003)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from huescape.metrics.pictures import check_picture
from huescape.metrics.pixel_kernels import flat, opponent_sums


def colorfulness(rgb: npt.NDArray[np.uint8]) -> float:
    """The paper's M3 of one picture: 0 is gray, 109 "extremely colorful".

    sigma + 0.3 mu, with sigma and mu the lengths of the standard deviations and the means of
    rg = R - G and yb = (R + G) / 2 - B. The paper takes no absolute value of rg and yb; public
    code that does computes another score.

    Args:
        rgb: (..., 3) uint8.
    Returns:
        The score; 0 for a picture without pixels.
    Raises:
        HuescapeError: another shape or dtype.
    """
    check_picture(rgb)
    # Twice yb, so that it stays an integer.
    rg_total, rg_squares, yb_total, yb_squares = opponent_sums(flat(rgb))
    rg_mean, rg_variance = _moments(rg_total, rg_squares, rgb.size // 3)
    yb_mean, yb_variance = _moments(yb_total, yb_squares, rgb.size // 3)
    spread = math.sqrt(rg_variance + yb_variance / 4)
    return spread + 0.3 * math.sqrt(rg_mean**2 + (yb_mean / 2) ** 2)


def _moments(total: int, squares: int, count: int) -> tuple[float, float]:
    """Mean and (population) variance, from sums of integers that are exact."""
    if not count:
        return 0.0, 0.0
    return total / count, (squares * count - total * total) / count**2

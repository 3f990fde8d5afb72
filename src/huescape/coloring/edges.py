"""Few colors brought up to many pixels, with the lightness of every pixel as guide.

The guided filter of He et al. 2013 (Guided Image Filtering, eq. 5, 6 and 8) in its fast form (He
and Sun 2015, Fast Guided Filter): what it fits, chroma = slope x lightness + offset in a window, is
found on few pixels and applied to all. So a color ends where the lightness does, at the photo's own
resolution, and a large photo is painted strip by strip, which no library's filter allows: they take
guide and result whole.

Shape suffixes: 2 chroma channels; h, w pixels of what the network saw.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

FloatArray = npt.NDArray[np.floating[Any]]

#: Half the side of the window, less the pixel in its middle, in pixels that the network saw.
RADIUS = 4
#: What is added to the variance of the lightness (of 0 to 1) in a window: grain of less than its
#: root, 0.03, carries no color.
FLATNESS = 1e-3


def linear_fit(
    lightness_hw: FloatArray, chroma_2hw: FloatArray, radius: int = RADIUS, eps: float = FLATNESS
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Slope and offset, each (2, h, w) float32, by which chroma follows the lightness.

    Args:
        lightness_hw: the guide, in [0, 1].
        chroma_2hw: any floats.
        radius: the window has 2 radius + 1 pixels a side, fewer at the picture's border.
        eps: from 0; the larger, the flatter.
    """
    guide_hw = lightness_hw.astype(np.float64)
    count_hw = _sums(np.ones_like(guide_hw), radius)

    def mean(x_hw: FloatArray) -> FloatArray:
        return _sums(x_hw, radius) / count_hw

    mean_hw = mean(guide_hw)
    variance_hw = np.maximum(mean(guide_hw**2) - mean_hw**2, 0)
    fits = []
    for plane_hw in chroma_2hw.astype(np.float64):
        level_hw = mean(plane_hw)
        slope_hw = (mean(guide_hw * plane_hw) - mean_hw * level_hw) / (variance_hw + eps)
        fits.append((mean(slope_hw), mean(level_hw - slope_hw * mean_hw)))
    slope_2hw, offset_2hw = (np.stack(one).astype(np.float32) for one in zip(*fits, strict=True))
    return slope_2hw, offset_2hw


def _sums(x_hw: FloatArray, radius: int) -> FloatArray:
    """The mean over the window, with zeros beyond the border."""
    found: FloatArray = ndimage.uniform_filter(x_hw, 2 * radius + 1, mode="constant")
    return found

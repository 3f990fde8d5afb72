"""Fit a photo into a square.

Shape suffixes: H rows and W columns of the photo, S of the square.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.base.boxes import Box
from huescape.photos import lanczos


def fit(
    photo: Image.Image | npt.NDArray[np.uint8], size: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int16]]:
    """Fit an RGB photo into a square of `size` pixels: Lanczos, only ever downsampled, centered.

    Args:
        photo: an image of mode RGB, or uint8 (H, W, 4) of which the fourth byte is not read.
    Returns:
        (rgb, box): uint8 (S, S, 3), zero outside the box; int16 (4,) = top, left, height, width
        of the photo in it.
    """
    rgba_HW4 = np.asarray(photo.convert("RGBA")) if isinstance(photo, Image.Image) else photo
    height, width = rgba_HW4.shape[:2]
    scale = min(1.0, size / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    box = Box((size - height) // 2, (size - width) // 2, height, width)
    rgb_SS3 = np.zeros((size, size, 3), np.uint8)
    box.cut(rgb_SS3)[:] = lanczos.resample(rgba_HW4, width, height)
    return rgb_SS3, np.array(box, np.int16)

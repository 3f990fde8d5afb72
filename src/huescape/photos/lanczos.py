"""Lanczos resampling with antialiasing: Pillow's bytes, much faster.

Why not a library: shards are named by the hash of their bytes, so a resampler must give the same
bytes on every machine and after every change of it. Pillow's does, but slowly: it weighs one pixel
at a time. torch's is a level or two off. OpenCV's does not widen its filter when it shrinks, so it
aliases. Letting the JPEG decoder shrink the photo first gives other pixels as well:
`benchmarks/resampling.py` measures how far.

The arithmetic is that of Pillow 13, found again from its results: Lanczos with three lobes,
stretched by the scale when shrinking; coefficients in float64, normalized, then rounded to
multiples of 2^-22; sums in int32 from one half, shifted back and clipped to bytes. First across,
then down; the other way round where the height loses more than twice the pixels that the width
loses (older Pillows always go across first). A direction whose size stays is skipped.

All after the coefficients is integers and exact. The coefficients need a sine, and the last bit of
a sine differs from one system library to the next. That could change a coefficient only if it lay
within 1e-9 of the middle between two multiples of 2^-22, and a coefficient that is off by 2^-22
changes hardly one byte in ten thousand. Still, the sine here is a polynomial in basic operations,
so that it has the same bits everywhere.

Shape suffixes: H rows and W columns of the photo, h and w of the result, C channels, B bytes of a
row.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.photos import lanczos_kernels

Array = npt.NDArray[Any]


def resample(rgba_HW4: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    """Resample the colors of a photo to `width` x `height` pixels.

    Args:
        rgba_HW4: uint8 (H, W, 4), neither side 0; the fourth byte of a pixel is not read.
        width, height: of the result, from 1.
    Returns:
        RGB uint8 (h, w, 3).
    Raises:
        ValueError: another dtype or shape, or a side of 0.
    """
    if rgba_HW4.dtype != np.uint8 or rgba_HW4.ndim != 3 or rgba_HW4.shape[2] != 4:
        raise ValueError(f"pixels are {rgba_HW4.dtype} {rgba_HW4.shape}; expected uint8 (H, W, 4)")
    before_height, before_width = rgba_HW4.shape[:2]
    if min(before_height, before_width, width, height) < 1:
        raise ValueError(f"cannot resample {rgba_HW4.shape} to {width} x {height}: a side is 0")
    less_height, less_width = before_height - height, before_width - width
    if less_height > max(0, 2 * less_width):
        return _across(_down(rgba_HW4, height), width)
    return _down(_across(rgba_HW4, width), height)


def _across(rgba_HW4: Array, width: int) -> Array:
    """RGBA (H, W, 4) to RGB (H, w, 3)."""
    height, before = rgba_HW4.shape[:2]
    if before == width:
        return rgba_HW4[..., :3]
    pixels_HW = np.ascontiguousarray(rgba_HW4).view(np.uint32)[..., 0]
    rgb_Hw3 = np.empty((height, width, 3), np.uint8)
    out_HB = rgb_Hw3.reshape(height, 3 * width)
    lanczos_kernels.across(_frozen(pixels_HW), *_pass(before, width), out_HB)
    return rgb_Hw3


def _down(pixels_HWC: Array, height: int) -> Array:
    """(H, W, C) to (h, W, C)."""
    before, *shape = pixels_HWC.shape
    if before == height:
        return pixels_HWC
    pixels_hWC = np.empty((height, *shape), np.uint8)
    lanczos_kernels.down(
        _frozen(np.ascontiguousarray(pixels_HWC).reshape(-1)),
        *_pass(before, height),
        pixels_hWC.reshape(height, -1),
    )
    return pixels_hWC


@lru_cache(maxsize=64)  # the photos of a collection have few sizes; at most some megabytes
def _pass(before: int, after: int) -> tuple[Array, Array, Array]:
    found: tuple[Array, Array, Array] = lanczos_kernels.coefficients(before, after)
    return found


def _frozen(array: Array) -> Array:
    """A view that cannot be written to: kernels are compiled once for these, and once for others.

    Pillow's arrays are such views already.
    """
    view = array.view()
    view.flags.writeable = False
    return view

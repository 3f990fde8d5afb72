"""One color space for the scores: the ab of any system's prediction, before any clipping.

A system of another space than Lab predicts chroma that is joined with the photo's own lightness in
that space; the color that they make is scored by its ab. It may lie outside the sRGB gamut, where
clipping would flatter the prediction, so the conversion goes on beyond the gamut: the sRGB curve's
linear part below 0 and its power above 1, and the linear part of the Lab curve for negative XYZ.
Inside the gamut it is `color.spaces.rgb_to_lab`.

Arrays are float32 or float64, channels last, of any leading shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.errors import HuescapeError

FloatArray = npt.NDArray[np.floating[Any]]

# BT.601, and IEC 61966-2-1 relative to the D65 white: see `color.spaces`, which tests compare with.
_RED, _GREEN, _BLUE = 0.299, 0.587, 0.114
_U_MAX, _V_MAX = 0.436, 0.615
_XYZ_FROM_RGB = (
    (0.412453 / 0.95047, 0.357580 / 0.95047, 0.180423 / 0.95047),
    (0.212671, 0.715160, 0.072169),
    (0.019334 / 1.08883, 0.119193 / 1.08883, 0.950227 / 1.08883),
)


def unclipped_ab(lightness: FloatArray, chroma: FloatArray, space: str) -> FloatArray:
    """The ab of the colors with this lightness and chroma in `space`.

    Args:
        lightness: (...,) in the units of the space: L in [0, 100], Y in [0, 1].
        chroma: (..., 2): ab, or UV.
        space: `lab` or `yuv`.
    Returns:
        (..., 2) ab; for `lab` the chroma itself.
    Raises:
        HuescapeError: another space.
    """
    if space == "lab":
        return chroma
    if space != "yuv":
        raise HuescapeError(f"unknown color space {space!r}: allowed are lab, yuv")
    red = lightness + chroma[..., 1] * ((1 - _RED) / _V_MAX)
    blue = lightness + chroma[..., 0] * ((1 - _BLUE) / _U_MAX)
    green = (lightness - _RED * red - _BLUE * blue) / _GREEN
    linear = [_linear(channel) for channel in (red, green, blue)]
    fx, fy, fz = (
        _lab_curve(linear[0] * row[0] + linear[1] * row[1] + linear[2] * row[2])
        for row in _XYZ_FROM_RGB
    )
    return np.stack([500 * (fx - fy), 200 * (fy - fz)], axis=-1)


def _linear(encoded: FloatArray) -> FloatArray:
    """The sRGB curve undone, continued beyond [0, 1]."""
    curved = ((np.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(encoded > 0.04045, curved, encoded / 12.92)


def _lab_curve(t: FloatArray) -> FloatArray:
    """CIE's cube root with its linear part, continued below 0."""
    return np.where(t > 0.008856, np.cbrt(np.maximum(t, 0.008856)), 7.787 * t + 16 / 116)

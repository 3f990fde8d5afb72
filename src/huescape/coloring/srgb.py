"""Pixels of any profile to sRGB, strip by strip.

Shape suffixes: H rows and W columns of the photo.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from huescape.coloring import curves, profiles
from huescape.coloring.strips import strips

Pixels = npt.NDArray[Any]


def to_srgb(pixels: Pixels, icc: bytes) -> tuple[Pixels, list[str]]:
    """Pixels in sRGB, and words on a profile that could not be followed.

    Args:
        pixels: gray (H, W), RGB (H, W, 3) or CMYK (H, W, 4), uint8, the first two also uint16;
            may be changed where they lie.
        icc: the profile that they came with; empty for none, which is taken as sRGB.
    Returns:
        gray or RGB of the same dtype.
    """
    mode = "L" if pixels.ndim == 2 else "RGB" if pixels.shape[2] == 3 else "CMYK"
    words: list[str] = []
    found = None
    if icc:
        try:
            found = profiles.conversion(icc, mode)
        except profiles.ProfileError as error:
            words = [f"its color profile {error}; its pixels were taken as sRGB"]
    if mode == "CMYK":
        return _from_inks(pixels, found.apply if found else _without_profile), words
    if found is None or found.is_srgb:
        return pixels, words
    if pixels.dtype == np.uint16:
        return pixels, words + _deep(pixels, icc, found)
    if mode == "L":
        return profiles.gray_table(found.apply)[pixels], words
    for rows in strips(pixels.shape[:2]):
        pixels[rows] = np.asarray(found.apply(Image.fromarray(pixels[rows])))
    return pixels, words


def _without_profile(image: Image.Image) -> Image.Image:
    return image.convert("RGB")


def _from_inks(pixels_HW4: Pixels, change: profiles.Change) -> npt.NDArray[np.uint8]:
    out_HW3 = np.empty((*pixels_HW4.shape[:2], 3), np.uint8)
    for rows in strips(out_HW3.shape[:2]):
        strip = np.ascontiguousarray(pixels_HW4[rows])
        size = (strip.shape[1], strip.shape[0])
        out_HW3[rows] = np.asarray(change(Image.frombytes("CMYK", size, strip.tobytes())))
    return out_HW3


def _deep(levels: npt.NDArray[np.uint16], icc: bytes, found: profiles.Conversion) -> list[str]:
    """Levels of 16 bits to sRGB where they lie; words where that was not exact."""
    exact = curves.shaper(icc)
    if levels.ndim == 2 and icc[16:20] != b"GRAY":
        exact = None
    for rows in strips(levels.shape[:2]):
        levels[rows] = exact(levels[rows]) if exact else _coarse(levels[rows], found)
    return [] if exact else ["its color profile was followed with 8 bits a channel"]


def _coarse(levels: npt.NDArray[np.uint16], found: profiles.Conversion) -> npt.NDArray[np.uint16]:
    """By a conversion of 8 bits."""
    small = ((levels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if levels.ndim == 2:
        converted = profiles.gray_table(found.apply)[small]
    else:
        converted = np.asarray(found.apply(Image.fromarray(small)))
    return converted.astype(np.uint16) * np.uint16(257)

"""Where one scene ends and another begins, from the lightness of two frames.

A pan or a camera that shakes moves a picture; a cut changes it. So both frames are shrunk to 32
pixels and blurred a little, and laid over each other at every shift of up to a quarter of the
height and two fifths of the width: what is left over at the best shift, the mean absolute
difference where they overlap, is divided by the larger contrast (standard deviation) of the two.
Of rendered landscapes and of photos, no pan of up to a third of the width a frame leaves as much as
LIMIT, and 98 cuts in 100 leave more (docs/film.md). A cut that is missed mixes the colors of two
scenes; one that is not there costs a few frames of smoothing: so the limit lies near the pans.

Shape suffixes: h rows and w columns.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]

LIMIT = 0.3
_SIDE = 32
_BLUR = 0.8
_REACH = (0.25, 0.4)  # of the rows and columns
# Added to the contrast: two frames that are all but black differ by grain alone.
_GRAIN = 0.02


def is_cut(before_hw: Floats, now_hw: Floats) -> bool:
    """Whether two frames, lightness of 0 to 1 and of any size, are of different scenes."""
    return before_hw.shape != now_hw.shape or change(before_hw, now_hw, LIMIT) > LIMIT


def change(before_hw: Floats, now_hw: Floats, enough: float = 0.0) -> float:
    """What no shift explains between two frames of one size, in units of their contrast.

    No better shift is looked for where none at all leaves `enough` or less.
    """
    before, now = _thumbnail(before_hw), _thumbnail(now_hw)
    contrast = max(float(before.std()), float(now.std())) + _GRAIN
    least = float(np.abs(before - now).mean())
    if least / contrast <= enough:
        return least / contrast
    down, right = (int(side * reach) for side, reach in zip(now.shape, _REACH, strict=True))
    for rows in range(-down, down + 1):
        for columns in range(-right, right + 1):
            least = min(least, _left_over(before, now, rows, columns))
    return least / contrast


def _left_over(before: Floats, now: Floats, rows: int, columns: int) -> float:
    """The mean difference where they overlap, `before` moved down and right."""
    h, w = now.shape
    moved = before[max(0, -rows) : h - max(0, rows), max(0, -columns) : w - max(0, columns)]
    under = now[max(0, rows) : h + min(0, rows), max(0, columns) : w + min(0, columns)]
    return float(np.abs(moved - under).mean())


def _thumbnail(lightness_hw: Floats) -> npt.NDArray[np.float32]:
    h, w = lightness_hw.shape
    scale = _SIDE / max(h, w)
    size = max(1, round(w * scale)), max(1, round(h * scale))
    lightness_hw = np.ascontiguousarray(lightness_hw, np.float32)
    small = cv2.resize(lightness_hw, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), _BLUR), np.float32)

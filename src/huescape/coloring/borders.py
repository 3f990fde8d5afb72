"""The frame of a scanned print: paper, a mat, a black rebate, which is no part of the picture.

A border is looked for from each side inwards, at the photo's own resolution, and only as deep as it
goes. It is a band of one level, ends along a straight line, and has its like on the opposite side:
a sky does not, nor do the dark foregrounds and silhouettes that fill many a photo's lower edge.

Shape suffixes: H rows and W columns of the photo, S rows of a part.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Photo = npt.NDArray[Any]

# Of 255 levels: how far from its border a pixel may be, besides the border's own grain; how coarse
# that grain may be (median deviation); how far apart the levels of two sides may be.
_LIKE, _GRAIN, _SAME = 6.0, 4.0, 12.0
# Of a row: what dust and scratches may cover; what the picture has to cover beyond a straight end.
_DUST, _STRAIGHT = 0.05, 0.5
# Of a side: the thinnest and the thickest border, how soon its end has to be over.
_THINNEST, _THICKEST, _END = 0.01, 0.35, 0.02
_LEAST_SIDE = 16  # of a photo
_FRAMES = 3  # one in another: a rebate in a mat
_ROWS = 32  # looked at together


class Frame(NamedTuple):
    """What of a photo is its picture, as shares of its height and width, from 0 to 1."""

    top: float = 0.0
    bottom: float = 1.0
    left: float = 0.0
    right: float = 1.0

    def within(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """The picture's rows and columns in a photo of `size`, at least one of each."""
        return (
            _span(self.top, self.bottom, size[0]),
            _span(self.left, self.right, size[1]),
        )


#: All of it, without a border.
WHOLE = Frame()


class _Side(NamedTuple):
    depth: int
    level: float


def find_frame(rgb_HW3: Photo) -> Frame:
    """Where the borders of a photo, uint8 or uint16 (H, W, 3), end; all of it where it has none."""
    height, width = rgb_HW3.shape[:2]
    top, left, bottom, right = 0, 0, height, width
    for _ in range(_FRAMES):
        above, below, before, behind = _borders(rgb_HW3[top:bottom, left:right])
        if not above + below + before + behind:
            break
        top, bottom, left, right = top + above, bottom - below, left + before, right - behind
    return Frame(top / height, bottom / height, left / width, right / width)


def _span(first: float, last: float, count: int) -> slice:
    start = min(round(first * count), count - 1)
    return slice(start, max(round(last * count), start + 1))


def _borders(rgb_HW3: Photo) -> tuple[int, int, int, int]:
    """How deep the borders at the top, the bottom, the left and the right are, together a frame."""
    turned_WH3 = rgb_HW3.swapaxes(0, 1)
    parts = rgb_HW3, rgb_HW3[::-1], turned_WH3, turned_WH3[::-1]
    top, bottom, left, right = (_border(part) for part in parts)
    pairs = [pair for pair in ((top, bottom), (left, right)) if _alike(*pair)]
    # With two opposite sides, a third one of their level belongs to the frame.
    kept = (
        side.depth if any(_alike(side, pair[0]) for pair in pairs) else 0
        for side in (top, bottom, left, right)
    )
    return next(kept), next(kept), next(kept), next(kept)


def _alike(one: _Side, other: _Side) -> bool:
    return bool(one.depth and other.depth) and abs(one.level - other.level) <= _SAME


def _border(rgb_HW3: Photo) -> _Side:
    """The border at the top; depth 0 for none."""
    height, width = rgb_HW3.shape[:2]
    none = _Side(0, 0.0)
    if min(height, width) < _LEAST_SIDE:
        return none
    first_SW = _levels(rgb_HW3[: max(1, height // 200)])
    level = float(np.median(first_SW))
    grain = float(np.median(np.abs(first_SW - level)))
    if grain > _GRAIN:
        return none
    reach = _LIKE + 3 * 1.4826 * grain  # 3 standard deviations of normal grain
    depth = _depth(rgb_HW3, level, reach)
    if not max(2, round(_THINNEST * height)) <= depth <= _THICKEST * height:
        return none
    end_SW3 = rgb_HW3[depth : depth + max(3, round(_END * height))]
    return _Side(depth, level) if _others(end_SW3, level, reach).max() >= _STRAIGHT else none


def _depth(rgb_HW3: Photo, level: float, reach: float) -> int:
    """How many rows from the top are of the level, counted a little beyond the thickest border."""
    limit = int(_THICKEST * len(rgb_HW3)) + 1
    for start in range(0, limit, _ROWS):
        ended = np.flatnonzero(_others(rgb_HW3[start : start + _ROWS], level, reach) > _DUST)
        if len(ended):
            return start + int(ended[0])
    return limit


def _others(rgb_SW3: Photo, level: float, reach: float) -> npt.NDArray[np.floating[Any]]:
    """The share of each row (S,) that is not of the level."""
    return np.asarray((np.abs(_levels(rgb_SW3) - level) > reach).mean(axis=1))


def _levels(rgb_SW3: Photo) -> npt.NDArray[np.float32]:
    """Mean of the channels, 0 to 255."""
    scale = np.float32(255 / np.iinfo(rgb_SW3.dtype).max)
    return np.asarray(rgb_SW3.mean(axis=2, dtype=np.float32) * scale)

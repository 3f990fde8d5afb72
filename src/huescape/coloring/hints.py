"""A prediction with a person's hints: each turns its own region, and leaves the rest alone.

A hint is no seed of Levin et al. 2004 by itself: among a network's seeds one pixel cannot hold a
sky. So a region is looked for first, by the distance along paths that shun edges of the lightness
and of the network's colors (`regions`). What is near a hint is a seed of its color, what is far is
a seed of the network's, and between them the lightness decides, by the least squares of
`color.diffusion`. What is diffused is the hints' share, and their colors times it, so that where
they have none the picture stays as it is.

Shape suffixes: h, w pixels of what the network saw; P hints that lie on different ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from huescape.base.errors import ParamsError
from huescape.color.diffusion import diffuse
from huescape.color.spaces import Space
from huescape.coloring.borders import WHOLE, Frame
from huescape.coloring.painting import Field, along_lightness, field_of, unit
from huescape.coloring.prediction import Prediction
from huescape.coloring.regions import distances
from huescape.coloring.strokes import Hint, check_hints
from huescape.params.decodings import Decoding

FloatArray = npt.NDArray[np.floating[Any]]

# The distances up to which a pixel is the hint's, and from which on it is the network's.
_NEAR, _FAR = 0.5, 1.0
# The side of the window whose median leaves texture out of an edge.
_TEXTURE = 5
# How much more a change of chroma counts, in units of the space's scale, than one of lightness.
_CHROMA = 3.0


def hinted_field(
    prediction: Prediction,
    decoding: Decoding,
    hints: Sequence[Hint],
    photo_size: tuple[int, int],
    *,
    strength: float = 1.0,
    edges: bool,
) -> Field:
    """The chroma that a decoding gives, and around each hint the hint's.

    At the pixels of a hint it is the hint's own chroma, in a picture of the size that was seen.

    Args:
        hints: in pixels of the photo; several on one pixel of what was seen are averaged.
        photo_size: the photo's rows and columns.
        strength, edges: of the network's colors, as of `paint`.
    Raises:
        ParamsError: a hint outside the photo, or on the border of a print, which gets no color.
    """
    below = field_of(prediction, decoding, strength=strength, edges=edges)
    if not hints:  # most photos
        return below
    return Hinting(prediction).field(below, hints, photo_size)


class Hinting:
    """A prediction for a person's hints, which come and go: what they share is found once."""

    def __init__(self, prediction: Prediction) -> None:
        self._prediction, self._space = prediction, prediction.system.space
        self._lightness_hw = unit(prediction.lightness_hw, self._space)
        self._calm_hw = ndimage.median_filter(self._lightness_hw, _TEXTURE)

    def field(self, below: Field, hints: Sequence[Hint], photo_size: tuple[int, int]) -> Field:
        """The chroma of `below`, a field of the prediction, and around each hint the hint's.

        Arguments, and what is raised, are those of `hinted_field`, but that there is a hint.
        """
        check_hints(hints, photo_size)
        hints, photo_size = _in_frame(hints, self._prediction.frame, photo_size)
        rows = slice(0, below.source[0])
        own_hw2 = replace(below, frame=WHOLE).at(below.source, rows, self._lightness_hw)
        own_2hw = np.moveaxis(own_hw2, -1, 0)
        is_hint_hw, hints_2hw = _placed(hints, photo_size, below.source, self._space)
        change_2hw = self._change(own_2hw, is_hint_hw, hints_2hw)
        return replace(along_lightness(self._prediction, change_2hw, own=True), below=below)

    def _change(
        self, own_2hw: FloatArray, is_hint_hw: npt.NDArray[np.bool_], hints_2hw: FloatArray
    ) -> npt.NDArray[np.float32]:
        """What the hints add to the network's chroma, of each pixel that it saw."""
        planes_3hw = np.stack([self._calm_hw, *(own_2hw * (_CHROMA / self._space.chroma_scale))])
        distance_hw, nearest_hw = distances(planes_3hw, is_hint_hw, _FAR)
        is_near_hw = distance_hw <= _NEAR
        seeds_3hw = np.zeros((3, *is_hint_hw.shape))
        seeds_3hw[:2, is_near_hw] = hints_2hw.reshape(2, -1)[:, nearest_hw[is_near_hw]]
        seeds_3hw[2, is_near_hw] = 1  # the hints' share
        spread_3hw = diffuse(self._lightness_hw, seeds_3hw, is_near_hw | ~np.isfinite(distance_hw))
        change_2hw = spread_3hw[:2] - spread_3hw[2] * own_2hw
        return np.asarray(change_2hw, np.float32)


def _in_frame(
    hints: Sequence[Hint], frame: Frame, photo_size: tuple[int, int]
) -> tuple[list[Hint], tuple[int, int]]:
    """The hints in pixels of what a frame holds, and the size of that."""
    rows, columns = frame.within(photo_size)
    for x, y, _ in hints:
        if not (columns.start <= x < columns.stop and rows.start <= y < rows.stop):
            raise ParamsError(
                f"hint at {x:g},{y:g} lies on the border of the print, which gets no color; "
                f"allowed: x from {columns.start} to {columns.stop - 1}, "
                f"y from {rows.start} to {rows.stop - 1}"
            )
    size = (rows.stop - rows.start, columns.stop - columns.start)
    return [Hint(x - columns.start, y - rows.start, color) for x, y, color in hints], size


def _placed(
    hints: Sequence[Hint], photo_size: tuple[int, int], size: tuple[int, int], space: Space
) -> tuple[npt.NDArray[np.bool_], FloatArray]:
    """Which pixels of what was seen have a hint, (h, w), and its chroma there, (2, h, w)."""
    x_P, y_P = np.array([hint[:2] for hint in hints], np.float64).T
    rows_P = ((y_P + 0.5) * (size[0] / photo_size[0])).astype(np.int64)
    columns_P = ((x_P + 0.5) * (size[1] / photo_size[1])).astype(np.int64)
    at_P = np.minimum(rows_P, size[0] - 1) * size[1] + np.minimum(columns_P, size[1] - 1)
    rgb_1P3 = np.array([[hint.color for hint in hints]], np.uint8)
    chroma_P2 = space.from_rgb(rgb_1P3)[0, :, 1:]
    count = size[0] * size[1]
    number_N = np.bincount(at_P, minlength=count)
    sums = [np.bincount(at_P, chroma_P, count) for chroma_P in chroma_P2.T]
    means_2hw = (np.stack(sums) / np.maximum(number_N, 1)).reshape(2, *size)
    return (number_N > 0).reshape(size), means_2hw

"""A prediction painted onto a photo: its own lightness, pixel by pixel, and the new chroma.

In strips of rows: floats of a big photo would be large. Shape suffixes: H rows and W columns of the
photo, S rows of a strip; h, w of what the network sees; m, n of its output.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from huescape.color.decoding import join, upsample_chroma
from huescape.color.spaces import Space
from huescape.coloring.borders import WHOLE, Frame
from huescape.coloring.edges import RADIUS, linear_fit
from huescape.coloring.manner import Manner
from huescape.coloring.prediction import Prediction, as_rgb, predict, shrunk
from huescape.coloring.strips import strips
from huescape.coloring.toning import Toning, toning_of
from huescape.params.decodings import ANNEALED, Decoding
from huescape.systems.system import System

FloatArray = npt.NDArray[np.floating[Any]]
# What was diffused is linear in the lightness in the windows of that, 3 x 3; larger ones blur it.
_OWN_RADIUS = 1

# The longer side, in pixels, of the picture whose tone is measured.
_TONED = 512


@dataclass(frozen=True)
class Field:
    """Chroma for a picture of any size: points of it, and how it follows the lightness there.

    Attributes:
        points_2hw: the chroma of each point; with slopes, that of lightness 0.
        slopes_2hw: the change of chroma from the darkest to the lightest; None for none.
        stride: from one point to the next, in pixels of the picture that was seen.
        source: rows and columns of that picture.
        own_2hw: the chroma of each pixel of that picture, for one of just its size; None where
            points and slopes say that, too.
        below: another field, to which this one is added.
        frame: what of the picture was seen; around it there is no chroma.
        toning: what is added everywhere; None for nothing.
    """

    points_2hw: npt.NDArray[np.float32]
    slopes_2hw: npt.NDArray[np.float32] | None
    stride: int
    source: tuple[int, int]
    own_2hw: npt.NDArray[np.float32] | None = None
    below: Field | None = None
    frame: Frame = WHOLE
    toning: Toning | None = None

    def at(
        self, size: tuple[int, int], rows: slice, lightness_SW: FloatArray
    ) -> npt.NDArray[np.float32]:
        """Chroma (S, W, 2) of some rows of a picture of `size`, of lightness 0 to 1."""
        if self.below is not None:
            alone = replace(self, below=None)
            return alone.at(size, rows, lightness_SW) + self.below.at(size, rows, lightness_SW)
        chroma_SW2 = self._framed(size, rows, lightness_SW)
        return chroma_SW2 if self.toning is None else chroma_SW2 + self.toning.at(lightness_SW)

    def scaled(self, strength: float) -> Field:
        """The field with its own chroma times `strength`; what is below and the toning stay."""
        factor = np.float32(strength)
        parts = self.points_2hw, self.slopes_2hw, self.own_2hw
        points, slopes, own = (None if part is None else part * factor for part in parts)
        assert points is not None
        return replace(self, points_2hw=points, slopes_2hw=slopes, own_2hw=own)

    def _framed(
        self, size: tuple[int, int], rows: slice, lightness_SW: FloatArray
    ) -> npt.NDArray[np.float32]:
        high, wide = self.frame.within(size)
        seen = (high.stop - high.start, wide.stop - wide.start)
        if seen == size:
            return self._of_seen(size, rows, lightness_SW)
        chroma_SW2 = np.zeros((*lightness_SW.shape, 2), np.float32)
        first, last = max(rows.start, high.start), min(rows.stop, high.stop)
        if first < last:
            part = slice(first - rows.start, last - rows.start), wide
            part_rows = slice(first - high.start, last - high.start)
            chroma_SW2[part] = self._of_seen(seen, part_rows, lightness_SW[part])
        return chroma_SW2

    def _of_seen(
        self, size: tuple[int, int], rows: slice, lightness_SW: FloatArray
    ) -> npt.NDArray[np.float32]:
        if self.own_2hw is not None and size == self.source:
            return np.moveaxis(self.own_2hw[:, rows], 0, -1)
        chroma_2SW = self._spread(self.points_2hw, size, rows)
        if self.slopes_2hw is not None:
            change_2SW = self._spread(self.slopes_2hw, size, rows) * lightness_SW
            chroma_2SW = np.asarray(chroma_2SW + change_2SW, np.float32)
        return np.moveaxis(chroma_2SW, 0, -1)

    def _spread(
        self, x_2hw: npt.NDArray[np.float32], size: tuple[int, int], rows: slice
    ) -> npt.NDArray[np.float32]:
        x_12hw = torch.from_numpy(x_2hw)[None]
        spread_12SW = upsample_chroma(x_12hw, size, self.stride, self.source, rows)
        return np.asarray(spread_12SW[0].numpy(), np.float32)


#: No chroma, for a picture of any size.
GRAY = Field(np.zeros((2, 1, 1), np.float32), None, 1, (1, 1))


def colorize(
    system: System,
    photo: npt.NDArray[Any],
    decoding: Decoding = ANNEALED,
    size: int | None = None,
    *,
    strength: float = 1.0,
    edges: bool = Manner.edges,
    as_print: bool = False,
    keep_toning: bool = False,
) -> npt.NDArray[Any]:
    """Color a photo of any size.

    Args:
        photo: uint8 or uint16, RGB (H, W, 3), of which only the lightness is used, or gray (H, W).
        decoding: how a color is chosen from a distribution; a regression has none.
        size, as_print: as in `predict`.
        strength, edges, keep_toning: as in `paint`.
    Returns:
        RGB (H, W, 3) of the photo's dtype, with its own lightness except where a color leaves the
        gamut.
    Raises:
        HuescapeError: another shape or dtype. ParamsError: a size out of range.
    """
    prediction = predict(system, photo, size, as_print=as_print)
    return paint(
        prediction, photo, decoding, strength=strength, edges=edges, keep_toning=keep_toning
    )


def paint(
    prediction: Prediction,
    photo: npt.NDArray[Any],
    decoding: Decoding = ANNEALED,
    *,
    strength: float = 1.0,
    edges: bool = Manner.edges,
    keep_toning: bool = False,
) -> npt.NDArray[Any]:
    """The photo of a prediction in the colors of one decoding, (H, W, 3) of its dtype.

    Args:
        photo: the one that was predicted, or of its shape.
        strength: what the chroma is multiplied by; 0 is gray.
        edges: whether colors end where the lightness changes (`edges`), as diffused ones always do.
        keep_toning: whether the tone of a print, such as sepia, is added to the chroma (`toning`).
    """
    space = prediction.system.space
    field = field_of(prediction, decoding, strength=strength, edges=edges)
    rgb_HW3 = as_rgb(photo)
    if keep_toning:
        field = with_toning(field, rgb_HW3, space)
    return paint_field(space, field, rgb_HW3)


def with_toning(field: Field, rgb_HW3: npt.NDArray[Any], space: Space) -> Field:
    """The field with the tone of a print, such as sepia, on top of its chroma (`toning`)."""
    return replace(field, toning=toning_of(shrunk(rgb_HW3, _TONED), space))


def field_of(
    prediction: Prediction, decoding: Decoding, *, strength: float = 1.0, edges: bool
) -> Field:
    """The chroma that a decoding gives, for a picture of any size; arguments as of `paint`."""
    return _field_of(prediction, decoding, edges).scaled(strength)


def _field_of(prediction: Prediction, decoding: Decoding, edges: bool) -> Field:
    system, stride = prediction.system, prediction.system.network.stride
    points_2mn = prediction.chroma(decoding)
    source = (prediction.lightness_hw.shape[0], prediction.lightness_hw.shape[1])
    if system.diffuses(decoding):
        return along_lightness(prediction, points_2mn, own=True)
    if not edges:
        return Field(points_2mn, None, stride, source, frame=prediction.frame)
    seen_12hw = upsample_chroma(torch.from_numpy(points_2mn)[None], source, stride, source)
    return along_lightness(prediction, seen_12hw[0].numpy())


def along_lightness(
    prediction: Prediction, seen_2hw: npt.NDArray[np.float32], own: bool = False
) -> Field:
    """A field by the chroma of the pixels that were seen, which ends where the lightness changes.

    With `own`, that chroma follows the lightness already, and a picture of their size has it as it
    is.
    """
    guide_hw = unit(prediction.lightness_hw, prediction.system.space)
    slopes_2hw, offsets_2hw = linear_fit(guide_hw, seen_2hw, _OWN_RADIUS if own else RADIUS)
    source = (guide_hw.shape[0], guide_hw.shape[1])
    own_2hw = seen_2hw if own else None
    return Field(offsets_2hw, slopes_2hw, 1, source, own_2hw, frame=prediction.frame)


def paint_field(space: Space, field: Field, rgb_HW3: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The lightness of `rgb_HW3`, uint8 or uint16, with the chroma of `field`; of its dtype."""
    out_HW3 = np.empty(rgb_HW3.shape, rgb_HW3.dtype)
    size = (rgb_HW3.shape[0], rgb_HW3.shape[1])
    for rows in strips(size):
        lightness_SW = lightness(space, rgb_HW3[rows])
        chroma_SW2 = field.at(size, rows, unit(lightness_SW, space))
        out_HW3[rows] = _joined(space, lightness_SW, chroma_SW2, rgb_HW3.dtype)
    return out_HW3


def lightness(space: Space, rgb_SW3: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Lightness (S, W) float32, in the space's units, of levels of 8 or 16 bits."""
    if rgb_SW3.dtype == np.uint16:
        rgb_SW3 = rgb_SW3.astype(np.float32) / np.float32(65535)
    return np.ascontiguousarray(space.from_rgb(rgb_SW3)[..., 0], dtype=np.float32)


def unit(lightness_hw: FloatArray, space: Space) -> FloatArray:
    """Lightness as 0 to 1."""
    low, high = space.lightness_range
    return (lightness_hw - np.float32(low)) / np.float32(high - low)


def _joined(
    space: Space, lightness_SW: FloatArray, chroma_SW2: FloatArray, dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    if dtype == np.uint8:
        return join(lightness_SW, np.ascontiguousarray(chroma_SW2), space)
    rgb_SW3 = space.to_rgb(np.concatenate([lightness_SW[..., None], chroma_SW2], axis=-1))
    levels_SW3: npt.NDArray[Any] = np.rint(rgb_SW3 * np.float32(65535)).astype(np.uint16)
    return levels_SW3

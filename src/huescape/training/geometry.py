"""Which pixels and which targets of a stored photo a batch shows.

A photo is stored in a padded square. What is shown of it is a square window of the photo as
`GeometryParams.fit` fits it; pixel by pixel where the fitted photo has the size of the stored one,
and otherwise between pixels. Targets exist at stored points alone: shown is the nearest on the
photo.

Shape suffixes: N photos, W pixels of a window along one axis, w its targets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.boxes import Box
from huescape.params.geometry import shown_side, unaugmented_side
from huescape.params.systems import AugmentationParams, Fit, GeometryParams

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Geometry:
    """How photos of `size` pixels are shown, in windows of `window` pixels.

    Targets are the points stride // 2, stride // 2 + stride, … of a stored square; windows are
    multiples of the stride. `fit` and `side` are those of `GeometryParams`.
    """

    size: int
    window: int
    stride: int
    fit: Fit = "pad"
    side: int | None = None

    @classmethod
    def of(
        cls, augmentation: AugmentationParams, geometry: GeometryParams, size: int, stride: int
    ) -> Geometry:
        """That of a system whose photos are stored in squares of `size` pixels."""
        window = shown_side(augmentation, geometry, size)
        return cls(size, window, stride, geometry.fit, geometry.side)

    @property
    def unaugmented(self) -> Geometry:
        """All that can be shown of a photo: its square, or inside, the crop."""
        window = unaugmented_side(self.fit, self.side, self.window, self.size)
        return Geometry(self.size, window, self.stride, self.fit, self.side)

    def fitted(self, box: Box) -> tuple[Box, IntArray, IntArray]:
        """What is shown of stored squares (N,), and the height and width that it is fitted into."""
        if self.fit == "pad":
            whole_N = np.full_like(box.top, self.size)
            nothing_N = np.zeros_like(box.top)
            return Box(nothing_N, nothing_N, whole_N, whole_N), whole_N, whole_N
        if self.fit == "stretch":
            side_N = np.full_like(box.top, self.side or self.size)
            return box, side_N, side_N
        short_N = np.minimum(box.height, box.width)
        scale_N = np.maximum(short_N, self.side or self.window) / short_N
        height_N, width_N = np.rint(box.height * scale_N), np.rint(box.width * scale_N)
        return box, height_N.astype(np.int64), width_N.astype(np.int64)


@dataclass(frozen=True)
class Axis:
    """One axis of N windows.

    Attributes:
        pixels_NW: places in the stored square, in pixels.
        targets_Nw: numbers of stored targets.
        points_Nw: their places in the stored square, in pixels.
    """

    pixels_NW: FloatArray
    targets_Nw: IntArray
    points_Nw: IntArray


@dataclass(frozen=True)
class View:
    """What is shown of N photos: rows, columns, and which photos are shown pixel by pixel."""

    rows: Axis
    columns: Axis
    exact_N: BoolArray


@dataclass(frozen=True)
class Place:
    """Where a window lies: shares (N,) of the way down and right, from 0 to below 1; and whether
    it is mirrored, top and bottom or left and right."""

    down_N: FloatArray
    right_N: FloatArray
    upside_down_N: BoolArray
    mirrored_N: BoolArray

    @classmethod
    def middle(cls, count: int) -> Place:
        """As it is, in the middle."""
        half_N, no_N = np.full(count, 0.5), np.zeros(count, bool)
        return cls(half_N, half_N, no_N, no_N)


def view(geometry: Geometry, box: Box, place: Place) -> View:
    """The windows at `place` of photos that lie in `box`.

    Windows shown pixel by pixel begin at multiples of the stride, so that their targets are stored
    ones. A grid of even stride is not its own mirror image (4: points 2, 6, …, mirrored 1, 5, …): a
    mirrored window lies one pixel further down or right, and repeats the last pixel where there is
    none. A photo in which no window begins at a multiple of the stride is shown from any pixel.
    """
    source, height_N, width_N = geometry.fitted(box)
    down = _Line(geometry, source.top, source.height, height_N)
    right = _Line(geometry, source.left, source.width, width_N)
    exact_N = down.can_be_exact_N & right.can_be_exact_N
    return View(
        down.axis(place.down_N, place.upside_down_N, exact_N),
        right.axis(place.right_N, place.mirrored_N, exact_N),
        exact_N,
    )


class _Line:
    """One axis of N photos, which lie at `start_N` and are fitted from `length_N` into
    `fitted_N` pixels."""

    def __init__(
        self, geometry: Geometry, start_N: IntArray, length_N: IntArray, fitted_N: IntArray
    ) -> None:
        self.window, self.stride, self.size = geometry.window, geometry.stride, geometry.size
        self.start_N, self.length_N, self.fitted_N = start_N, length_N, fitted_N
        self.first_N = -(-start_N // self.stride)
        self.places_N = (start_N + length_N - self.window) // self.stride - self.first_N + 1
        self.can_be_exact_N = (fitted_N == length_N) & (self.places_N > 0)

    def axis(self, share_N: FloatArray, mirrored_N: BoolArray, exact_N: BoolArray) -> Axis:
        """The windows at `share_N` of the way."""
        last_N1 = (self.start_N + self.length_N - 1)[:, None]
        number_W = np.arange(self.window)
        number_NW = np.where(mirrored_N[:, None], number_W[::-1], number_W)
        exact_start_N = (self.first_N + np.floor(share_N * self.places_N)) * self.stride
        exact_start_N += np.where(mirrored_N, (self.stride + 1) % 2, 0)
        offset_N = np.floor(share_N * (self.fitted_N - self.window + 1))
        step_N = self.length_N / self.fitted_N
        between_NW = (offset_N[:, None] + number_NW + 0.5) * step_N[:, None] - 0.5
        between_NW += self.start_N[:, None]
        pixels_NW = np.where(exact_N[:, None], exact_start_N[:, None] + number_NW, between_NW)
        pixels_NW = np.clip(pixels_NW, self.start_N[:, None], last_N1)
        point, side = self.stride // 2, self.size // self.stride
        wanted_Nw = pixels_NW[:, point :: self.stride]
        targets_Nw = nearest_targets(wanted_Nw, self.start_N[:, None], last_N1, self.stride, side)
        return Axis(pixels_NW, targets_Nw, point + targets_Nw * self.stride)


def nearest_targets(
    wanted: FloatArray | IntArray, first: Any, last: Any, stride: int, side: int
) -> IntArray:
    """Along one axis, the stored targets nearest to `wanted` (places in pixels).

    Those between the pixels `first` and `last`, or where there is none, any of the `side` targets.
    """
    point = stride // 2
    nearest = np.rint((wanted - point) / stride).astype(np.int64)
    nearest = np.clip(nearest, -((point - first) // stride), (last - point) // stride)
    return np.clip(nearest, 0, side - 1)

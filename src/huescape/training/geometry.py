"""Which pixels and which targets of a stored photo a batch shows.

A photo is stored in a padded square. What is shown of it is a square window of the photo as
`GeometryParams.fit` fits it; pixel by pixel where the fitted photo has the size of the stored one,
and otherwise between pixels, or as means of them. Targets exist at stored points alone: shown is
the nearest on the photo.

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
        step_N: the distance of `pixels_NW` from one to the next.
    """

    pixels_NW: FloatArray
    targets_Nw: IntArray
    points_Nw: IntArray
    step_N: FloatArray

    def some(self, part: slice) -> Axis:
        """That of some of the windows."""
        targets = self.targets_Nw[part], self.points_Nw[part]
        return Axis(self.pixels_NW[part], *targets, self.step_N[part])


@dataclass(frozen=True)
class View:
    """What is shown of N photos: rows, columns, which photos are shown pixel by pixel, and which
    are shrunk along an axis, so that a pixel is to be a mean of several."""

    rows: Axis
    columns: Axis
    exact_N: BoolArray
    shrunk_N: BoolArray

    def some(self, part: slice) -> View:
        """That of some of the photos."""
        axes = self.rows.some(part), self.columns.some(part)
        return View(*axes, self.exact_N[part], self.shrunk_N[part])


@dataclass(frozen=True)
class Place:
    """Where a window lies.

    Attributes:
        down_N, right_N: shares of the way down and right, from 0 to below 1.
        upside_down_N, mirrored_N: whether top and bottom, and left and right, change places.
        extent: height and width (N,) of what is resized to the window, in stored pixels, at most
            those of the photo; None for what the geometry's fit says.
    """

    down_N: FloatArray
    right_N: FloatArray
    upside_down_N: BoolArray
    mirrored_N: BoolArray
    extent: tuple[FloatArray, FloatArray] | None = None

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

    What is shrunk to an `extent` is marked so. A photo that a fit shrinks is not: it is shown
    between its pixels, as what is trained with it was.
    """
    if place.extent is not None:
        return _resized(geometry, box, place, *place.extent)
    source, height_N, width_N = geometry.fitted(box)
    down = _Line(geometry, source.top, source.height, height_N)
    right = _Line(geometry, source.left, source.width, width_N)
    exact_N = down.can_be_exact_N & right.can_be_exact_N
    return View(
        down.axis(place.down_N, place.upside_down_N, exact_N),
        right.axis(place.right_N, place.mirrored_N, exact_N),
        exact_N,
        np.zeros_like(exact_N),
    )


def _resized(
    geometry: Geometry, box: Box, place: Place, height_N: FloatArray, width_N: FloatArray
) -> View:
    """Windows that parts of the photos are resized to."""
    down = _Line(geometry, box.top, box.height, box.height)
    right = _Line(geometry, box.left, box.width, box.width)
    rows = down.resized(place.down_N, place.upside_down_N, height_N)
    columns = right.resized(place.right_N, place.mirrored_N, width_N)
    shrunk_N = (rows.step_N > 1) | (columns.step_N > 1)
    return View(rows, columns, np.zeros_like(shrunk_N), shrunk_N)


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
        number_NW = self._numbers(mirrored_N)
        exact_start_N = (self.first_N + np.floor(share_N * self.places_N)) * self.stride
        exact_start_N += np.where(mirrored_N, (self.stride + 1) % 2, 0)
        offset_N = np.floor(share_N * (self.fitted_N - self.window + 1))
        step_N = self.length_N / self.fitted_N
        between_NW = (offset_N[:, None] + number_NW + 0.5) * step_N[:, None] - 0.5
        between_NW += self.start_N[:, None]
        pixels_NW = np.where(exact_N[:, None], exact_start_N[:, None] + number_NW, between_NW)
        return self._axis(pixels_NW, step_N)

    def resized(self, share_N: FloatArray, mirrored_N: BoolArray, extent_N: FloatArray) -> Axis:
        """The windows that parts of `extent_N` pixels at `share_N` of the way are resized to."""
        step_N = extent_N / self.window
        offset_N = self.start_N + share_N * (self.length_N - extent_N)
        pixels_NW = offset_N[:, None] + (self._numbers(mirrored_N) + 0.5) * step_N[:, None] - 0.5
        return self._axis(pixels_NW, step_N)

    def _numbers(self, mirrored_N: BoolArray) -> IntArray:
        """The numbers (N, W) of a window's pixels, from the last one on where it is mirrored."""
        number_W = np.arange(self.window)
        return np.where(mirrored_N[:, None], number_W[::-1], number_W)

    def _axis(self, pixels_NW: FloatArray, step_N: FloatArray) -> Axis:
        """The axis with these pixels, on the photo, and the stored targets nearest to them."""
        last_N1 = (self.start_N + self.length_N - 1)[:, None]
        pixels_NW = np.clip(pixels_NW, self.start_N[:, None], last_N1)
        point, side = self.stride // 2, self.size // self.stride
        wanted_Nw = pixels_NW[:, point :: self.stride]
        targets_Nw = nearest_targets(wanted_Nw, self.start_N[:, None], last_N1, self.stride, side)
        return Axis(pixels_NW, targets_Nw, point + targets_Nw * self.stride, step_N)


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

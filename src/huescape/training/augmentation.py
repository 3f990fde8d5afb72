"""What is changed of the photos of a batch: pure functions of generators.

Crops, flips and turns commute with the encoding of the targets; curves and noise touch the
lightness alone.

Shape suffixes: N photos.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from huescape.base.boxes import Box
from huescape.params.systems import AugmentationParams, LightnessParams
from huescape.training.geometry import BoolArray, FloatArray, Geometry, IntArray, Place, View, view

Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Curves:
    """Curves (N,) of the lightness v in [0, 1]: (v^gamma - 1/2) contrast + 1/2 + brightness."""

    gamma_N: FloatArray
    contrast_N: FloatArray
    brightness_N: FloatArray

    @classmethod
    def drawn(cls, params: LightnessParams, count: int, generator: np.random.Generator) -> Curves:
        """Those of `count` photos; of some, the straight line."""
        bent_N = generator.random(count) < params.share
        gamma_N = np.exp(params.gamma * generator.uniform(-1, 1, count))
        contrast_N = generator.uniform(*params.contrast, size=count)
        brightness_N = params.brightness * generator.uniform(-1, 1, count)
        return cls(
            np.where(bent_N, gamma_N, 1),
            np.where(bent_N, contrast_N, 1),
            np.where(bent_N, brightness_N, 0),
        )

    def some(self, part: slice) -> Curves:
        """Those of some of the photos."""
        return Curves(self.gamma_N[part], self.contrast_N[part], self.brightness_N[part])

    def bend(self, input_NHW: Floats32, black: np.float32, span: np.float32) -> None:
        """Change, in place, normalized lightness that is `black` at v = 0 and `span` more at 1."""
        straight_N = (self.gamma_N == 1) & (self.contrast_N == 1) & (self.brightness_N == 0)
        half = np.float32(0.5)
        for n in np.flatnonzero(~straight_N):
            curve = self.gamma_N[n], self.contrast_N[n], self.brightness_N[n]
            gamma, contrast, brightness = (np.float32(number) for number in curve)
            v_HW = np.clip((input_NHW[n] - black) / span, 0, 1) ** gamma
            v_HW = (v_HW - half) * contrast + (half + brightness)
            input_NHW[n] = np.clip(v_HW, 0, 1) * span + black


@dataclass(frozen=True)
class Changes:
    """What is changed of N photos.

    Attributes:
        flipped_N: whether left and right are mirrored.
        quarters_N: by how many quarters of a circle it is then turned, counterclockwise.
        noise_N: the standard deviation of the noise (of lightness in [0, 1]).
        share_N: the share of its sides that a photo is cropped to, the rest black; 1 is all.
        area_N, aspect_N: of the part that is resized, the share of the photo's area, and the width
            over the height; None where none is resized.
        curves: those of the lightness, or None.
    """

    flipped_N: BoolArray
    quarters_N: IntArray
    noise_N: Floats32
    share_N: FloatArray
    area_N: FloatArray | None = None
    aspect_N: FloatArray | None = None
    curves: Curves | None = None

    @classmethod
    def none(cls, count: int) -> Changes:
        """`count` photos as they are."""
        no_N, zero_N = np.zeros(count, bool), np.zeros(count, np.int64)
        return cls(no_N, zero_N, np.zeros(count, np.float32), np.ones(count))

    def of(self, index: IntArray) -> Changes:
        """Those of some of the photos, where none is resized and no lightness bent."""
        return Changes(
            self.flipped_N[index], self.quarters_N[index], self.noise_N[index], self.share_N[index]
        )


@dataclass(frozen=True)
class Draw:
    """What of N photos is taken into a batch, and how.

    Attributes:
        view: the pixels and targets.
        shown: what has targets (N,), in the stored squares.
        cropped_N: whether everything else is made black.
        turned_N: whether rows and columns change places at last.
        noise_N: the standard deviation of the noise (of lightness in [0, 1]).
        curves: those of the lightness, or None.
    """

    view: View
    shown: Box
    cropped_N: BoolArray
    turned_N: BoolArray
    noise_N: Floats32
    curves: Curves | None

    def some(self, part: slice) -> Draw:
        """That of some of the photos."""
        return Draw(
            self.view.some(part),
            self.shown.some(part),
            *(self.cropped_N[part], self.turned_N[part], self.noise_N[part]),
            None if self.curves is None else self.curves.some(part),
        )


def variants(params: AugmentationParams) -> Changes:
    """The variants of a photo in mode single: as it is, then with one change each."""
    turns = (1, 2, 3) if params.turn else ()
    count = 1 + params.flip + len(turns) + len(params.noise) + len(params.crop_shares)
    found = Changes.none(count)
    ends = np.cumsum([1, params.flip, len(turns), len(params.noise), len(params.crop_shares)])
    found.flipped_N[ends[0] : ends[1]] = True
    found.quarters_N[ends[1] : ends[2]] = turns
    found.noise_N[ends[2] : ends[3]] = params.noise
    found.share_N[ends[3] : ends[4]] = params.crop_shares
    return found


def together(params: AugmentationParams, count: int, generator: np.random.Generator) -> Changes:
    """Changes of `count` photos in mode together: all drawn for each."""
    noise = np.asarray(params.noise or (0.0,), np.float32)
    shares = np.asarray(params.crop_shares or (1.0,))
    changes = Changes(
        generator.integers(2, size=count).astype(bool) & params.flip,
        generator.integers(4, size=count) * params.turn,
        noise[generator.integers(len(noise), size=count)],
        shares[generator.integers(len(shares), size=count)],
    )
    if params.area is not None:
        area_N = generator.uniform(*params.area, size=count)
        narrow, wide = (math.log(aspect) for aspect in params.aspect)
        aspect_N = np.exp(generator.uniform(narrow, wide, size=count))
        changes = replace(changes, area_N=area_N, aspect_N=aspect_N)
    if params.lightness is not None:
        curves = Curves.drawn(params.lightness, count, generator)
        changes = replace(changes, curves=curves)
    return changes


def unaugmented(geometry: Geometry, box: Box) -> Draw:
    """All that can be shown of photos that lie in `box`, in the middle where it is not all."""
    count = len(box.top)
    middle = Place.middle(count)
    seen = view(geometry.unaugmented, box, middle)
    return _draw(seen, box, Changes.none(count), np.zeros((count, 2)))


def draw(
    changes: Changes,
    geometry: Geometry,
    box: Box,
    generator: np.random.Generator,
    crop_place_N2: FloatArray,
) -> Draw:
    """Draw windows of photos that lie in `box`, with `changes`.

    `crop_place_N2` says where crops to a share lie, as shares of the way down and right.
    """
    down_N, right_N = generator.random((2, len(box.top)))
    turn_N = changes.quarters_N
    upside_down_N = np.isin(turn_N, (2, 3))
    # Mirrored first and turned then: a turn is a mirroring after rows and columns change places.
    mirrored_N = np.isin(turn_N, (1, 2)) ^ changes.flipped_N
    place = Place(down_N, right_N, upside_down_N, mirrored_N, _extent(changes, box))
    return _draw(view(geometry, box, place), box, changes, crop_place_N2)


def _extent(changes: Changes, box: Box) -> tuple[FloatArray, FloatArray] | None:
    """Height and width (N,) of the part of each photo that is resized, in stored pixels."""
    if changes.area_N is None or changes.aspect_N is None:
        return None
    pixels_N = changes.area_N * box.height * box.width
    height_N = np.minimum(box.height, np.sqrt(pixels_N / changes.aspect_N))
    width_N = np.minimum(box.width, np.sqrt(pixels_N * changes.aspect_N))
    return height_N, width_N


def _draw(seen: View, box: Box, changes: Changes, crop_place_N2: FloatArray) -> Draw:
    share_N, odd_N = changes.share_N, changes.quarters_N % 2 == 1
    height_N = np.maximum(1, np.floor(box.height * share_N)).astype(np.int64)
    width_N = np.maximum(1, np.floor(box.width * share_N)).astype(np.int64)
    down_N = np.floor(crop_place_N2[:, 0] * (box.height - height_N + 1)).astype(np.int64)
    right_N = np.floor(crop_place_N2[:, 1] * (box.width - width_N + 1)).astype(np.int64)
    shown = Box(box.top + down_N, box.left + right_N, height_N, width_N)
    return Draw(seen, shown, share_N < 1, odd_N, changes.noise_N, changes.curves)


def noise(
    deviation_N: Floats32,
    shape: tuple[int, ...],
    generators: Sequence[np.random.Generator],
    part: slice,
) -> Floats32:
    """Gaussian noise (*`shape`) of each photo in `part`, of its standard deviation.

    Each has its own generator, or all have one, which has then drawn what comes before the part.
    """
    found = np.zeros((part.stop - part.start, *shape), np.float32)
    passed = np.empty(shape, np.float32)
    for n in np.flatnonzero(deviation_N[: part.stop]).tolist():
        if n >= part.start:
            into = found[n - part.start]
            generators[n].standard_normal(out=into, dtype=np.float32)
            into *= deviation_N[n]
        elif generators[n] is generators[part.start]:
            generators[n].standard_normal(out=passed, dtype=np.float32)
    return found

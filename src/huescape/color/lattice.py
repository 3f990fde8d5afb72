"""The nearest bins on a regular grid, by arithmetic on a color's offset from its nearest bin.

Let s be the grid's step, M the larger and m the smaller absolute offset of a color from its nearest
bin O, both at most s/2. Squared distances, less that of O, are s^2 - 2sM to O's neighbor along the
major axis on the color's side, s^2 - 2sm along the minor axis, s^2 + 2sm to the far minor
neighbor, s^2 + 2sM to the far major one and 2s^2 - 2sM - 2sm to the diagonal one; every other bin
is at 4s^2 - 4sM or farther. So the five nearest are O, major, minor, far minor, and the diagonal
when 2M + m > s/2, else the far major; and the diagonal comes before the far minor when
M + 2m > s/2. Where one of the bins is missing (the gamut's edge), or a comparison is so close that
float32 could misjudge it, the color is left to the exact search.

Shape suffixes: N pixels, 2 chroma channels, Q bins, S slots of the padded grid, K = 5.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.color.portable import exp_between

FloatArray = npt.NDArray[np.floating[Any]]

# Comparisons closer than this share of a step are left to the search: four times the rounding.
_DOUBT = 1e-6
_VARIANTS = 24  # 2 signs x 2 signs x 2 major axes x 3 orders of the last two bins


@dataclass(frozen=True)
class Lattice:
    """Bins on a regular grid in lexicographic order.

    Attributes:
        step: the grid's step; every center is an exact float32 multiple of it.
        first: (a, b) grid numbers of slot 0; the slots have a border of one empty line.
        shape: slots along a and b.
        bin_S: index of the bin in a slot, -1 where there is none.
        inner_S: whether a slot and its eight neighbors all have bins.
        five_S24K: bins of the five nearest for each slot and variant, uint16.
    """

    step: float
    first: tuple[int, int]
    shape: tuple[int, int]
    bin_S: npt.NDArray[np.intp]
    inner_S: npt.NDArray[np.bool_]
    five_S24K: npt.NDArray[np.uint16]

    def nearest(self, ab_N2: FloatArray) -> npt.NDArray[np.intp]:
        """Index (N,) of the nearest bin, -1 where the nearest grid point is not a bin."""
        slot_N, _, _ = self._place(ab_N2)
        return np.take(self.bin_S, slot_N)

    def encode_five(
        self, ab_N2: FloatArray, sigma: float
    ) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """The five nearest bins (N, 5), their weights (N, 5), and where these do not hold (N,).

        `sigma` is at least `smallest_sigma()`; rows where the third array is true are undefined.
        """
        slot_N, u_N, v_N = self._place(ab_N2)
        abs_u_N, abs_v_N = np.abs(u_N), np.abs(v_N)
        major_N, minor_N = np.maximum(abs_u_N, abs_v_N), np.minimum(abs_u_N, abs_v_N)
        half = major_N.dtype.type(self.step / 2)
        past_far_major_N = major_N + major_N + minor_N - half
        past_far_minor_N = major_N + minor_N + minor_N - half
        closest_N = np.minimum(np.abs(past_far_major_N), np.abs(past_far_minor_N))
        for margin_N in (major_N - minor_N, minor_N, half - major_N):
            np.minimum(closest_N, margin_N, out=closest_N)
        undecided_N = closest_N < _DOUBT * self.step
        undecided_N |= ~np.take(self.inner_S, slot_N)
        variant_N = slot_N * _VARIANTS
        for bit, flag_N in ((12, u_N > 0), (6, v_N > 0), (3, abs_u_N < abs_v_N)):
            variant_N += flag_N * np.int8(bit)
        variant_N += past_far_major_N > 0
        variant_N += past_far_minor_N > 0
        index_N5 = np.take(self.five_S24K, variant_N, axis=0)
        weight_N5 = self._five_weights(
            major_N.astype(np.float32), minor_N.astype(np.float32), sigma
        )
        return index_N5, weight_N5, undecided_N

    def smallest_sigma(self) -> float:
        """Below this, a float32 weight of the arithmetic would lose digits."""
        return self.step / 2.5

    def _five_weights(
        self, major_N: npt.NDArray[np.float32], minor_N: npt.NDArray[np.float32], sigma: float
    ) -> npt.NDArray[np.float32]:
        low = -(self.step**2) / (2 * sigma**2)
        slope = np.float32(self.step / sigma**2)
        near_major_N = exp_between(major_N * slope + np.float32(low), low)
        near_minor_N = exp_between(minor_N * slope + np.float32(low), low)
        # exp(low - x) = exp(2 low) / exp(low + x): the far bins need no exponential of their own.
        both = np.float32(math.exp(2 * low))
        far_major_N, far_minor_N = both / near_major_N, both / near_minor_N
        diagonal_N = near_major_N * near_minor_N
        fourth_N = np.maximum(far_minor_N, diagonal_N)
        fifth_N = np.maximum(np.minimum(far_minor_N, diagonal_N), far_major_N)
        scale_N = near_major_N + near_minor_N
        scale_N += fourth_N
        scale_N += fifth_N
        scale_N += np.float32(1)
        np.divide(np.float32(1), scale_N, out=scale_N)
        weight_N5 = np.empty((len(major_N), 5), np.float32)
        weight_N5[:, 0] = scale_N
        for k, term_N in enumerate((near_major_N, near_minor_N, fourth_N, fifth_N), start=1):
            np.multiply(term_N, scale_N, out=weight_N5[:, k])
        return weight_N5

    def _place(self, ab_N2: FloatArray) -> tuple[npt.NDArray[np.intp], FloatArray, FloatArray]:
        """Slot of the nearest grid point, and the offsets from it, in (-s/2, s/2], each (N,)."""
        kind = ab_N2.dtype.type
        half = kind(self.step / 2)
        slot_N = np.zeros(len(ab_N2), kind)
        offsets = []
        for axis in (0, 1):
            value_N = np.ascontiguousarray(ab_N2[:, axis])
            number_N = np.rint(value_N * kind(1 / self.step))
            # The product above is rounded; the offset is exact, so it judges, and at a tie takes
            # the lower grid point, which has the lower index.
            with np.errstate(invalid="ignore"):  # infinities; the search reports them
                offset_N = value_N - number_N * kind(self.step)
                number_N += offset_N > half
                number_N -= offset_N <= -half
                offsets.append(value_N - number_N * kind(self.step))
            number_N -= kind(self.first[axis])
            # Everything beyond the border, and NaN, falls on the border, where no bins are.
            np.fmin(np.fmax(number_N, 0, out=number_N), self.shape[axis] - 1, out=number_N)
            slot_N *= kind(self.shape[axis])
            slot_N += number_N
        return slot_N.astype(np.intp), offsets[0], offsets[1]


def find_lattice(centers_Q2: npt.NDArray[np.float64], step: float | None = None) -> Lattice | None:
    """The lattice these bins (Q, 2) lie on, or None if arithmetic cannot serve them.

    They must be in lexicographic order and be exact multiples of `step` (by default the smallest
    gap between their coordinates) in float32 too.
    """
    return _find(np.ascontiguousarray(centers_Q2, np.float64).tobytes(), step)


@lru_cache(maxsize=8)
def _find(centers_bytes: bytes, step: float | None) -> Lattice | None:
    centers_Q2 = np.frombuffer(centers_bytes).reshape(-1, 2)
    if step is None:
        gaps = np.concatenate([np.diff(np.unique(centers_Q2[:, axis])) for axis in (0, 1)])
        step = float(gaps.min()) if len(gaps) else 0.0
    # At most 128 steps from zero keeps slot arithmetic exact in float32 and the table small.
    farthest = float(np.abs(centers_Q2).max(initial=0.0))
    if not (step > 0 and math.isfinite(step) and farthest <= 128.5 * step):
        return None
    numbers_Q2 = np.rint(centers_Q2 / step)
    exact = (
        np.array_equal(numbers_Q2 * step, centers_Q2)
        and np.array_equal(centers_Q2.astype(np.float32), centers_Q2)
        and float(np.float32(step)) == step
    )
    if not exact:
        return None
    numbers = numbers_Q2.astype(np.intp)
    order = np.lexsort((numbers[:, 1], numbers[:, 0]))
    unique = len(np.unique(numbers, axis=0)) == len(numbers)
    if not (unique and np.array_equal(order, np.arange(len(numbers)))):
        return None
    return _make(numbers, step)


def _make(numbers_Q2: npt.NDArray[np.intp], step: float) -> Lattice:
    first_2 = numbers_Q2.min(axis=0) - 1
    shape_2 = numbers_Q2.max(axis=0) - first_2 + 2
    bin_S = np.full(int(shape_2.prod()), -1, np.intp)
    slots_Q = (numbers_Q2 - first_2) @ np.array([shape_2[1], 1])
    bin_S[slots_Q] = np.arange(len(numbers_Q2))
    along_a, along_b = int(shape_2[1]), 1
    around = [da * along_a + db * along_b for da in (-1, 0, 1) for db in (-1, 0, 1)]
    inner_S = np.zeros(len(bin_S), np.bool_)
    inner_S[slots_Q] = np.all([bin_S[slots_Q + shift] >= 0 for shift in around], axis=0)
    five_S24K = np.zeros((len(bin_S), _VARIANTS, 5), np.uint16)
    inner = np.flatnonzero(inner_S)
    for variant in range(_VARIANTS):
        for k, shift in enumerate(_five_shifts(variant, along_a, along_b)):
            five_S24K[inner, variant, k] = bin_S[inner + shift]
    return Lattice(
        step=step,
        first=(int(first_2[0]), int(first_2[1])),
        shape=(int(shape_2[0]), int(shape_2[1])),
        bin_S=bin_S,
        inner_S=inner_S,
        five_S24K=five_S24K.reshape(-1, 5),
    )


def _five_shifts(variant: int, along_a: int, along_b: int) -> list[int]:
    """Slot shifts of the five nearest, in order, for one variant (see `encode_five`)."""
    toward_a = along_a if variant // 12 % 2 else -along_a
    toward_b = along_b if variant // 6 % 2 else -along_b
    major, minor = (toward_b, toward_a) if variant // 3 % 2 else (toward_a, toward_b)
    last_two = {
        0: [-minor, -major],  # the diagonal is not among the five
        1: [-minor, major + minor],
        2: [major + minor, -minor],
    }
    return [0, major, minor, *last_two[variant % 3]]

"""The nearest bins on a regular grid, by arithmetic on a color's offset from its nearest bin.

Let s be the grid's step, M the larger and m the smaller absolute offset of a color from its nearest
bin O, both at most s/2. Squared distances, less that of O, are s^2 - 2sM to O's neighbor along the
major axis on the color's side, s^2 - 2sm along the minor axis, s^2 + 2sm to the far minor
neighbor, s^2 + 2sM to the far major one and 2s^2 - 2sM - 2sm to the diagonal one; every other bin
is at 4s^2 - 4sM or farther. So the five nearest are O, major, minor, far minor, and the diagonal
when 2M + m > s/2, else the far major; and the diagonal comes before the far minor when
M + 2m > s/2. Where one of the bins is missing (the gamut's edge), or a comparison is so close that
float32 could misjudge it, the color is left to the exact search.

Shape suffixes: N pixels, 2 chroma channels, Q bins, S slots of the padded grid, V variants of a
slot; `_2V` is flat.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.color.lattice_kernels import VARIANTS, Gaussian, Grid, encode_five

FloatArray = npt.NDArray[np.floating[Any]]

# Comparisons closer than this share of a step are left to the search: four times the rounding.
_DOUBT = 1e-6
# Of the exponential, and the terms that reach it at sigma = step / 2 and at the smallest sigma.
_TOLERANCE, _TERMS, _MOST_TERMS = 2e-8, 12, 15


@dataclass(frozen=True)
class Lattice:
    """Bins on a regular grid in lexicographic order.

    Attributes:
        step: the grid's step; every center is an exact float32 multiple of it.
        first: (a, b) grid numbers of slot 0; the slots have a border of one empty line.
        shape: slots along a and b.
        rows_2V: for each slot and variant, and once more at the end, the five nearest bins, or
            that they do not hold, because the slot or one of its eight neighbors has no bin; packed
            as `lattice_kernels.encode_five` says.
    """

    step: float
    first: tuple[int, int]
    shape: tuple[int, int]
    rows_2V: npt.NDArray[np.uint64]

    def encode_five(
        self,
        ab_N2: FloatArray,
        sigma: float,
        index_N5: npt.NDArray[np.uint16],
        weight_N5: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.int32]:
        """Write the five nearest bins and their weights, but for the colors it leaves open.

        All arrays are C-contiguous; `sigma` is at least `smallest_sigma()`.

        Returns:
            The rows that are left open, rising; what stands there is undefined.
        """
        rest_N = np.empty(len(ab_N2), np.int32)
        count = encode_five(
            ab_N2.reshape(-1),
            self._grid(ab_N2.dtype.type),
            self.rows_2V,
            gaussian(self.step, sigma),
            index_N5.reshape(-1),
            weight_N5.reshape(-1),
            rest_N,
        )
        return rest_N[:count]

    def smallest_sigma(self) -> float:
        """Below this, a float32 weight of the arithmetic would lose digits."""
        return self.step / 2.5

    def _grid(self, kind: type[np.floating[Any]]) -> Grid:
        return Grid(
            step=kind(self.step),
            half=kind(self.step / 2),
            inverse=kind(1 / self.step),
            doubt=kind(_DOUBT * self.step),
            first_a=kind(self.first[0]),
            first_b=kind(self.first[1]),
            last_a=kind(self.shape[0] - 1),
            last_b=kind(self.shape[1] - 1),
            zero=kind(0),
            one=kind(1),
            width=np.int32(self.shape[1]),
        )


@lru_cache(maxsize=64)
def gaussian(step: float, sigma: float) -> Gaussian:
    """The constants of the weights: exp(x) for low <= x <= 0 needs no range reduction.

    The polynomial is Taylor's around the middle of the range.
    """
    low = -(step**2) / (2 * sigma**2)
    middle = low / 2
    # Lagrange's remainder |low/2|^n / n! sets the number of terms.
    terms = 1
    while (-middle) ** terms / math.factorial(terms) * math.exp(-middle) > _TOLERANCE:
        terms += 1
    # Leading zeros change no bit, and all sigmas share one compiled loop, or two.
    length = _TERMS if terms <= _TERMS else _MOST_TERMS
    powers = range(length - 1, -1, -1)
    taylor = tuple(np.float32(1 / math.factorial(k) if k < terms else 0) for k in powers)
    return Gaussian(
        slope=np.float32(step / sigma**2),
        low=np.float32(low),
        both=np.float32(math.exp(2 * low)),
        middle=np.float32(middle),
        scale=np.float32(math.exp(middle)),
        taylor=taylor,
    )


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
    rows_SV2 = np.zeros((len(bin_S) + 1, VARIANTS, 2), np.uint64)
    rows_SV2[:, :, 1] = 1 << 16
    inner = np.flatnonzero(inner_S)
    rows_SV2[inner, :, 1] = 0
    for variant in range(VARIANTS):
        for k, shift in enumerate(_five_shifts(variant, along_a, along_b)):
            bins = bin_S[inner + shift].astype(np.uint64)
            rows_SV2[inner, variant, k // 4] |= bins << np.uint64(k % 4 * 16)
    return Lattice(
        step=step,
        first=(int(first_2[0]), int(first_2[1])),
        shape=(int(shape_2[0]), int(shape_2[1])),
        rows_2V=rows_SV2.reshape(-1),
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

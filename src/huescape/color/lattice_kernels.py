"""The lattice's arithmetic, compiled: place, row of the table, weights (see `lattice` for the why).

Colors pass in chunks that stay in the first-level cache. Each of the four loops over a chunk is
free of branches or of data-dependent places, so that the compiler makes vector instructions of it;
arrays are flat for the same reason. Nothing is reordered or fused: each operation rounds on its
own, in float32 for float32 colors, so the results have the same bits on every machine.

Shape suffixes: N pixels, C pixels of a chunk, V rows of the table; `_2N`, `_5N`, `_2V` are flat.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from huescape.base.compiled import kernel

Array = npt.NDArray[Any]

_CHUNK = 1024
VARIANTS = 24  # 2 signs x 2 signs x 2 major axes x 3 orders of the last two bins


class Grid(NamedTuple):
    """What `place` needs of a lattice, as scalars of the colors' dtype, but for `width` (int32).

    `half` is half a step, `inverse` one over it; comparisons closer than `doubt` are left open;
    `last_a` and `last_b` are the highest slot numbers, `width` the slots along b.
    """

    step: Any
    half: Any
    inverse: Any
    doubt: Any
    first_a: Any
    first_b: Any
    last_a: Any
    last_b: Any
    zero: Any
    one: Any
    width: Any


class Gaussian(NamedTuple):
    """What the weights need of sigma, float32: see `_five_weights`.

    exp(x) is `scale` times the polynomial `taylor` (a tuple, highest power first) of x - `middle`.
    """

    slope: Any
    low: Any
    both: Any
    middle: Any
    scale: Any
    taylor: Any


@kernel()
def encode_five(
    ab_2N: Array,
    grid: Grid,
    rows_2V: Array,
    gaussian: Gaussian,
    index_5N: Array,
    weight_5N: Array,
    rest_N: Array,
) -> int:
    """Write the five nearest bins and their weights; return how many colors stay open.

    `rows_2V` holds two words, uint64, for each slot and variant: four bins of 16 bits, the first
    lowest; the fifth bin and, above it, 1 if the row is open. The last row is open. The positions
    of open colors go to the beginning of `rest_N`, int32, in order.
    """
    rows_C, open_row = np.empty(_CHUNK, np.uint32), np.uint32(len(rows_2V) // 2 - 1)
    major_C, minor_C = np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32)
    w0_C, w1_C, w2_C = (
        np.empty(_CHUNK, np.float32),
        np.empty(_CHUNK, np.float32),
        np.empty(_CHUNK, np.float32),
    )
    w3_C, w4_C = np.empty(_CHUNK, np.float32), np.empty(_CHUNK, np.float32)
    pixels, count = len(ab_2N) // 2, 0
    for start in range(0, pixels, _CHUNK):
        n = min(_CHUNK, pixels - start)
        part = slice(5 * start, 5 * (start + n))
        _place(ab_2N[2 * start : 2 * (start + n)], grid, open_row, rows_C[:n], major_C, minor_C)
        count = _copy_rows(rows_C[:n], rows_2V, index_5N[part], start, rest_N, count)
        _five_weights(major_C[:n], minor_C, gaussian, w0_C, w1_C, w2_C, w3_C, w4_C)
        _interleave(w0_C[:n], w1_C, w2_C, w3_C, w4_C, weight_5N[part])
    return count


@kernel()
def _place(
    ab_2C: Array, grid: Grid, open_row: np.uint32, rows_C: Array, major_C: Array, minor_C: Array
) -> None:
    """Row and the two offsets of each color; `open_row` where a comparison is close."""
    zero, one, half = grid.zero, grid.one, grid.half
    for i in range(len(rows_C)):
        a, b = ab_2C[2 * i], ab_2C[2 * i + 1]
        number_a, number_b = np.rint(a * grid.inverse), np.rint(b * grid.inverse)
        # The products above are rounded; the offsets are exact, so they judge, and at a tie take
        # the lower grid point, which has the lower index.
        off_a, off_b = a - number_a * grid.step, b - number_b * grid.step
        number_a += one if off_a > half else zero
        number_a -= one if off_a <= -half else zero
        number_b += one if off_b > half else zero
        number_b -= one if off_b <= -half else zero
        u, v = a - number_a * grid.step, b - number_b * grid.step
        number_a -= grid.first_a
        number_b -= grid.first_b
        # Everything beyond the border, and NaN, falls on the border, where no bins are.
        number_a = number_a if number_a > zero else zero
        number_b = number_b if number_b > zero else zero
        number_a = number_a if number_a < grid.last_a else grid.last_a
        number_b = number_b if number_b < grid.last_b else grid.last_b
        abs_u, abs_v = abs(u), abs(v)
        along_b = abs_u < abs_v
        major = abs_v if along_b else abs_u
        minor = abs_u if along_b else abs_v
        past_far_major = major + major + minor - half
        past_far_minor = major + minor + minor - half
        closest = min(abs(past_far_major), abs(past_far_minor))
        closest = min(closest, min(major - minor, min(minor, half - major)))
        row = (np.int32(number_a) * grid.width + np.int32(number_b)) * np.int32(VARIANTS)
        row += np.int32(12) if u > zero else np.int32(0)
        row += np.int32(6) if v > zero else np.int32(0)
        row += np.int32(3) if along_b else np.int32(0)
        row += np.int32(1) if past_far_major > zero else np.int32(0)
        row += np.int32(1) if past_far_minor > zero else np.int32(0)
        rows_C[i] = open_row if closest < grid.doubt else np.uint32(row)
        major_C[i], minor_C[i] = np.float32(major), np.float32(minor)


@kernel()
def _copy_rows(
    rows_C: Array, rows_2V: Array, index_5C: Array, start: int, rest_N: Array, count: int
) -> int:
    """Copy each color's row of the table; note the open ones; return their new number."""
    for i in range(len(rows_C)):
        # Unsigned, so that no code for negative indices is made.
        at = np.uint64(rows_C[i]) << np.uint64(1)
        four, last = rows_2V[at], rows_2V[at + np.uint64(1)]
        if last >> np.uint64(16):
            rest_N[count] = start + i
            count += 1
        # Storing cuts a word to its lowest 16 bits.
        index_5C[5 * i] = four
        index_5C[5 * i + 1] = four >> np.uint64(16)
        index_5C[5 * i + 2] = four >> np.uint64(32)
        index_5C[5 * i + 3] = four >> np.uint64(48)
        index_5C[5 * i + 4] = last
    return count


@kernel()
def _exp(x: float, gaussian: Gaussian) -> float:
    y = x - gaussian.middle
    total = gaussian.taylor[0]
    for k in range(1, len(gaussian.taylor)):
        total = total * y + gaussian.taylor[k]
    return total * gaussian.scale  # type: ignore[no-any-return]


@kernel()
def _five_weights(
    major_C: Array,
    minor_C: Array,
    gaussian: Gaussian,
    w0_C: Array,
    w1_C: Array,
    w2_C: Array,
    w3_C: Array,
    w4_C: Array,
) -> None:
    """Weights of the five nearest in order, with two exponentials.

    exp(slope * offset + low) is the weight of a near neighbor relative to that of the nearest.
    """
    one = np.float32(1)
    for i in range(len(major_C)):
        near_major = _exp(major_C[i] * gaussian.slope + gaussian.low, gaussian)
        near_minor = _exp(minor_C[i] * gaussian.slope + gaussian.low, gaussian)
        # exp(low - x) = exp(2 low) / exp(low + x): the far bins need no exponential of their own.
        far_major, far_minor = gaussian.both / near_major, gaussian.both / near_minor
        diagonal = near_major * near_minor
        fourth = max(far_minor, diagonal)
        fifth = max(min(far_minor, diagonal), far_major)
        scale = one / (near_major + near_minor + fourth + fifth + one)
        w0_C[i] = scale
        w1_C[i] = near_major * scale
        w2_C[i] = near_minor * scale
        w3_C[i] = fourth * scale
        w4_C[i] = fifth * scale


@kernel()
def _interleave(
    w0_C: Array, w1_C: Array, w2_C: Array, w3_C: Array, w4_C: Array, weight_5C: Array
) -> None:
    for i in range(len(w0_C)):
        w0, w1, w2, w3, w4 = w0_C[i], w1_C[i], w2_C[i], w3_C[i], w4_C[i]
        weight_5C[5 * i] = w0
        weight_5C[5 * i + 1] = w1
        weight_5C[5 * i + 2] = w2
        weight_5C[5 * i + 3] = w3
        weight_5C[5 * i + 4] = w4

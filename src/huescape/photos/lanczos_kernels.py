"""Pillow's fixed-point resampling, compiled (see `lanczos` for the why and the arithmetic).

Both passes are one loop: an output line is the weighted sum of input lines, and a line is a run of
bytes that lie together, so that each multiplication by a coefficient serves many bytes with vector
instructions. Down the photo a line is a row. Across it the photo is turned first, 32 rows at a
time, so that the 32 bytes of a column and channel lie together. Turning moves 4 rows, then 8
groups of 4, because compilers make vector instructions of such short interleavings.

Integers only, but for the coefficients: their float64 operations are basic ones in a fixed order.

Shape suffixes: H rows and W columns of the photo, R rows of a band, h and w of the result,
O outputs of a pass, K taps; `_HW3` written as (H, 3W) rows of bytes is `_HB`; F is flat.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.compiled import kernel

Array = npt.NDArray[Any]

BITS = 22
_HALF = 1 << (BITS - 1)
_ONE = float(1 << BITS)
_LOBES = 3.0
_BAND = 32
_COLUMN = 3 * _BAND
_PI = math.pi
# Highest power first: sin(x) = x * (1 - x^2/3! + ... - x^22/23!), to 1e-19 up to pi / 2.
_SINE = tuple((-1.0) ** (n // 2) / math.factorial(n) for n in range(23, 0, -2))


@kernel()
def coefficients(before: int, after: int) -> tuple[Array, Array, Array]:
    """Of a pass from `before` to `after` samples: first tap (O,), taps (O,), weights (O, K).

    All int32; the weights are in units of 2^-22.
    """
    scale = before / after
    stretch = max(scale, 1.0)
    support = _LOBES * stretch
    first_O, taps_O = np.empty(after, np.int32), np.empty(after, np.int32)
    weight_OK = np.zeros((after, math.ceil(support) * 2 + 1), np.int32)
    real_K = np.empty(weight_OK.shape[1], np.float64)
    inverse = 1.0 / stretch
    for o in range(after):
        center = (o + 0.5) * scale
        first = max(int(center - support + 0.5), 0)
        taps = min(int(center + support + 0.5), before) - first
        total = 0.0
        for k in range(taps):
            real_K[k] = _lanczos((k + first - center + 0.5) * inverse)
            total += real_K[k]
        for k in range(taps):
            weight = real_K[k] / total * _ONE
            weight_OK[o, k] = int(weight - 0.5) if weight < 0 else int(weight + 0.5)
        first_O[o], taps_O[o] = first, taps
    return first_O, taps_O, weight_OK


@kernel()
def _lanczos(x: float) -> float:
    """sinc(x) * sinc(x / 3) for -3 <= x < 3, else 0, from one sine: sin 3b = sin b (3 - 4 sin^2 b).

    The sine is a polynomial, and not the system's, whose last bit differs between systems.
    """
    if x == 0:
        return 1.0
    if not -_LOBES <= x < _LOBES:
        return 0.0
    third = abs(x) / _LOBES
    angle = min(third, 1.0 - third) * _PI
    square = angle * angle
    sine = _SINE[0]
    for k in range(1, len(_SINE)):
        sine = sine * square + _SINE[k]
    sine *= angle
    b = third * _PI
    return sine * sine * (3.0 - 4.0 * (sine * sine)) / (3.0 * (b * b))


@kernel()
def across(
    pixels_HW: Array, first_O: Array, taps_O: Array, weight_OK: Array, out_HB: Array
) -> None:
    """Resample every row of (H, W) pixels, uint32, to (H, 3O) bytes, 3 channels a pixel.

    The lowest byte of a pixel is red, the highest is not read.
    """
    (height, width), bytes_out = pixels_HW.shape, out_HB.shape[1]
    swap_F = np.empty(8 * max(3 * width, bytes_out), np.uint32)
    turned_F = np.empty(_COLUMN * width, np.uint8)
    result_F = np.empty(_BAND * bytes_out, np.uint8)
    sum_L = np.empty(_COLUMN, np.int32)
    spare_B = np.empty(bytes_out, np.uint8)
    for top in range(0, height, _BAND):
        _turn(pixels_HW, top, swap_F, turned_F)
        for o in range(len(first_O)):
            _weigh(
                turned_F,
                _COLUMN,
                first_O[o],
                taps_O[o],
                weight_OK[o],
                sum_L,
                result_F[o * _COLUMN : (o + 1) * _COLUMN],
            )
        _turn_back(result_F, swap_F, out_HB, top, spare_B)


@kernel()
def down(rgb_F: Array, first_O: Array, taps_O: Array, weight_OK: Array, out_OB: Array) -> None:
    """Resample every column: rows of as many bytes as those of `out_OB`, flat, become its rows."""
    sum_L = np.empty(out_OB.shape[1], np.int32)
    for o in range(len(first_O)):
        _weigh(rgb_F, len(sum_L), first_O[o], taps_O[o], weight_OK[o], sum_L, out_OB[o])


@kernel()
def _line(lines_F: Array, number: int, size: int) -> Array:
    return lines_F[number * size : (number + 1) * size]


@kernel(inline="always")
def _weigh(
    lines_F: Array, size: int, first: int, taps: int, weight_K: Array, sum_L: Array, out_L: Array
) -> None:
    """The weighted sum of `taps` lines of `size` bytes, rounded and clipped to bytes.

    Eight lines at a time, because each addition to `sum_L` costs a load and a store.
    """
    for i in range(size):
        sum_L[i] = _HALF
    k = 0
    while k + 8 <= taps:
        w0, w1, w2, w3 = weight_K[k], weight_K[k + 1], weight_K[k + 2], weight_K[k + 3]
        w4, w5, w6, w7 = weight_K[k + 4], weight_K[k + 5], weight_K[k + 6], weight_K[k + 7]
        a_L, b_L = _line(lines_F, first + k, size), _line(lines_F, first + k + 1, size)
        c_L, d_L = _line(lines_F, first + k + 2, size), _line(lines_F, first + k + 3, size)
        e_L, f_L = _line(lines_F, first + k + 4, size), _line(lines_F, first + k + 5, size)
        g_L, h_L = _line(lines_F, first + k + 6, size), _line(lines_F, first + k + 7, size)
        for i in range(size):
            sum_L[i] += (
                np.int32(a_L[i]) * w0
                + np.int32(b_L[i]) * w1
                + np.int32(c_L[i]) * w2
                + np.int32(d_L[i]) * w3
                + np.int32(e_L[i]) * w4
                + np.int32(f_L[i]) * w5
                + np.int32(g_L[i]) * w6
                + np.int32(h_L[i]) * w7
            )
        k += 8
    if k + 4 <= taps:
        w0, w1, w2, w3 = weight_K[k], weight_K[k + 1], weight_K[k + 2], weight_K[k + 3]
        a_L, b_L = _line(lines_F, first + k, size), _line(lines_F, first + k + 1, size)
        c_L, d_L = _line(lines_F, first + k + 2, size), _line(lines_F, first + k + 3, size)
        for i in range(size):
            sum_L[i] += (
                np.int32(a_L[i]) * w0
                + np.int32(b_L[i]) * w1
                + np.int32(c_L[i]) * w2
                + np.int32(d_L[i]) * w3
            )
        k += 4
    while k < taps:
        w0 = weight_K[k]
        a_L = _line(lines_F, first + k, size)
        for i in range(size):
            sum_L[i] += np.int32(a_L[i]) * w0
        k += 1
    for i in range(size):
        out_L[i] = np.uint8(min(max(sum_L[i] >> BITS, 0), 255))


@kernel()
def _turn(pixels_HW: Array, top: int, swap_F: Array, turned_F: Array) -> None:
    """The 32 rows from `top`: channel c of column x and row r goes to byte 96 x + 32 c + r.

    The last row stands in for rows below it.
    """
    last, size = pixels_HW.shape[0] - 1, 3 * pixels_HW.shape[1]
    for group in range(8):
        r = top + 4 * group
        _interleave_4(
            pixels_HW[min(r, last)],
            pixels_HW[min(r + 1, last)],
            pixels_HW[min(r + 2, last)],
            pixels_HW[min(r + 3, last)],
            _line(swap_F, group, size),
        )
    _interleave_8(swap_F, size, turned_F.view(np.uint32))


@kernel()
def _turn_back(turned_F: Array, swap_F: Array, out_HB: Array, top: int, spare_B: Array) -> None:
    """The opposite of `_turn`, to bytes; what would lie below the last row goes to `spare_B`."""
    height, size = out_HB.shape
    _part_8(turned_F.view(np.uint32), swap_F, size)
    for group in range(8):
        r = top + 4 * group
        _part_4(
            _line(swap_F, group, size),
            out_HB[r] if r < height else spare_B,
            out_HB[r + 1] if r + 1 < height else spare_B,
            out_HB[r + 2] if r + 2 < height else spare_B,
            out_HB[r + 3] if r + 3 < height else spare_B,
        )


@kernel()
def _interleave_4(a_W: Array, b_W: Array, c_W: Array, d_W: Array, out_F: Array) -> None:
    """Of four rows of pixels, the reds of a column in one uint32, then the greens and blues."""
    byte, one, two = np.uint32(255), np.uint32(8), np.uint32(16)
    for x in range(len(a_W)):
        a, b, c, d = a_W[x], b_W[x], c_W[x], d_W[x]
        out_F[3 * x] = a & byte | (b & byte) << one | (c & byte) << two | d << (one + two)
        a, b, c, d = a >> one, b >> one, c >> one, d >> one
        out_F[3 * x + 1] = a & byte | (b & byte) << one | (c & byte) << two | d << (one + two)
        a, b, c, d = a >> one, b >> one, c >> one, d >> one
        out_F[3 * x + 2] = a & byte | (b & byte) << one | (c & byte) << two | d << (one + two)


@kernel()
def _part_4(in_B: Array, a_B: Array, b_B: Array, c_B: Array, d_B: Array) -> None:
    """The four bytes of each uint32 to four rows."""
    byte, one, two = np.uint32(255), np.uint32(8), np.uint32(16)
    for i in range(len(in_B)):
        a_B[i] = np.uint8(in_B[i] & byte)
        b_B[i] = np.uint8((in_B[i] >> one) & byte)
        c_B[i] = np.uint8((in_B[i] >> two) & byte)
        d_B[i] = np.uint8(in_B[i] >> (one + two))


@kernel()
def _interleave_8(in_F: Array, size: int, out_F: Array) -> None:
    a, b = _line(in_F, 0, size), _line(in_F, 1, size)
    c, d = _line(in_F, 2, size), _line(in_F, 3, size)
    e, f = _line(in_F, 4, size), _line(in_F, 5, size)
    g, h = _line(in_F, 6, size), _line(in_F, 7, size)
    for i in range(size):
        out_F[8 * i] = a[i]
        out_F[8 * i + 1] = b[i]
        out_F[8 * i + 2] = c[i]
        out_F[8 * i + 3] = d[i]
        out_F[8 * i + 4] = e[i]
        out_F[8 * i + 5] = f[i]
        out_F[8 * i + 6] = g[i]
        out_F[8 * i + 7] = h[i]


@kernel()
def _part_8(in_F: Array, out_F: Array, size: int) -> None:
    a, b = _line(out_F, 0, size), _line(out_F, 1, size)
    c, d = _line(out_F, 2, size), _line(out_F, 3, size)
    e, f = _line(out_F, 4, size), _line(out_F, 5, size)
    g, h = _line(out_F, 6, size), _line(out_F, 7, size)
    for i in range(size):
        a[i] = in_F[8 * i]
        b[i] = in_F[8 * i + 1]
        c[i] = in_F[8 * i + 2]
        d[i] = in_F[8 * i + 3]
        e[i] = in_F[8 * i + 4]
        f[i] = in_F[8 * i + 5]
        g[i] = in_F[8 * i + 6]
        h[i] = in_F[8 * i + 7]

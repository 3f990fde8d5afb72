"""The conversions of `spaces` for 8-bit pictures, compiled.

Pixels pass in chunks of planes that stay in the first-level cache; each loop over a chunk is plain
enough for the compiler to make vector instructions of it. From levels to Lab and YUV everything is
float32, one operation after the other as `spaces` does it for floats: nothing is reordered or
fused, so the results have the same bits on every machine. Back to levels everything is float64.

Shape suffixes: N pixels, C pixels of a chunk; `_3N`, `_2N`, `_3C`, `_2C` are flat.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.compiled import kernel

Array = npt.NDArray[Any]
Row = tuple[Any, Any, Any]

_CHUNK = 1024

# CIE's curve from XYZ, relative to the white, to Lab: the cube root, and the straight part below.
LINEAR_BELOW = 0.008856
STRAIGHT_BELOW = 0.2068966  # the same point on the other axis, 6/29
SLOPE, OFFSET = 7.787, 16.0 / 116.0

_LINEAR_BELOW, _SLOPE, _OFFSET = np.float32(LINEAR_BELOW), np.float32(SLOPE), np.float32(OFFSET)
# `portable.cube_root` has the same seed; see `compiled` for why it is not taken from there.
_SEED, _THREE = np.uint32(round((127 - 127 / 3 - 0.03306235651) * 2**23)), np.uint32(3)
_ZERO, _ONE = np.float32(0), np.float32(1)
_BLACK, _L_UNIT = np.float32(16), np.float32(116)
_A_UNIT, _B_UNIT = np.float32(500), np.float32(200)

# Cells of linear light from 0 to 1: narrower than any two borders between levels are apart.
LEVEL_CELLS = 4096


@kernel()
def lab_of_levels(
    level_3N: Array, table_256: Array, to_x: Row, to_y: Row, to_z: Row, lab_3N: Array
) -> None:
    """Write L*a*b*, float32, of uint8 levels.

    `table_256` holds each level's linear light, float32; `to_x`, `to_y` and `to_z` are the rows of
    the matrix to XYZ relative to the white, float32.
    """
    planes_3C, f_3C = np.empty((3, _CHUNK), np.float32), np.empty((3, _CHUNK), np.float32)
    pixels = len(level_3N) // 3
    for start in range(0, pixels, _CHUNK):
        n = min(_CHUNK, pixels - start)
        part = slice(3 * start, 3 * (start + n))
        _look_up(level_3N[part], table_256, planes_3C[0], planes_3C[1], planes_3C[2])
        for row, plane_C in ((to_x, f_3C[0]), (to_y, f_3C[1]), (to_z, f_3C[2])):
            _lab_curve(planes_3C[0], planes_3C[1], planes_3C[2], row, plane_C[:n])
        _write_lab(f_3C[0], f_3C[1], f_3C[2], lab_3N[part])


@kernel()
def yuv_of_levels(
    level_3N: Array, table_256: Array, to_y: Row, to_u: Row, to_v: Row, yuv_3N: Array
) -> None:
    """Write YUV, float32, of uint8 levels, whose values in [0, 1] `table_256` holds, float32."""
    planes_3C = np.empty((3, _CHUNK), np.float32)
    pixels = len(level_3N) // 3
    for start in range(0, pixels, _CHUNK):
        part = slice(3 * start, 3 * min(start + _CHUNK, pixels))
        _look_up(level_3N[part], table_256, planes_3C[0], planes_3C[1], planes_3C[2])
        _write_rows(planes_3C[0], planes_3C[1], planes_3C[2], to_y, to_u, to_v, yuv_3N[part])


@kernel()
def linear_of_lab(
    lightness_N: Array, ab_2N: Array, rows: tuple[Row, Row, Row], rgb_3N: Array
) -> None:
    """Write linear light, float64, clipped to [0, 1] (0 for NaN), of L*a*b*.

    `rows` are those of the matrix from XYZ relative to the white.
    """
    to_red, to_green, to_blue = rows
    for i in range(len(lightness_N)):
        fy = (np.float64(lightness_N[i]) + 16.0) * (1 / 116)
        fx = fy + np.float64(ab_2N[2 * i]) * (1 / 500)
        fz = max(fy - np.float64(ab_2N[2 * i + 1]) * (1 / 200), 0.0)
        x, y, z = _uncurved(fx), _uncurved(fy), _uncurved(fz)
        rgb_3N[3 * i] = _unit(x * to_red[0] + y * to_red[1] + z * to_red[2])
        rgb_3N[3 * i + 1] = _unit(x * to_green[0] + y * to_green[1] + z * to_green[2])
        rgb_3N[3 * i + 2] = _unit(x * to_blue[0] + y * to_blue[1] + z * to_blue[2])


@kernel()
def levels_of_lab(
    lightness_N: Array,
    ab_2N: Array,
    rows: tuple[Row, Row, Row],
    lowest_C: Array,
    border_K: Array,
    level_3N: Array,
) -> None:
    """Write the uint8 levels of L*a*b*, clipped and rounded to nearest.

    Linear light in cell c of `LEVEL_CELLS` has level `lowest_C[c]`, uint8, or the next one, which
    begins at `border_K[lowest_C[c]]`, float64.
    """
    linear_3C = np.empty(3 * _CHUNK)
    for start in range(0, len(lightness_N), _CHUNK):
        stop = min(start + _CHUNK, len(lightness_N))
        part_3C = linear_3C[: 3 * (stop - start)]
        linear_of_lab(lightness_N[start:stop], ab_2N[2 * start : 2 * stop], rows, part_3C)
        level_3C = level_3N[3 * start : 3 * stop]
        for i in range(len(part_3C)):
            lowest = lowest_C[np.int32(part_3C[i] * LEVEL_CELLS)]
            level_3C[i] = lowest + (part_3C[i] >= border_K[lowest])


@kernel()
def levels_of_yuv(luma_N: Array, uv_2N: Array, rows: tuple[Row, Row, Row], level_3N: Array) -> None:
    """Write the uint8 levels of YUV, clipped and rounded; `rows` are those of the matrix to RGB."""
    to_red, to_green, to_blue = rows
    for i in range(len(luma_N)):
        y, u, v = np.float64(luma_N[i]), np.float64(uv_2N[2 * i]), np.float64(uv_2N[2 * i + 1])
        red = _unit(y * to_red[0] + u * to_red[1] + v * to_red[2])
        green = _unit(y * to_green[0] + u * to_green[1] + v * to_green[2])
        blue = _unit(y * to_blue[0] + u * to_blue[1] + v * to_blue[2])
        level_3N[3 * i] = np.uint8(np.int32(np.rint(red * 255.0)))
        level_3N[3 * i + 1] = np.uint8(np.int32(np.rint(green * 255.0)))
        level_3N[3 * i + 2] = np.uint8(np.int32(np.rint(blue * 255.0)))


@kernel()
def _look_up(
    level_3C: Array, table_256: Array, red_C: Array, green_C: Array, blue_C: Array
) -> None:
    for i in range(len(level_3C) // 3):
        red_C[i] = table_256[level_3C[3 * i]]
        green_C[i] = table_256[level_3C[3 * i + 1]]
        blue_C[i] = table_256[level_3C[3 * i + 2]]


@kernel()
def _lab_curve(red_C: Array, green_C: Array, blue_C: Array, row: Row, f_C: Array) -> None:
    """CIE's f of one of X, Y and Z."""
    for i in range(len(f_C)):
        t = red_C[i] * row[0] + green_C[i] * row[1] + blue_C[i] * row[2]
        root = _cube_root(t if t > _LINEAR_BELOW else _LINEAR_BELOW)
        # The lower of the two branches is the right one once the straight branch, which the root
        # is held above below the threshold, is lifted out of the way above it.
        straight = t * _SLOPE + _OFFSET + (_ONE if t > _LINEAR_BELOW else _ZERO)
        f_C[i] = root if root < straight else straight


@kernel()
def _cube_root(x: Any) -> Any:
    """`portable.cube_root` of one float32, bit for bit."""
    third = np.uint32(np.float32(x).view(np.uint32) // _THREE)
    y = np.uint32(third + _SEED).view(np.float32)
    double_x = x + x
    for _ in range(2):
        cubed = y * y * y
        y *= (cubed + double_x) / (cubed + cubed + x)
    return y


@kernel()
def _write_lab(fx_C: Array, fy_C: Array, fz_C: Array, lab_3C: Array) -> None:
    for i in range(len(lab_3C) // 3):
        fx, fy, fz = fx_C[i], fy_C[i], fz_C[i]
        lab_3C[3 * i] = fy * _L_UNIT - _BLACK
        lab_3C[3 * i + 1] = (fx - fy) * _A_UNIT
        lab_3C[3 * i + 2] = (fy - fz) * _B_UNIT


@kernel()
def _write_rows(
    red_C: Array, green_C: Array, blue_C: Array, to_y: Row, to_u: Row, to_v: Row, yuv_3C: Array
) -> None:
    for i in range(len(yuv_3C) // 3):
        red, green, blue = red_C[i], green_C[i], blue_C[i]
        yuv_3C[3 * i] = red * to_y[0] + green * to_y[1] + blue * to_y[2]
        yuv_3C[3 * i + 1] = red * to_u[0] + green * to_u[1] + blue * to_u[2]
        yuv_3C[3 * i + 2] = red * to_v[0] + green * to_v[1] + blue * to_v[2]


@kernel()
def _uncurved(f: float) -> float:
    return f * f * f if f > STRAIGHT_BELOW else (f - OFFSET) * (1 / SLOPE)


@kernel()
def _unit(x: float) -> float:
    # Also false for NaN.
    above = x if x > 0.0 else 0.0
    return above if above < 1.0 else 1.0

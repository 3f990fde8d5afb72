"""Color profiles (ICC) of curves and a matrix, applied to pixels of 16 bits.

LittleCMS as Pillow has it takes 8 bits. The profiles of working spaces (Adobe RGB, Display P3,
ProPhoto) and most of gray are simple enough to be computed here; the others, tables, are not.
By ICC.1:2022, 8.3 (matrix and curves), 10.6 (curve), 10.18 (parametric curve).

Shape suffixes: H rows, W columns, K = 65536 levels.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.color.srgb import gamma_encode

FloatArray = npt.NDArray[np.floating[Any]]
Levels = npt.NDArray[np.uint16]

_MOST = 65535
# sRGB's primaries as a profile has them, adapted to D50 (Bradford): XYZ of red, green and blue.
_SRGB_D50 = np.array(
    [
        [0.4360747, 0.3850649, 0.1430804],
        [0.2225045, 0.7168786, 0.0606169],
        [0.0139322, 0.0971045, 0.7141733],
    ]
)
# Parameters of each parametric curve: g, a, b, c, d, e, f.
_PARAMETERS = (1, 3, 4, 5, 7)


def shaper(icc: bytes) -> Callable[[Levels], Levels] | None:
    """What turns levels (H, W, 3), or gray (H, W), into those of sRGB, by the profile.

    None for a profile that is not of curves alone (and a matrix), or damaged.
    """
    try:
        tags = _tags(icc)
        if icc[20:24] != b"XYZ " or any(name.startswith(b"A2B") for name in tags):
            return None
        if icc[16:20] == b"GRAY":
            table_K = _to_levels(_curve(tags[b"kTRC"]))
            return lambda levels_HW: table_K[levels_HW]
        curves_3K = np.stack([_curve(tags[name + b"TRC"]) for name in (b"r", b"g", b"b")])
        columns = [_xyz(tags[name + b"XYZ"]) for name in (b"r", b"g", b"b")]
    except (KeyError, ValueError, IndexError, ZeroDivisionError, struct.error):
        return None
    matrix_33 = (np.linalg.inv(_SRGB_D50) @ np.stack(columns, axis=1)).astype(np.float32)
    return lambda levels_HW3: _shaped(levels_HW3, curves_3K, matrix_33)


def _shaped(levels_HW3: Levels, curves_3K: FloatArray, matrix_33: FloatArray) -> Levels:
    light = [curves_3K[c][levels_HW3[..., c]] for c in range(3)]
    out_HW3 = np.empty_like(levels_HW3)
    for channel, row in enumerate(matrix_33):
        linear_HW = light[0] * row[0] + light[1] * row[1] + light[2] * row[2]
        out_HW3[..., channel] = _to_levels(linear_HW)
    return out_HW3


def _to_levels(linear: FloatArray) -> Levels:
    levels: Levels = np.rint(gamma_encode(linear) * np.float32(_MOST)).astype(np.uint16)
    return levels


def _tags(icc: bytes) -> dict[bytes, bytes]:
    count = struct.unpack_from(">I", icc, 128)[0]
    found = {}
    for number in range(min(count, 1000)):
        name, at, size = struct.unpack_from(">4sII", icc, 132 + 12 * number)
        found[name] = icc[at : at + size]
    return found


def _xyz(tag: bytes) -> FloatArray:
    if tag[:4] != b"XYZ ":
        raise ValueError("no XYZ")
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> npt.NDArray[np.float32]:
    """The linear light of each level, (K,)."""
    x_K = np.arange(_MOST + 1) / _MOST
    if tag[:4] == b"curv":
        count = struct.unpack_from(">I", tag, 8)[0]
        values = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
        if count == 0:
            return x_K.astype(np.float32)
        if count == 1:
            power_K: FloatArray = np.power(x_K, values[0] / 256)
            return power_K.astype(np.float32)
        return np.interp(x_K, np.linspace(0, 1, count), values / _MOST).astype(np.float32)
    if tag[:4] != b"para":
        raise ValueError("no curve")
    kind = struct.unpack_from(">H", tag, 8)[0]
    numbers = struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12)
    return _parametric(x_K, kind, *(number / 65536 for number in numbers))


def _parametric(
    x_K: FloatArray,
    kind: int,
    g: float,
    a: float = 1.0,
    b: float = 0.0,
    c: float = 0.0,
    d: float = 0.0,
    e: float = 0.0,
    f: float = 0.0,
) -> npt.NDArray[np.float32]:
    if kind in (1, 2):  # c is added, and there is no slope, below where the power begins
        d, e, f, c = -b / a, c, c, 0.0
    power_K = np.maximum(a * x_K + b, 0) ** g + e
    line_K = c * x_K + f
    return np.clip(np.where(x_K >= d, power_K, line_K), 0, 1).astype(np.float32)

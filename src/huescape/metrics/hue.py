"""How far predicted hues and chromas are from the true ones, by true hue, and in which direction.

A mean error hides what a person sees first: blue shadows, brown leaves. Here it has a sign. Pixels
whose true chroma is at least 10 are put into twelve sectors of true hue, h = atan2(b, a), the first
around 0 degrees. The predicted color is taken apart along the true one's direction and across it,
a quarter turn further (toward yellow from red, toward blue from green); their means over a sector
are a mean color in which grays count little, and its angle is the sector's hue shift.

Shape suffixes: N pixels, S = 12 sectors, K = 5 sums.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.compiled import kernel
from huescape.metrics.pixel_kernels import flat

Array = npt.NDArray[Any]
Table = npt.NDArray[np.int64]

SECTORS = 12
#: Below it a pixel is too near to gray for its hue to be seen.
LEAST_CHROMA = 10.0
#: What is summed of each sector: pixels, and in thousandths of a Lab unit the true chroma, the
#: predicted one, and the predicted color along the true one's direction and across it.
SUMS = ("pixels", "true", "predicted", "along", "across")
#: What people call the middle of each sector.
NAMES = (
    *("pink", "red", "orange", "yellow", "yellow-green", "green"),
    *("teal", "cyan", "azure", "blue", "violet", "magenta"),
)
_WIDTH = 2 * math.pi / SECTORS
_BORDER_2S = np.array(
    [f((k + 0.5) * _WIDTH) for k in range(SECTORS) for f in (math.cos, math.sin)], np.float64
)


@dataclass(frozen=True)
class Shift:
    """One sector of true hue; None without pixels.

    Attributes:
        pixels: how many.
        true, predicted: mean chroma in Lab units.
        degrees: the hue shift, from -180 to 180; None where the mean prediction has no hue.
    """

    pixels: int
    true: float | None
    predicted: float | None
    degrees: float | None


def hue_table(predicted_N2: Array, true_N2: Array) -> Table:
    """The sums of each sector, (S, K), of ab in Lab units; whole numbers, in no order."""
    table_SK = np.zeros(SECTORS * len(SUMS), np.int64)
    least = LEAST_CHROMA**2
    _add_pixels(flat(predicted_N2), flat(true_N2), _BORDER_2S, least, table_SK)
    return table_SK.reshape(SECTORS, len(SUMS))


def shifts(table_SK: Array) -> list[Shift]:
    """What the sums of photos come to, by sector."""
    return [_shift(*(int(value) for value in row_K)) for row_K in table_SK]


def _shift(pixels: int, true: int, predicted: int, along: int, across: int) -> Shift:
    if not pixels:
        return Shift(0, None, None, None)
    degrees = math.degrees(math.atan2(across, along)) if along or across else None
    return Shift(pixels, true / pixels / 1000, predicted / pixels / 1000, degrees)


@kernel()
def _add_pixels(
    predicted_2N: Array, true_2N: Array, border_2S: Array, least: float, table_SK: Array
) -> None:
    sectors = len(border_2S) // 2
    for i in range(len(true_2N) // 2):
        true_a, true_b = np.float64(true_2N[2 * i]), np.float64(true_2N[2 * i + 1])
        squared = true_a * true_a + true_b * true_b
        if not squared >= least:
            continue
        # The first border that is less than half a turn ahead, as seen from the pixel.
        row = 0
        for s in range(sectors):
            before = (s + sectors - 1) % sectors
            past = border_2S[2 * before] * true_b - border_2S[2 * before + 1] * true_a
            ahead = true_a * border_2S[2 * s + 1] - true_b * border_2S[2 * s]
            if past >= 0 and ahead > 0:
                row = s
                break
        chroma = np.sqrt(squared)
        a, b = np.float64(predicted_2N[2 * i]), np.float64(predicted_2N[2 * i + 1])
        start = 5 * row
        table_SK[start] += 1
        table_SK[start + 1] += np.int64(np.rint(1000 * chroma))
        table_SK[start + 2] += np.int64(np.rint(1000 * np.sqrt(a * a + b * b)))
        table_SK[start + 3] += np.int64(np.rint(1000 * ((a * true_a + b * true_b) / chroma)))
        table_SK[start + 4] += np.int64(np.rint(1000 * ((true_a * b - true_b * a) / chroma)))

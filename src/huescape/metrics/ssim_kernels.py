"""The sums of SSIM, compiled: blurred values and products of two pictures, then the score.

A picture passes in tiles whose working space stays in cache, all three channels side by side: a
row of pixels is a row of 3 W values, where the neighbors of a value are 3 apart. Values, squares
and products of two levels, and sums of two of those, are exact in float32; everything weighed is
float64. Each loop writes one array only, so that the compiler makes vector instructions of it.

Shape suffixes: H rows, J = 3 W values of a row, h = H - 10 and j = 3 (W - 10) those whose window
lies inside the picture; `_T` a tile of one quantity after the other, `_V` a row of it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.compiled import kernel

Array = npt.NDArray[Any]


# Wang et al. 2004: an 11 x 11 window, a Gaussian of sigma 1.5, K1 = 0.01 and K2 = 0.03.
_RADIUS, _SIGMA = 5, 1.5
SIDE = 2 * _RADIUS + 1
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
_HALF = [math.exp(-(k**2) / (2 * _SIGMA**2)) for k in range(_RADIUS + 1)]
# Weights at distances 0..5 from the window's middle; all eleven sum to 1.
_W0, _W1, _W2, _W3, _W4, _W5 = (value / (2 * sum(_HALF) - _HALF[0]) for value in _HALF)

_CHANNELS = 3
_BORDER = _CHANNELS * 2 * _RADIUS
_WIDTH, _ROWS = 288, 48  # values and rows of a tile, its border included
_PLANE = _WIDTH * _ROWS


@kernel()
def moments(truth_HJ: Array, mean_hj: Array, variance_hj: Array) -> None:
    """Write the mean and the variance of each window of a picture, uint8."""
    tile_T, row_V = np.empty(3 * _PLANE, np.float32), np.empty(3 * _WIDTH)
    height, width = mean_hj.shape
    for top in range(0, height, _ROWS - 2 * _RADIUS):
        rows = min(_ROWS - 2 * _RADIUS, height - top)
        for left in range(0, width, _WIDTH - _BORDER):
            columns = min(_WIDTH - _BORDER, width - left)
            _fill(truth_HJ, truth_HJ, top, left, rows + 2 * _RADIUS, columns + _BORDER, tile_T)
            for row in range(rows):
                _blur_down(tile_T[row * _WIDTH :], columns + _BORDER, row_V)
                for i in range(columns):
                    mean = _blur_across(row_V, i)
                    mean_hj[top + row, left + i] = mean
                    variance_hj[top + row, left + i] = _blur_across(row_V, _WIDTH + i) - mean * mean


@kernel()
def ssim_sum(truth_HJ: Array, mean_hj: Array, variance_hj: Array, picture_HJ: Array) -> float:
    """The sum over all windows of the SSIM of two pictures, uint8; `moments` are the truth's."""
    tile_T, row_V = np.empty(3 * _PLANE, np.float32), np.empty(3 * _WIDTH)
    sum_V = np.zeros(_WIDTH)
    height, width = mean_hj.shape
    for top in range(0, height, _ROWS - 2 * _RADIUS):
        rows = min(_ROWS - 2 * _RADIUS, height - top)
        for left in range(0, width, _WIDTH - _BORDER):
            columns = min(_WIDTH - _BORDER, width - left)
            _fill(truth_HJ, picture_HJ, top, left, rows + 2 * _RADIUS, columns + _BORDER, tile_T)
            for row in range(rows):
                _blur_down(tile_T[row * _WIDTH :], columns + _BORDER, row_V)
                part = slice(left, left + columns)
                _add_scores(row_V, mean_hj[top + row, part], variance_hj[top + row, part], sum_V)
    return float(np.sum(sum_V))


@kernel()
def _fill(
    truth_HJ: Array, picture_HJ: Array, top: int, left: int, rows: int, columns: int, tile_T: Array
) -> None:
    """Write the picture's values, their squares, and their products with the truth's."""
    for row in range(rows):
        truth_J = truth_HJ[top + row, left : left + columns]
        picture_J = picture_HJ[top + row, left : left + columns]
        line_T = tile_T[row * _WIDTH :]
        for i in range(columns):
            value = np.float32(picture_J[i])
            line_T[i] = value
            line_T[_PLANE + i] = value * value
            line_T[2 * _PLANE + i] = value * np.float32(truth_J[i])


@kernel()
def _blur_down(tile_T: Array, columns: int, row_V: Array) -> None:
    """Blur the first eleven rows into one, all three quantities."""
    for i in range(columns):
        row_V[i] = _blur_column(tile_T, i)
        row_V[_WIDTH + i] = _blur_column(tile_T, _PLANE + i)
        row_V[2 * _WIDTH + i] = _blur_column(tile_T, 2 * _PLANE + i)


@kernel()
def _blur_column(tile_T: Array, at: int) -> float:
    first = tile_T[at] + tile_T[at + 10 * _WIDTH]
    second = tile_T[at + _WIDTH] + tile_T[at + 9 * _WIDTH]
    third = tile_T[at + 2 * _WIDTH] + tile_T[at + 8 * _WIDTH]
    fourth = tile_T[at + 3 * _WIDTH] + tile_T[at + 7 * _WIDTH]
    fifth = tile_T[at + 4 * _WIDTH] + tile_T[at + 6 * _WIDTH]
    near = tile_T[at + 5 * _WIDTH] * _W0 + fifth * _W1 + fourth * _W2
    return near + (third * _W3 + second * _W4 + first * _W5)  # type: ignore[no-any-return]


@kernel()
def _blur_across(row_V: Array, at: int) -> float:
    first, second = row_V[at] + row_V[at + 30], row_V[at + 3] + row_V[at + 27]
    third, fourth = row_V[at + 6] + row_V[at + 24], row_V[at + 9] + row_V[at + 21]
    near = row_V[at + 15] * _W0 + (row_V[at + 12] + row_V[at + 18]) * _W1 + fourth * _W2
    return near + (third * _W3 + second * _W4 + first * _W5)  # type: ignore[no-any-return]


@kernel()
def _add_scores(row_V: Array, mean_j: Array, variance_j: Array, sum_V: Array) -> None:
    for i in range(len(mean_j)):
        mean, true_mean = _blur_across(row_V, i), mean_j[i]
        cross, squares = mean * true_mean, mean * mean
        variance = _blur_across(row_V, _WIDTH + i) - squares
        covariance = _blur_across(row_V, 2 * _WIDTH + i) - cross
        top = (2 * cross + _C1) * (2 * covariance + _C2)
        bottom = (squares + true_mean * true_mean + _C1) * (variance + variance_j[i] + _C2)
        sum_V[i] += top / bottom

"""The search among a cell's candidates, compiled, and how the cells come by their candidates.

All judging is in float64, with the operations of a comparison with every bin and in its order; no
operation is fused or reordered, so the results have the same bits on every machine.

Shape suffixes: N pixels, 2 chroma channels, Q bins, K nearest, C cells, L entries of all lists, M
candidates of a cell; `_2N` is flat.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from huescape.base.compiled import kernel

Array = npt.NDArray[Any]

_CHUNK = 4096  # the working space of a chunk stays in cache
# Squares of larger numbers would overflow.
LIMIT = 1e150
# NumPy's own order of adding: one by one below 8 terms, eight sums side by side up to 128.
_LANES, _PAIRWISE = 8, 128
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.121944400546905827679e-4
_EXP_FLOOR = -708.0
_TAYLOR = tuple(1 / math.factorial(k) for k in range(13, -1, -1))


class Cells(NamedTuple):
    """The plane of cells: side x side of them, then one that stands for all outside the plane.

    `corner_a` and `corner_b` are the plane's lower corner, `inverse` is one over a cell's side, all
    float64. `code_C` is a cell's candidate where there is one, else -1 - n, where `lists_L[n]` is
    the number of candidates and they follow, rising; one more bin ends `lists_L`.
    """

    corner_a: Any
    corner_b: Any
    inverse: Any
    side: Any
    code_C: Any
    lists_L: Any
    centers_a_Q: Any
    centers_b_Q: Any


@kernel()
def nearest(ab_2N: Array, cells: Cells, index_N: Array) -> bool:
    """Write each color's nearest bin; false if a color is beyond the limit or not finite."""
    cell_C, rest_C = np.empty(_CHUNK, np.int32), np.empty(_CHUNK, np.int32)
    for start in range(0, len(index_N), _CHUNK):
        n = min(_CHUNK, len(index_N) - start)
        ab_2C, index_C = ab_2N[2 * start : 2 * (start + n)], index_N[start : start + n]
        _find_cells(ab_2C, cells, cell_C[:n])
        # Without a branch: near the bins' borders none could be predicted.
        count = 0
        for i in range(n):
            code = cells.code_C[cell_C[i]]
            index_C[i] = code
            rest_C[count] = i
            count += int(code < 0)
        if not _search(ab_2C, rest_C[:count], cells, index_C):
            return False
    return True


@kernel()
def _search(ab_2C: Array, rows: Array, cells: Cells, index_C: Array) -> bool:
    """Replace the codes of these rows by the nearest of the cell's candidates."""
    for i in rows:
        a, b = np.float64(ab_2C[2 * i]), np.float64(ab_2C[2 * i + 1])
        if not (abs(a) <= LIMIT and abs(b) <= LIMIT):
            return False
        first = -index_C[i]
        last = first + cells.lists_L[first - 1]
        # Most lists have two bins; which is nearer cannot be predicted, so there is no branch.
        # The lists are rising: the first of equals is the lower index.
        best, second = cells.lists_L[first], cells.lists_L[first + 1]
        lowest, squared = _squared(a, b, cells, best), _squared(a, b, cells, second)
        best = second if squared < lowest else best
        lowest = min(squared, lowest)
        for at in range(first + 2, last):
            squared = _squared(a, b, cells, cells.lists_L[at])
            best = cells.lists_L[at] if squared < lowest else best
            lowest = min(squared, lowest)
        index_C[i] = best
    return True


@kernel()
def encode(
    ab_2N: Array,
    rows_N: Array,
    cells: Cells,
    double_variance: float,
    index_NK: Array,
    weight_NK: Array,
) -> bool:
    """Write the nearest bins and their weights of the colors `rows_N`, int32.

    False if one of them is beyond the limit or not finite.
    """
    k = index_NK.shape[1]
    index_K, squared_K, weight_K, space_K = (
        np.empty(k, np.int64),
        np.empty(k),
        np.empty(k),
        np.empty(k),
    )
    cell_1 = np.empty(1, np.int32)
    for i in rows_N:
        a, b = np.float64(ab_2N[2 * i]), np.float64(ab_2N[2 * i + 1])
        if not (abs(a) <= LIMIT and abs(b) <= LIMIT):
            return False
        _find_cells(ab_2N[2 * i : 2 * i + 2], cells, cell_1)
        _first_k(a, b, cells, cells.code_C[cell_1[0]], index_K, squared_K)
        for n in range(k):
            space_K[n] = (squared_K[0] - squared_K[n]) / double_variance
        _exp_negative(space_K, weight_K)
        total = _sum(weight_K)
        for n in range(k):
            index_NK[i, n] = index_K[n]
            weight_NK[i, n] = weight_K[n] / total
    return True


@kernel()
def split_cells(
    first_C: Array,
    bins_L: Array,
    side: int,
    plane: tuple[float, float, float],
    centers_Q2: Array,
    k: int,
) -> tuple[Array, Array]:
    """The lists of cells of half the size, from those of side x side cells.

    A list holds every bin that can be among the k nearest of a point in its cell. `plane` is its
    lower corner and its side.
    """
    children = 2 * side
    size = plane[2] / children
    # A point can land in the neighboring cell by rounding, so every cell is taken 1 % larger.
    half = size / 2 * 1.01
    child_first_C = np.empty(children * children + 1, np.int32)
    child_bins_L = np.empty(4 * len(bins_L), np.int32)
    far_M = np.empty(len(bins_L))
    total = 0
    for child in range(children * children):
        row, column = child // children, child % children
        parent = row // 2 * side + column // 2
        candidates_M = bins_L[first_C[parent] : first_C[parent + 1]]
        child_first_C[child] = total
        if len(candidates_M) <= k:
            for q in candidates_M:
                child_bins_L[total] = q
                total += 1
            continue
        a, b = plane[0] + (row + 0.5) * size, plane[1] + (column + 0.5) * size
        for n, q in enumerate(candidates_M):
            off_a, off_b = abs(a - centers_Q2[q, 0]) + half, abs(b - centers_Q2[q, 1]) + half
            far_M[n] = off_a * off_a + off_b * off_b
        # k bins are surely within the k-th smallest farthest distance of the cell.
        bound = _smallest(far_M[: len(candidates_M)], k)
        for q in candidates_M:
            off_a = max(abs(a - centers_Q2[q, 0]) - half, 0.0)
            off_b = max(abs(b - centers_Q2[q, 1]) - half, 0.0)
            if off_a * off_a + off_b * off_b <= bound:
                child_bins_L[total] = q
                total += 1
    child_first_C[-1] = total
    return child_first_C, child_bins_L[:total]


@kernel()
def pack(first_C: Array, bins_L: Array, bins: int) -> tuple[Array, Array]:
    """`code_C` and `lists_L` of these cells, and of a last one that has all the bins."""
    cells = len(first_C) - 1
    code_C = np.empty(cells + 1, np.int32)
    lists_L = np.empty(len(bins_L) + cells + bins + 2, np.int32)
    end = 0
    for cell in range(cells + 1):
        count = first_C[cell + 1] - first_C[cell] if cell < cells else bins
        if count == 1 and cell < cells:
            code_C[cell] = bins_L[first_C[cell]]
            continue
        code_C[cell] = -1 - end
        lists_L[end] = count
        for n in range(count):
            lists_L[end + 1 + n] = bins_L[first_C[cell] + n] if cell < cells else n
        end += 1 + count
    lists_L[end] = bins - 1
    return code_C, lists_L[: end + 1]


@kernel()
def _find_cells(ab_2N: Array, cells: Cells, cell_N: Array) -> None:
    outside = np.int32(cells.side * cells.side)
    for i in range(len(cell_N)):
        place_a = (np.float64(ab_2N[2 * i]) - cells.corner_a) * cells.inverse
        place_b = (np.float64(ab_2N[2 * i + 1]) - cells.corner_b) * cells.inverse
        # False for NaN.
        inside = (place_a >= 0.0) & (place_a < cells.side)
        inside &= (place_b >= 0.0) & (place_b < cells.side)
        row = np.int32(place_a if inside else 0.0)
        column = np.int32(place_b if inside else 0.0)
        cell_N[i] = row * np.int32(cells.side) + column if inside else outside


@kernel()
def _squared(a: float, b: float, cells: Cells, index: int) -> float:
    off_a, off_b = a - cells.centers_a_Q[index], b - cells.centers_b_Q[index]
    return off_a * off_a + off_b * off_b  # type: ignore[no-any-return]


@kernel()
def _first_k(a: float, b: float, cells: Cells, code: int, index_K: Array, squared_K: Array) -> None:
    """Insert a cell's candidates one by one, ordered by (distance, index)."""
    if code >= 0:  # then one is sought, and its distance does not matter to its weight of 1
        index_K[0], squared_K[0] = code, 0.0
        return
    k, found = len(index_K), 0
    for at in range(-code, -code + cells.lists_L[-1 - code]):
        index = cells.lists_L[at]
        squared = _squared(a, b, cells, index)
        if found < k:
            found += 1
        elif not squared < squared_K[k - 1]:
            continue
        place = found - 1
        # Not moved past its equals: these came before, so their index is lower.
        while place > 0 and squared < squared_K[place - 1]:
            squared_K[place], index_K[place] = squared_K[place - 1], index_K[place - 1]
            place -= 1
        squared_K[place], index_K[place] = squared, index


@kernel()
def _exp_negative(x_K: Array, result_K: Array) -> None:
    """exp(x) for x <= 0 as in `portable.exp_negative`, bit for bit; overwrites `x_K`."""
    for n in range(len(x_K)):
        x = max(x_K[n], _EXP_FLOOR)
        exponent = np.rint(x * (1 / math.log(2)))
        # The result is a normal number, so that scaling by a power of two is exact.
        power = np.int64((np.int64(exponent) + 1023) << 52).view(np.float64)
        result_K[n] = power if x_K[n] >= _EXP_FLOOR else 0.0
        x_K[n] = (x - exponent * _LN2_HIGH) - exponent * _LN2_LOW
    for n in range(len(x_K)):
        total = _TAYLOR[0]
        for k in range(1, len(_TAYLOR)):
            total = total * x_K[n] + _TAYLOR[k]
        result_K[n] *= total


@kernel()
def _sum(value_K: Array) -> float:
    """The sum of positive numbers, added in NumPy's order."""
    k = len(value_K)
    if k > _PAIRWISE:
        half = k // 2 - k // 2 % _LANES
        return _sum(value_K[:half]) + _sum(value_K[half:])  # type: ignore[no-any-return]
    total, done = 0.0, 0
    if k >= _LANES:
        lanes = value_K[:_LANES].copy()
        done = k - k % _LANES
        for n in range(_LANES, done):
            lanes[n % _LANES] += value_K[n]
        left = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3])
        total = left + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
    for n in range(done, k):
        total += value_K[n]
    return total


@kernel()
def _smallest(value_M: Array, k: int) -> float:
    """The k-th smallest, k from 1, by Hoare's selection; changes the order."""
    low, high = 0, len(value_M) - 1
    while low < high:
        pivot, i, j = value_M[(low + high) // 2], low, high
        while i <= j:
            while value_M[i] < pivot:
                i += 1
            while value_M[j] > pivot:
                j -= 1
            if i <= j:
                value_M[i], value_M[j] = value_M[j], value_M[i]
                i, j = i + 1, j - 1
        if j < k - 1 < i:
            break
        low, high = (low, j) if k - 1 <= j else (i, high)
    return value_M[k - 1]  # type: ignore[no-any-return]

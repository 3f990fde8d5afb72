"""Soft encoding on a device, by search and by arithmetic on the grid; for comparison only.

The project encodes on CPUs, once, because targets are hashed files that must have the same bits on
every machine. The arithmetic is that of `huescape.color.lattice`, which proves it.

Shape suffixes: N pixels, 2 chroma channels, Q bins, 5 nearest bins, S slots of the padded grid,
V = 24 variants of a slot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

# Pixels searched together: their distances to 313 bins are 330 MB.
_CHUNK = 1 << 18
Encoded = tuple[Tensor, Tensor]


def search(ab_N2: Tensor, centers_Q2: Tensor, sigma: float) -> Encoded:
    """The five nearest of all bins (N, 5) int64, by rising distance, and their weights (N, 5)."""
    parts = [_search(part_N2, centers_Q2, sigma) for part_N2 in ab_N2.split(_CHUNK)]
    return torch.cat([index for index, _ in parts]), torch.cat([weight for _, weight in parts])


def _search(ab_N2: Tensor, centers_Q2: Tensor, sigma: float) -> Encoded:
    # By way of a matrix product, distances would lose half their digits.
    exact = "donot_use_mm_for_euclid_dist"
    distance_NQ = torch.cdist(ab_N2, centers_Q2, compute_mode=exact)
    distance_N5, index_N5 = distance_NQ.topk(5, largest=False)
    return index_N5, torch.softmax(-distance_N5.square() / (2 * sigma**2), dim=1)


@dataclass(frozen=True)
class GridTable:
    """The five nearest bins of every slot and variant; slot 0 is at `first` steps.

    Attributes:
        bins_SV5: int64, S V rows; -1 where there is no such bin.
        columns, lines: slots along b and a; the outermost have no bin.
    """

    centers_Q2: Tensor
    bins_SV5: Tensor
    step: float
    first: tuple[int, int]
    lines: int
    columns: int


def grid_table(centers_Q2: npt.NDArray[np.float64], step: float, device: torch.device) -> GridTable:
    """The table of bins that lie on multiples of `step`."""
    numbers_Q2 = np.rint(centers_Q2 / step).astype(int)
    first_2 = numbers_Q2.min(0) - 1
    lines, columns = (numbers_Q2.max(0) - first_2 + 2).tolist()
    # Two more lines and columns around, so that no neighbor lies outside.
    bins = np.full((lines + 4, columns + 4), -1)
    bins[tuple((numbers_Q2 - first_2 + 2).T)] = np.arange(len(centers_Q2))
    table = np.empty((lines, columns, 24, 5), np.int64)
    for variant in range(24):
        for k, (a, b) in enumerate(_five_shifts(variant)):
            table[:, :, variant, k] = bins[2 + a : 2 + a + lines, 2 + b : 2 + b + columns]
    return GridTable(
        torch.as_tensor(centers_Q2, dtype=torch.float32, device=device),
        torch.from_numpy(table.reshape(-1, 5)).to(device),
        step,
        (int(first_2[0]), int(first_2[1])),
        lines,
        columns,
    )


def _five_shifts(variant: int) -> list[tuple[int, int]]:
    order, b_up, a_up, b_larger = variant % 3, variant // 3 % 2, variant // 6 % 2, variant // 12
    toward_a, toward_b = (1 if a_up else -1, 0), (0, 1 if b_up else -1)
    major, minor = (toward_b, toward_a) if b_larger else (toward_a, toward_b)
    diagonal = (major[0] + minor[0], major[1] + minor[1])
    far_minor, far_major = (-minor[0], -minor[1]), (-major[0], -major[1])
    last = ([far_minor, far_major], [far_minor, diagonal], [diagonal, far_minor])[order]
    return [(0, 0), major, minor, *last]


def by_grid(ab_N2: Tensor, table: GridTable, sigma: float) -> Encoded:
    """As `search`; a row with a -1 is left open, as one of the five is no bin."""
    step = table.step
    number_N2 = torch.round(ab_N2 / step)
    offset_N2 = ab_N2 - number_N2 * step
    size_N2 = offset_N2.abs()
    major_N, minor_N = size_N2.amax(1), size_N2.amin(1)
    order_N = (2 * major_N + minor_N > step / 2).long() + (major_N + 2 * minor_N > step / 2).long()
    up_N2 = (offset_N2 > 0).long()
    b_larger_N = (size_N2[:, 1] > size_N2[:, 0]).long()
    variant_N = order_N + 3 * up_N2[:, 1] + 6 * up_N2[:, 0] + 12 * b_larger_N
    line_N = (number_N2[:, 0].long() - table.first[0]).clamp(0, table.lines - 1)
    column_N = (number_N2[:, 1].long() - table.first[1]).clamp(0, table.columns - 1)
    index_N5 = table.bins_SV5[(line_N * table.columns + column_N) * 24 + variant_N]
    away_N52 = table.centers_Q2[index_N5.clamp(min=0)] - ab_N2[:, None]
    weight_N5 = torch.softmax(away_N52.square().sum(2) / (-2 * sigma**2), dim=1)
    return index_N5, weight_N5


def arithmetic(
    ab_N2: Tensor, table: GridTable, sigma: float, core: Callable[..., Encoded] = by_grid
) -> Encoded:
    """As `search`: the grid's arithmetic (`core`), and the search for what it leaves open."""
    index_N5, weight_N5 = core(ab_N2, table, sigma)
    open_M = (index_N5 < 0).any(1).nonzero()[:, 0]
    if len(open_M):
        index_N5[open_M], weight_N5[open_M] = search(ab_N2[open_M], table.centers_Q2, sigma)
    return index_N5, weight_N5

"""The bank of tiles: periodic, repeatable, and the cells those of Worley."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from huescape.landscapes import tiles
from huescape.landscapes.noise import TILE

Maker = Callable[[np.random.Generator], np.ndarray]
_MAKERS: dict[str, Maker] = {
    "smooth": tiles.smooth,
    "fractal": tiles.fractal,
    "ridged": tiles.ridged,
    "cells": tiles.cells,
    "strokes": tiles.strokes,
}


@pytest.mark.parametrize("kind", _MAKERS)
def test_tiles_repeat_and_cannot_be_changed(kind: str) -> None:
    first, second = (_MAKERS[kind](np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    assert first.shape[-2:] == (TILE, TILE)
    with pytest.raises(ValueError, match="read-only"):
        first[..., 0, 0] = 0


@pytest.mark.parametrize("kind", ["smooth", "fractal", "ridged"])
def test_smooth_tiles_have_no_seam(kind: str) -> None:
    """The step over the border is no larger than the largest step inside."""
    tile = _MAKERS[kind](np.random.default_rng(0))
    for axis in (0, 1):
        inside = np.abs(np.diff(tile, axis=axis)).max()
        seam = np.abs(np.take(tile, 0, axis) - np.take(tile, -1, axis)).max()
        assert seam <= 1.2 * inside


@pytest.mark.parametrize("kind", _MAKERS)
def test_the_bank_holds_different_tiles(kind: str) -> None:
    drawn = {_MAKERS[kind](np.random.default_rng(seed)).tobytes() for seed in range(30)}
    assert len(drawn) > 1


def test_cells_are_those_of_a_search_over_all_points() -> None:
    """Worley's definition, the slow way: each pixel against every periodic point."""
    count, variant = 8, 2
    rng = np.random.default_rng([tiles._CELLS, variant, count])
    jitter_y, jitter_x, value = rng.random((3, count, count), dtype=np.float32)
    dome, own = tiles._cells(variant, count)
    row, col = np.mgrid[0:count, 0:count]
    points = np.stack([(row + jitter_y).ravel(), (col + jitter_x).ravel()], axis=1)
    for y, x in np.random.default_rng(1).integers(0, TILE, (200, 2)):
        here = (np.array([y, x]) + 0.5) * count / TILE
        gap = np.abs(points - here)
        distance = (np.minimum(gap, count - gap) ** 2).sum(axis=1)
        nearest = int(distance.argmin())
        assert dome[y, x] == pytest.approx(max(0.0, 1 - distance[nearest] / 0.7), abs=1e-4)
        assert own[y, x] == value.ravel()[nearest]


def test_strokes_are_upright() -> None:
    tile = tiles.strokes(np.random.default_rng(0), 16)
    down, across = np.abs(np.diff(tile, axis=0)).mean(), np.abs(np.diff(tile, axis=1)).mean()
    assert across > 3 * down

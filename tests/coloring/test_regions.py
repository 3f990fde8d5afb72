"""Distances that shun edges, against plain relaxation, and what must hold for them."""

from __future__ import annotations

import numpy as np
import pytest

from huescape.coloring.regions import distances


def reference(planes_Chw: np.ndarray, is_source_hw: np.ndarray) -> np.ndarray:
    """Bellman and Ford: every pixel asks its neighbors until none knows a shorter way."""
    _, height, width = planes_Chw.shape
    found_hw = np.where(is_source_hw, 0.0, np.inf)
    changed = True
    while changed:
        changed = False
        for y in range(height):
            for x in range(width):
                for row in range(max(0, y - 1), min(height, y + 2)):
                    for column in range(max(0, x - 1), min(width, x + 2)):
                        apart = float(np.hypot(row - y, column - x))
                        if not apart:
                            continue
                        step_C = planes_Chw[:, y, x] - planes_Chw[:, row, column]
                        slope = float(np.sqrt((step_C**2).sum())) / apart
                        way = ((slope / 0.13) ** 1.5 + 0.4 / max(height, width)) * apart
                        if found_hw[row, column] + way < found_hw[y, x] - 1e-12:
                            found_hw[y, x], changed = found_hw[row, column] + way, True
    return found_hw


@pytest.mark.parametrize("shape", [(7, 9), (1, 6), (5, 1), (1, 1)])
def test_is_the_shortest_way(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    for _ in range(3):
        planes_3hw = random.random((3, *shape)) * 0.3
        is_source_hw = random.random(shape) < 0.1
        is_source_hw[0, 0] = True
        expected_hw = reference(planes_3hw, is_source_hw)
        found_hw, nearest_hw = distances(planes_3hw, is_source_hw, np.inf)
        assert np.allclose(found_hw, expected_hw, atol=1e-9)
        assert (nearest_hw[is_source_hw] == np.flatnonzero(is_source_hw)).all()
        assert is_source_hw.ravel()[nearest_hw].all()
        limited_hw, _ = distances(planes_3hw, is_source_hw, 0.8)
        assert np.allclose(limited_hw[expected_hw <= 0.8], expected_hw[expected_hw <= 0.8])
        assert np.isinf(limited_hw[expected_hw > 0.8 + 1e-9]).all()


def test_a_slope_is_nearer_than_an_edge_of_its_height() -> None:
    width = 60
    source_hw = np.zeros((5, width), bool)
    source_hw[:, 0] = True
    slope, edge = np.linspace(0, 0.3, width), np.where(np.arange(width) < 30, 0, 0.3)
    flat, gradual, sharp = (
        distances(np.tile(row, (1, 5, 1)), source_hw, np.inf)[0][2, -1]
        for row in (np.zeros(width), slope, edge)
    )
    assert flat < 0.41
    assert gradual < 1
    assert sharp > 3


def test_a_gap_in_an_edge_is_a_way_around_it() -> None:
    planes_1hw = np.zeros((1, 30, 30))
    planes_1hw[:, :, 15] = 0.5
    source_hw = np.zeros((30, 30), bool)
    source_hw[15, 2] = True
    closed = distances(planes_1hw, source_hw, np.inf)[0][15, 27]
    planes_1hw[:, 3, 15] = 0
    assert distances(planes_1hw, source_hw, np.inf)[0][15, 27] < 1 < closed

"""The cell a color falls in, against exact rational arithmetic, color by color."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.base.errors import HuescapeError
from huescape.color.bins import CellHistogram
from huescape.color.cells import cell_bin, cell_borders, cell_of
from huescape.color.spaces import rgb_to_yuv

LAW = settings(max_examples=60, deadline=None)
YUV_LIMITS = ((-0.45, 0.45), (-0.65, 0.65))


def slow_place(x: float, low: str, high: str, cells: int) -> int:
    """By trying every border, each the float64 next to its exact place."""
    start, span = Fraction(low), Fraction(high) - Fraction(low)
    passed = [float(start + span * k / cells) <= x for k in range(1, cells)]
    return sum(passed)


def slow_cell(color: tuple[float, float], cells: int) -> int:
    u, v = (slow_place(x, *ends, cells) for x, ends in zip(color, DECIMALS, strict=True))
    return u * cells + v


DECIMALS = (("-0.45", "0.45"), ("-0.65", "0.65"))


def slow_bin(color: tuple[float, float], cells: int, centers: list, kept: list[int]) -> int:
    """Its own cell's bin, else the nearest mean in float64, the lower index at a tie."""
    number = slow_cell(color, cells)
    if number in kept:
        return kept.index(number)
    squared = [(color[0] - a) ** 2 + (color[1] - b) ** 2 for a, b in centers]
    return squared.index(min(squared))


def at_borders(cells: int, dtype: type) -> np.ndarray:
    """Every crossing of two borders, and the floats of `dtype` next to it on all sides."""
    near = []
    for border_C in cell_borders(YUV_LIMITS, cells):
        exact = border_C.astype(dtype)
        steps = [np.nextafter(exact, dtype(to)) for to in (-1, 1)]
        near.append(np.unique(np.concatenate([exact, *steps])))
    return np.stack(np.meshgrid(*near, indexing="ij"), -1).reshape(-1, 2)


@pytest.mark.parametrize("cells", [1, 2, 3, 7, 10, 20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_colors_at_the_borders_fall_in_their_exact_cell(cells: int, dtype: type) -> None:
    ab = at_borders(cells, dtype)
    found = cell_of(ab, cell_borders(YUV_LIMITS, cells))
    assert found.tolist() == [slow_cell(color, cells) for color in ab.tolist()]


def test_a_border_belongs_to_the_upper_cell_and_the_last_one_to_the_last() -> None:
    borders = cell_borders(YUV_LIMITS, 10)
    assert borders[0].tolist() == [
        -0.45,
        -0.36,
        -0.27,
        -0.18,
        -0.09,
        0,
        0.09,
        0.18,
        0.27,
        0.36,
        0.45,
    ]
    for k in range(10):
        on = np.array([borders[0, k], borders[1, k]])
        assert cell_of(on, borders) == k * 11
        below = np.nextafter(on, -9)
        assert cell_of(below, borders) == max(k - 1, 0) * 11
    assert cell_of(borders[:, -1], borders) == 99
    beyond = np.array([[-9.0, 9.0], [1e300, -1e300], [0.46, 0.0]])
    assert cell_of(beyond, borders).tolist() == [9, 90, 95]


@LAW
@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)), min_size=1, max_size=40),
    st.integers(1, 12),
    st.integers(1, 8),
    st.booleans(),
)
def test_a_color_has_the_bin_of_its_cell(
    colors: list, cells: int, most: int, is_single: bool
) -> None:
    ab = np.array(colors, np.float32 if is_single else np.float64)
    histogram = CellHistogram(YUV_LIMITS, cells).add(ab)
    kept = histogram.frequent(min(most, int((histogram.counts > 0).sum())))
    everywhere = np.concatenate([ab, at_borders(cells, ab.dtype.type)])
    found = cell_bin(everywhere, kept.centers, histogram.borders, kept.cells)
    arguments = cells, kept.centers.tolist(), kept.cells.tolist()
    assert found.tolist() == [slow_bin(color, *arguments) for color in everywhere.tolist()]
    assert np.bincount(cell_of(ab, histogram.borders), minlength=cells**2).tolist() == (
        histogram.counts.tolist()
    )


def test_colors_of_photos_have_the_bins_of_the_slow_way() -> None:
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (4000, 1), dtype=np.uint8)
    near_gray = np.clip(levels.astype(int) + rng.integers(-9, 10, (4000, 3)), 0, 255)
    grays = np.repeat(np.arange(256)[:, None], 3, 1)
    uv = rgb_to_yuv(np.concatenate([near_gray, grays]).astype(np.uint8))[:, 1:]
    histogram = CellHistogram(YUV_LIMITS, 10).add(uv)
    kept = histogram.frequent(3)
    found = cell_bin(uv, kept.centers, histogram.borders, kept.cells)
    arguments = 10, kept.centers.tolist(), kept.cells.tolist()
    assert found.tolist() == [slow_bin(color, *arguments) for color in uv.tolist()]


def test_a_color_of_a_dropped_cell_midway_goes_to_the_lower_bin() -> None:
    borders = cell_borders(((-1.5, 1.5), (-0.5, 0.5)), 3)
    centers = np.array([[1.0, 0.0], [-1.0, 0.0]])
    middle = np.zeros((1, 2))
    assert cell_bin(middle, centers, borders, np.array([7, 1])).tolist() == [0]
    assert cell_bin(middle, centers[::-1], borders, np.array([1, 7])).tolist() == [0]


def test_shapes_and_views() -> None:
    ab = np.random.default_rng(1).uniform(-0.6, 0.6, (5, 8, 3)).astype(np.float32)[::2, :, 1:]
    ab.flags.writeable = False
    borders = cell_borders(YUV_LIMITS, 10)
    found = cell_of(ab, borders)
    assert found.shape == (3, 8)
    assert found.ravel().tolist() == [slow_cell(c, 10) for c in ab.reshape(-1, 2).tolist()]
    assert cell_of(ab[:0], borders).shape == (0, 8)
    one = cell_bin(np.array([0.0, 0.0]), np.zeros((1, 2)), borders, np.array([3]))
    assert one.shape == ()
    assert one == 0


def test_what_is_refused() -> None:
    borders, centers = cell_borders(YUV_LIMITS, 4), np.zeros((1, 2))
    for bad, words in (
        (np.zeros((2, 3)), r"shape \(2, 3\)"),
        (np.zeros((2, 2), np.int64), "dtype int64"),
        (np.array([[np.nan, 0.0]]), "not finite"),
        (np.array([[0.0, -np.inf]]), "not finite"),
    ):
        with pytest.raises(HuescapeError, match=words):
            cell_of(bad, borders)
    for cells, words in (([0, 1], "2 cells for 1 bins"), ([16], "0 to 15"), ([-1], "0 to 15")):
        with pytest.raises(HuescapeError, match=words):
            cell_bin(np.zeros((1, 2)), centers, borders, np.array(cells, int))
    with pytest.raises(HuescapeError, match="no whole number from 0 to 15"):
        cell_bin(np.zeros((1, 2)), centers, borders, np.array([1.0]))
    with pytest.raises(HuescapeError, match="borders"):
        cell_of(np.zeros((1, 2)), borders[:, ::-1])
    with pytest.raises(HuescapeError, match="limits"):
        cell_borders(((0.0, 0.0), (0.0, 1.0)), 4)
    with pytest.raises(HuescapeError, match="cells_per_axis"):
        cell_borders(YUV_LIMITS, 0)

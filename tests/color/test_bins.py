"""Bins against slow references: the published table's figures, a loop over cells."""

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, Delaunay
from skimage.color import rgb2lab

from huescape.base.errors import HuescapeError
from huescape.color.bins import CellHistogram, gamut_centers
from huescape.color.cells import cell_of
from huescape.color.encoding import nearest_bin
from huescape.color.spaces import rgb_to_yuv

# No deadline: a busy machine is not a wrong result.
LAW = settings(max_examples=40, deadline=None)
YUV_LIMITS = ((-0.45, 0.45), (-0.65, 0.65))


def test_gamut_centers_are_the_published_313() -> None:
    centers = gamut_centers("lab", 10)
    assert centers.shape == (313, 2)
    assert centers.dtype == np.float64
    assert centers.sum(axis=0).tolist() == [4910, 2090]
    assert centers.min(axis=0).tolist() == [-90, -110]
    assert centers.max(axis=0).tolist() == [100, 100]
    order = np.lexsort((centers[:, 1], centers[:, 0]))
    assert np.array_equal(order, np.arange(313))
    assert (centers % 10 == 0).all()


def _faces() -> np.ndarray:
    """All 8-bit colors on the faces of the RGB cube; the chroma's hull has its corners there."""
    levels = np.arange(256)
    plane = np.stack(np.meshgrid(levels, levels, indexing="ij"), -1).reshape(-1, 2)
    return np.concatenate(
        [np.insert(plane, axis, end, axis=1) for axis in range(3) for end in (0, 255)]
    )


@pytest.mark.parametrize("step", [10.0, 7.0, 25.0])
def test_gamut_rule_against_brute_force_over_grid_cells(step: float) -> None:
    """The rule in its other wording: corners of grid cells that touch the hull, by sampling."""
    chroma = rgb2lab(_faces() / 255.0)[:, 1:]
    hull_points = chroma[ConvexHull(chroma).vertices]
    hull = Delaunay(hull_points)
    kept = set()
    ring = np.concatenate([np.linspace(p, q, 400) for p, q in _closed_edges(hull_points)])
    touched = {tuple(cell) for cell in np.floor(ring / step).astype(int)}
    for i in range(-20, 21):
        for j in range(-20, 21):
            middle = (np.array([i, j]) + 0.5) * step
            if (i, j) in touched or hull.find_simplex(middle) >= 0:
                kept |= {(i + di, j + dj) for di in (0, 1) for dj in (0, 1)}
    assert {tuple(row) for row in gamut_centers("lab", step)} == {
        (i * step, j * step) for i, j in kept
    }


def _closed_edges(polygon: np.ndarray) -> zip:
    return zip(polygon, np.roll(polygon, -1, axis=0), strict=True)


def test_no_face_color_lies_beyond_the_hull_of_the_edges() -> None:
    faces = _faces()
    faces = faces[(faces % 3 == 0).all(axis=1)]  # 0 and 255 are among them
    on_edge = np.isin(faces, (0, 255)).sum(axis=1) >= 2
    chroma = rgb2lab(faces / 255.0)[:, 1:]
    edge_hull = ConvexHull(chroma[on_edge]).equations
    beyond = chroma[~on_edge] @ edge_hull[:, :2].T + edge_hull[:, 2]
    assert beyond.max() < 1e-9


def test_gamut_in_yuv_covers_every_color() -> None:
    centers = gamut_centers("yuv", 0.1)
    rgb = np.random.default_rng(0).integers(0, 256, (20_000, 3), dtype=np.uint8)
    chroma = rgb_to_yuv(rgb)[:, 1:]
    distance = np.abs(chroma - centers[nearest_bin(chroma, centers)])
    assert distance.max() <= 0.05 + 1e-6
    # The hull is the hexagon of the six saturated corners; a square 0.1 around touches it.
    assert np.abs(centers).max(axis=0) == pytest.approx([0.5, 0.7])


@pytest.mark.parametrize("step", [0.0, -1.0, float("nan"), 1e-4])
def test_gamut_step_is_checked(step: float) -> None:
    with pytest.raises(HuescapeError, match="step"):
        gamut_centers("lab", step)


def _histogram(chroma: np.ndarray, cells: int = 10) -> CellHistogram:
    return CellHistogram(YUV_LIMITS, cells).add(chroma)


def _slow_frequent(chroma: np.ndarray, cells: int, n: int) -> tuple[list[int], list[list[float]]]:
    """Cell by cell in exact rational arithmetic."""
    pixels = defaultdict(list)
    for u, v in chroma.tolist():
        place = [
            min(max(int((x - low) // ((high - low) / cells)), 0), cells - 1)
            for x, (low, high) in zip((u, v), YUV_LIMITS, strict=True)
        ]
        pixels[place[0] * cells + place[1]].append((u, v))
    ranked = sorted(pixels, key=lambda cell: (-len(pixels[cell]), cell))[:n]
    means = [
        [float(sum(Fraction(p[c]) for p in pixels[k]) / len(pixels[k])) for c in (0, 1)]
        for k in ranked
    ]
    return ranked, means


@pytest.mark.parametrize("seed", range(3))
def test_frequent_bins_against_a_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chroma = np.clip(rng.normal(0, 0.15, (3000, 2)), -0.6, 0.6).astype(np.float32)
    bins = _histogram(chroma).frequent(15)
    cells, means = _slow_frequent(chroma, 10, 15)
    assert bins.cells.tolist() == cells
    assert np.abs(bins.centers - means).max() < 2**-21 + 1e-12
    assert bins.counts.tolist() == sorted(bins.counts.tolist(), reverse=True)


def test_frequency_ties_are_broken_by_cell_number() -> None:
    middles = np.array([[0.405, 0.1], [-0.405, 0.1], [0.0, -0.5], [0.0, 0.5]])
    bins = _histogram(np.repeat(middles, 4, axis=0)).frequent(3)
    assert bins.cells.tolist() == sorted(cell_of(middles, _histogram(middles).borders).tolist())[:3]


@LAW
@given(
    st.lists(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), max_size=8), max_size=6),
    st.randoms(use_true_random=False),
)
def test_order_of_batches_does_not_matter(batches: list, random: object) -> None:
    arrays = [np.array(batch, np.float64).reshape(-1, 2) for batch in batches]
    one = CellHistogram(YUV_LIMITS, 4)
    for array in arrays:
        one.add(array)
    shuffled = list(arrays)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    other = CellHistogram(YUV_LIMITS, 4)
    for array in shuffled:
        other.add(array[::-1])
    assert np.array_equal(one.counts, other.counts)
    assert np.array_equal(one.sums, other.sums)
    occupied = int((one.counts > 0).sum())
    if occupied:
        assert (
            one.frequent(occupied).centers.tobytes() == other.frequent(occupied).centers.tobytes()
        )


def test_n_above_the_occupied_cells_says_how_many_there_are() -> None:
    histogram = _histogram(np.array([[0.0, 0.0], [0.3, 0.3]]))
    with pytest.raises(HuescapeError, match="n is 3: allowed is 1 to 2"):
        histogram.frequent(3)
    with pytest.raises(HuescapeError, match="n is 0"):
        histogram.frequent(0)


def test_histogram_refuses_bad_input() -> None:
    histogram = _histogram(np.zeros((0, 2)))
    for bad in (np.zeros((3, 3)), np.array([[np.nan, 0]]), np.array([[np.inf, 0]])):
        with pytest.raises(HuescapeError, match="chroma"):
            histogram.add(bad)
    with pytest.raises(HuescapeError, match="limits"):
        CellHistogram(((0.0, 0.0), (0.0, 1.0)), 4)
    with pytest.raises(HuescapeError, match="cells_per_axis"):
        CellHistogram(YUV_LIMITS, 0)

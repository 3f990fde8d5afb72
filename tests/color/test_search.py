"""The search among candidates against brute force in float64, index by index and bit by bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huescape.base.errors import HuescapeError
from huescape.color.bins import gamut_centers
from huescape.color.encoding import nearest_bin, soft_encode
from huescape.color.portable import exp_negative
from huescape.color.search import candidate_table

# No deadline: a busy machine is not a wrong result.
LAW = settings(max_examples=60, deadline=None)


def brute_force(
    ab: np.ndarray, centers: np.ndarray, k: int, sigma: float = 5.0
) -> tuple[np.ndarray, np.ndarray]:
    """All distances in float64, ordered by (distance, index); weights float32, every operation
    as the search has it, in NumPy."""
    ab = ab.reshape(-1, 2).astype(np.float64)
    squared = (ab[:, :1] - centers[:, 0]) ** 2 + (ab[:, 1:] - centers[:, 1]) ** 2
    index = np.argsort(squared, axis=1, kind="stable")[:, :k]
    near = np.take_along_axis(squared, index, axis=1)
    weight = exp_negative((near[:, :1] - near) / (2 * sigma**2))
    return index, (weight / weight.sum(axis=1, keepdims=True)).astype(np.float32)


def assert_exact(ab: np.ndarray, centers: np.ndarray, k: int, sigma: float = 5.0) -> None:
    index, weight = soft_encode(ab, centers, k, sigma)
    truth_index, truth_weight = brute_force(ab, centers, k, sigma)
    assert np.array_equal(index, truth_index)
    assert weight.tobytes() == np.ascontiguousarray(truth_weight).tobytes()


def _centers() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    cluster = np.concatenate([rng.normal(0, 0.01, (40, 2)), [[0.4, 0.6], [-0.4, 0.5]]])
    # As k-means leaves them: dense where colors are frequent.
    frequent = rng.normal(0, 1, (313, 2)) ** 3 * [4, 8]
    return {
        "32 scattered": rng.uniform(-0.4, 0.4, (32, 2)),
        "313 frequent": frequent,
        "clustered": cluster,
        "on a line": np.column_stack([np.linspace(-1, 1, 17), np.zeros(17)]),
        "on a circle": np.stack([np.cos(np.arange(24)), np.sin(np.arange(24))], axis=1),
        "one": np.array([[0.2, -0.1]]),
        "one at zero": np.zeros((1, 2)),
        "equal": np.array([[0.1, 0.1], [0.0, 0.0], [0.1, 0.1], [0.0, 0.0]]),
        "yuv grid": gamut_centers("yuv", 0.1),
        "lab grid": gamut_centers(),
        "far from zero": rng.uniform(0, 1e-3, (20, 2)) + 0.5,
        "very far from zero": rng.uniform(0, 1e-9, (20, 2)) + 1e6,
        "tiny": rng.uniform(-1, 1, (20, 2)) * 1e-170,
        "large": rng.uniform(-1, 1, (20, 2)) * 1e100,
        "huge": rng.uniform(-1, 1, (20, 2)) * 1e140,
    }


def _colors(centers: np.ndarray) -> np.ndarray:
    """Colors around the bins, on and beside the borders between them, and away from them."""
    rng = np.random.default_rng(11)
    extent = float(np.ptp(centers, axis=0).max()) or 1.0
    around = centers[rng.integers(0, len(centers), 10_000)]
    around = around + rng.normal(0, extent / 16, (10_000, 2))
    pairs = centers[rng.integers(0, len(centers), (6000, 2))]
    middles = pairs.mean(axis=1)
    step = rng.integers(-2, 3, middles.shape) * np.spacing(middles)
    # Along the border of two bins: at right angles to the line between them.
    across = (pairs[:, 1] - pairs[:, 0]) @ [[0, 1], [-1, 0]] * rng.normal(0, 1, (6000, 1))
    away = centers.mean(axis=0) + rng.uniform(-4, 4, (5000, 2)) * extent
    return np.concatenate([around, middles, middles + step, middles + across, away, centers])


@pytest.mark.parametrize("name", _centers())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nearest_is_brute_force(name: str, dtype: type) -> None:
    centers = _centers()[name]
    with np.errstate(over="ignore"):
        ab = _colors(centers).astype(dtype)
    ab = ab[np.isfinite(ab).all(axis=1)]
    assert np.array_equal(nearest_bin(ab, centers), brute_force(ab, centers, 1)[0][:, 0])


@pytest.mark.parametrize("name", [name for name in _centers() if name != "lab grid"])
def test_several_nearest_are_brute_force_to_the_bit(name: str) -> None:
    centers = _centers()[name]
    ab = _colors(centers)[::7]
    sigma = min(float(np.ptp(centers, axis=0).max()) / 10, 1e100) or 1.0
    for k in {1, min(4, len(centers)), min(5, len(centers)), min(10, len(centers))}:
        if sigma >= 1e-100:
            assert_exact(ab, centers, k, sigma)


@pytest.mark.parametrize("k", [1, 2, 7, 8, 9, 16, 100, 128, 129, 200, 313])
def test_any_number_of_neighbors_to_the_bit(k: int) -> None:
    """The weights are added as NumPy adds them, whose order depends on their number."""
    assert_exact(np.random.default_rng(k).uniform(-150, 150, (1000, 2)), gamut_centers(), k, 30.0)


@pytest.mark.parametrize("name", ["32 scattered", "313 frequent", "lab grid", "clustered"])
def test_a_tie_goes_to_the_lower_index(name: str) -> None:
    """Bins that stand twice: the second never wins."""
    once = _centers()[name]
    twice = np.concatenate([once, once])
    ab = _colors(once)[::5]
    assert np.array_equal(nearest_bin(ab, twice), nearest_bin(ab, once))
    index, _ = soft_encode(ab, twice, 3)
    assert np.array_equal(index, brute_force(ab, twice, 3)[0])
    assert (index[:, 0] < len(once)).all()


def test_colors_at_the_ends_of_the_floats() -> None:
    for dtype, limit in ((np.float32, np.finfo(np.float32).max), (np.float64, 1e150)):
        tiny = np.finfo(dtype).smallest_subnormal
        line = np.array([0.0, -0.0, tiny, -tiny, 1e-30, 1e6, -1e6, 1e30, limit, -limit], dtype)
        ab = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)
        for name in ("lab grid", "32 scattered", "one"):
            centers = _centers()[name]
            assert np.array_equal(nearest_bin(ab, centers), brute_force(ab, centers, 1)[0][:, 0])
            k = min(6, len(centers))
            assert np.array_equal(soft_encode(ab, centers, k)[0], brute_force(ab, centers, k)[0])


def test_squares_that_overflow_are_refused() -> None:
    for centers in (gamut_centers(), _centers()["32 scattered"]):
        for call in (nearest_bin, soft_encode):
            with pytest.raises(HuescapeError, match=r"beyond 1e\+150"):
                call(np.array([[0.0, 0.1], [1e151, 0.0]]), centers)
    with pytest.raises(HuescapeError, match=r"a bin is beyond 1e\+150"):
        nearest_bin(np.zeros((1, 2)), np.array([[1e160, 0.0]]))


@LAW
@given(
    st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=1, max_size=12),
    st.lists(
        st.tuples(st.floats(-300, 300, width=32), st.floats(-300, 300, width=32)),
        min_size=1,
        max_size=20,
    ),
    st.data(),
)
def test_any_bins_and_any_colors(centers: list, colors: list, data: st.DataObject) -> None:
    bins, ab = np.array(centers), np.array(colors, np.float32)
    k = data.draw(st.integers(1, len(bins)))
    assert np.array_equal(nearest_bin(ab, bins), brute_force(ab, bins, 1)[0][:, 0])
    index, weight = soft_encode(ab, bins, k)
    truth_index, truth_weight = brute_force(ab, bins, k)
    assert np.array_equal(index, truth_index)
    assert np.abs(weight - truth_weight).max() < 1e-6


def test_most_colors_need_no_search() -> None:
    """Otherwise the tests above would say nothing about the outright answers."""
    cells = candidate_table(_centers()["32 scattered"], 1).cells
    assert (cells.code_C >= 0).mean() > 0.95
    assert len(cells.lists_L) < 0.2 * len(cells.code_C)


def test_many_bins() -> None:
    centers = np.random.default_rng(6).normal(0, 20, (20_000, 2))
    ab = np.random.default_rng(7).normal(0, 25, (400, 2))
    assert np.array_equal(nearest_bin(ab, centers), brute_force(ab, centers, 1)[0][:, 0])
    assert_exact(ab, centers, 5)

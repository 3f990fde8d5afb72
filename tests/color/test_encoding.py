"""Encoding against brute force in float64 and scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from huescape.color.bins import gamut_centers
from huescape.color.encoding import BinMass, bin_mass, nearest_bin, soft_encode
from huescape.color.lattice import find_lattice
from huescape.color.spaces import rgb_to_lab
from huescape.errors import HuescapeError

# No deadline: a busy machine is not a wrong result.
LAW = settings(max_examples=40, deadline=None)
GAMUT = gamut_centers()


def brute_force(
    ab: np.ndarray, centers: np.ndarray, k: int, sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """All distances in float64, ordered by (distance, index)."""
    ab = ab.reshape(-1, 2).astype(np.float64)
    squared = (ab[:, :1] - centers[:, 0]) ** 2 + (ab[:, 1:] - centers[:, 1]) ** 2
    index = np.argsort(squared, axis=1, kind="stable")[:, :k]
    near = np.take_along_axis(squared, index, axis=1)
    weight = np.exp((near[:, :1] - near) / (2 * sigma**2))
    return index, weight / weight.sum(axis=1, keepdims=True)


def gamut_colors(n: int) -> np.ndarray:
    rgb = np.random.default_rng(7).integers(0, 256, (n, 3), dtype=np.uint8)
    return rgb_to_lab(rgb)[:, 1:]


def lattice_ties() -> np.ndarray:
    """Every multiple of 2.5 over and beyond the gamut: grid points, edges, corners, diagonals."""
    line = np.arange(-150, 150.1, 2.5)
    return np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2).astype(np.float32)


def near_ties() -> np.ndarray:
    """Colors one or a few float32 steps beside a tie of some kind."""
    base = lattice_ties()[::3]
    shifts = [np.nextafter(base, np.float32(s)) for s in (-np.inf, np.inf)]
    rng = np.random.default_rng(8)
    # On and beside the lines 2M + m = 5 and M + 2m = 5, where the fifth bin and the order change.
    major = rng.uniform(0, 5, 3000)
    lines = np.concatenate(
        [np.column_stack([major, 5 - 2 * major]), np.column_stack([major, (5 - major) / 2])]
    )
    lines = (lines + rng.integers(-6, 7, lines.shape) * 10).astype(np.float32)
    return np.concatenate([*shifts, lines, lines[:, ::-1], -lines])


def edge_colors() -> np.ndarray:
    """A fine grid beyond the gamut on all sides, and very far away."""
    line = np.linspace(-180, 180, 145)
    far = np.array([[1e4, 3], [-1e4, 1e4], [0, -3e4]])
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)
    return np.concatenate([grid, far]).astype(np.float32)


INPUTS = {
    "gamut": gamut_colors(25_000),
    "uniform": np.random.default_rng(9).uniform(-120, 120, (20_000, 2)).astype(np.float32),
    "ties": lattice_ties(),
    "near ties": near_ties(),
    "edge": edge_colors(),
}


@pytest.mark.parametrize("name", INPUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_soft_encoding_is_brute_force(name: str, dtype: type) -> None:
    ab = INPUTS[name].astype(dtype)
    index, weight = soft_encode(ab, GAMUT)
    truth_index, truth_weight = brute_force(ab, GAMUT, 5, 5.0)
    assert index.dtype == np.uint16
    assert weight.dtype == np.float32
    assert np.array_equal(index, truth_index)
    assert np.abs(weight - truth_weight).max() < 1e-6


@pytest.mark.parametrize("neighbors", [1, 3, 10])
def test_other_numbers_of_neighbors(neighbors: int) -> None:
    for name in ("gamut", "near ties", "edge"):
        ab = INPUTS[name][:8_000]
        index, weight = soft_encode(ab, GAMUT, neighbors)
        truth_index, truth_weight = brute_force(ab, GAMUT, neighbors, 5.0)
        assert np.array_equal(index, truth_index)
        assert np.abs(weight - truth_weight).max() < 1e-6


@pytest.mark.parametrize("sigma", [0.3, 2.0, 4.0, 5.0, 12.0, 1000.0])
def test_other_widths(sigma: float) -> None:
    ab = INPUTS["gamut"][:20_000]
    index, weight = soft_encode(ab, GAMUT, sigma=sigma)
    truth_index, truth_weight = brute_force(ab, GAMUT, 5, sigma)
    assert np.array_equal(index, truth_index)
    assert np.abs(weight - truth_weight).max() < 2e-6


@pytest.mark.parametrize("step", [2.0, 4.0, 7.5])
def test_other_grid_steps(step: float) -> None:
    centers = np.arange(-8, 9) * step
    centers = np.stack(np.meshgrid(centers, centers, indexing="ij"), -1).reshape(-1, 2)
    assert find_lattice(centers) is not None
    ab = INPUTS["uniform"] * np.float32(step / 10)
    index, weight = soft_encode(ab, centers, sigma=step / 2, step=step)
    truth_index, truth_weight = brute_force(ab, centers, 5, step / 2)
    assert np.array_equal(index, truth_index)
    assert np.abs(weight - truth_weight).max() < 1e-6
    assert np.array_equal(nearest_bin(ab, centers), truth_index[:, 0])


def test_agrees_with_scikit_learn() -> None:
    ab = INPUTS["gamut"][:20_000].astype(np.float64)
    distance, _ = NearestNeighbors(n_neighbors=5, algorithm="ball_tree").fit(GAMUT).kneighbors(ab)
    index, _ = soft_encode(ab, GAMUT)
    ours = np.sqrt(((ab[:, None] - GAMUT[index]) ** 2).sum(axis=2))
    assert np.abs(ours - distance).max() < 1e-9


def test_arithmetic_serves_most_colors_of_the_gamut() -> None:
    """Otherwise the tests above would say nothing about the fast way."""
    lattice = find_lattice(GAMUT)
    assert lattice is not None
    ab = np.random.default_rng(4).normal(0, 12, (20_000, 2)).astype(np.float32)
    index, weight, undecided = lattice.encode_five(ab, 5.0)
    assert undecided.mean() < 0.001
    truth_index, truth_weight = brute_force(ab, GAMUT, 5, 5.0)
    assert np.array_equal(index[~undecided], truth_index[~undecided])
    assert np.abs(weight - truth_weight)[~undecided].max() < 6e-7


def test_lattice_is_refused_where_arithmetic_could_be_wrong() -> None:
    assert find_lattice(GAMUT[::-1].copy()) is None  # another order: ties would go wrong
    assert find_lattice(GAMUT + 0.5) is None
    assert find_lattice(np.array([[0.0, 0.0]])) is None
    assert find_lattice(gamut_centers("yuv", 0.1)) is None  # 0.1 is not exact in binary
    assert find_lattice(np.concatenate([GAMUT, GAMUT[-1:]])) is None
    assert find_lattice(GAMUT, 7.0) is None


@pytest.mark.parametrize("name", INPUTS)
def test_nearest_gamut_bin_is_brute_force(name: str) -> None:
    assert np.array_equal(
        nearest_bin(INPUTS[name], GAMUT), brute_force(INPUTS[name], GAMUT, 1, 5.0)[0][:, 0]
    )


def _arbitrary_centers() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    cluster = np.concatenate([rng.normal(0, 0.01, (40, 2)), [[0.4, 0.6], [-0.4, 0.5]]])
    return {
        "32 scattered": rng.uniform(-0.4, 0.4, (32, 2)),
        "clustered": cluster,
        "on a line": np.column_stack([np.linspace(-1, 1, 17), np.zeros(17)]),
        "one": np.array([[0.2, -0.1]]),
        "equal": np.array([[0.1, 0.1], [0.0, 0.0], [0.1, 0.1], [0.0, 0.0]]),
        "yuv grid": gamut_centers("yuv", 0.1),
        "far from zero": rng.uniform(0, 1e-3, (20, 2)) + 0.5,
    }


@pytest.mark.parametrize("name", _arbitrary_centers())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nearest_of_arbitrary_bins_is_brute_force(name: str, dtype: type) -> None:
    centers = _arbitrary_centers()[name]
    rng = np.random.default_rng(11)
    around = centers[rng.integers(0, len(centers), 20_000)] + rng.normal(0, 0.05, (20_000, 2))
    middles = (centers[:, None] + centers).reshape(-1, 2) / 2  # exact or nearly exact ties
    ab = np.concatenate([around, middles, rng.uniform(-3, 3, (5_000, 2))]).astype(dtype)
    assert np.array_equal(nearest_bin(ab, centers), brute_force(ab, centers, 1, 1.0)[0][:, 0])
    k = min(4, len(centers))
    assert np.array_equal(
        soft_encode(ab[::4], centers, k, 0.1)[0], brute_force(ab[::4], centers, k, 0.1)[0]
    )


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
    assert np.array_equal(nearest_bin(ab, bins), brute_force(ab, bins, 1, 5.0)[0][:, 0])
    index, weight = soft_encode(ab, bins, k)
    truth_index, truth_weight = brute_force(ab, bins, k, 5.0)
    assert np.array_equal(index, truth_index)
    assert np.abs(weight - truth_weight).max() < 1e-6


@LAW
@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-90, 90)), min_size=1, max_size=30))
def test_weights_are_a_distribution_in_falling_order(colors: list) -> None:
    index, weight = soft_encode(np.array(colors), GAMUT)
    assert np.abs(weight.sum(axis=1, dtype=np.float64) - 1).max() < 5e-7
    assert (np.diff(weight, axis=1) <= 1e-7).all()
    assert all(len(set(row)) == 5 for row in index.tolist())


def test_blocks_and_shapes_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    ab = INPUTS["gamut"][:1200].reshape(30, 40, 2)
    index, weight = soft_encode(ab, GAMUT)
    nearest = nearest_bin(ab, GAMUT)
    assert index.shape == weight.shape == (30, 40, 5)
    assert np.array_equal(nearest, index[..., 0])
    monkeypatch.setattr("huescape.color.encoding._BLOCK", 7)
    again = soft_encode(ab, GAMUT)
    assert again[0].tobytes() == index.tobytes()
    assert again[1].tobytes() == weight.tobytes()
    flipped = soft_encode(ab[:, ::-1], GAMUT)
    assert np.array_equal(flipped[0], index[:, ::-1])
    assert soft_encode(ab[:0], GAMUT)[0].shape == (0, 40, 5)
    assert nearest_bin(ab[:0], GAMUT).shape == (0, 40)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    ab = np.array([[0.3, 1], [value, 2]], np.float32)
    for centers in (GAMUT, _arbitrary_centers()["32 scattered"]):
        with pytest.raises(HuescapeError, match="not finite"):
            nearest_bin(ab, centers)
        with pytest.raises(HuescapeError, match="not finite"):
            soft_encode(ab, centers)


def test_bad_arguments_are_refused() -> None:
    ab = np.zeros((3, 2), np.float32)
    for wrong, words in ((np.zeros((3, 3)), "shape"), (np.zeros((3, 2), int), "dtype")):
        with pytest.raises(HuescapeError, match=words):
            nearest_bin(wrong, GAMUT)
    with pytest.raises(HuescapeError, match="neighbors is 0"):
        soft_encode(ab, GAMUT, 0)
    with pytest.raises(HuescapeError, match="allowed is 1 to the 313 bins"):
        soft_encode(ab, GAMUT, 314)
    with pytest.raises(HuescapeError, match="sigma"):
        soft_encode(ab, GAMUT, sigma=0)
    with pytest.raises(HuescapeError, match="bins have shape"):
        nearest_bin(ab, np.zeros((4, 3)))


def test_mass_is_the_sum_of_weights() -> None:
    index, weight = soft_encode(INPUTS["gamut"], GAMUT)
    mass = bin_mass(index, weight, 313)
    truth = np.zeros(313)
    np.add.at(truth, index.ravel(), weight.ravel().astype(np.float64))
    assert np.abs(mass - truth).max() < 1e-3
    assert mass.sum() == pytest.approx(len(INPUTS["gamut"]), rel=1e-7)
    counted = bin_mass(index[:, 0], None, 313)
    assert np.array_equal(counted, np.bincount(index[:, 0], minlength=313))


@LAW
@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_mass_does_not_depend_on_order_or_shards(shards: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    index, weight = rng.integers(0, 9, 500), rng.random(500).astype(np.float32)
    whole = bin_mass(index, weight, 9)
    order = rng.permutation(500)
    parts = np.array_split(order, shards)
    merged = BinMass(9)
    for part in parts:
        merged.merge(BinMass(9).add(index[part], weight[part]))
    assert merged.mass.tobytes() == whole.tobytes()
    added = sum(bin_mass(index[part], weight[part], 9) for part in parts)
    assert np.asarray(added).tobytes() == whole.tobytes()


def test_mass_refuses_what_cannot_be_counted() -> None:
    with pytest.raises(HuescapeError, match="outside 0 to 8"):
        bin_mass(np.array([9]), None, 9)
    with pytest.raises(HuescapeError, match="outside 0 to 8"):
        bin_mass(np.array([-1]), None, 9)
    with pytest.raises(HuescapeError, match="weight"):
        bin_mass(np.array([1]), np.array([np.nan]), 9)
    with pytest.raises(HuescapeError, match="2 weights for 1"):
        bin_mass(np.array([1]), np.array([0.5, 0.5]), 9)

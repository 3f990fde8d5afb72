"""Encoding against brute force in float64 and scikit-learn."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from huescape.base.errors import HuescapeError
from huescape.color.bins import gamut_centers
from huescape.color.encoding import BinMass, nearest_bin, soft_encode
from huescape.color.lattice import find_lattice, gaussian
from huescape.color.spaces import rgb_to_lab

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


@pytest.mark.parametrize("name", INPUTS)
def test_nearest_gamut_bin_is_brute_force(name: str) -> None:
    assert np.array_equal(
        nearest_bin(INPUTS[name], GAMUT), brute_force(INPUTS[name], GAMUT, 1, 5.0)[0][:, 0]
    )


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


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_how_the_colors_lie_in_memory_does_not_show(dtype: type) -> None:
    ab = np.concatenate([INPUTS[name][:3000] for name in INPUTS]).astype(dtype)
    index, weight = soft_encode(ab, GAMUT)
    nearest = nearest_bin(ab, GAMUT)
    frozen = ab.copy()
    frozen.flags.writeable = False
    planar = np.ascontiguousarray(ab.T).T
    wide = np.repeat(np.concatenate([ab, ab], axis=1), 2, axis=0)[::2, 2:]
    shifted = np.frombuffer(b"\0" + ab.tobytes(), np.uint8)[1:].view(dtype).reshape(-1, 2)
    for same in (frozen, planar, wide, shifted, ab[::-1][::-1]):
        again = soft_encode(same, GAMUT)
        assert again[0].tobytes() == index.tobytes()
        assert again[1].tobytes() == weight.tobytes()
        assert np.array_equal(nearest_bin(same, GAMUT), nearest)


def test_threads_do_not_disturb_each_other() -> None:
    parts = np.array_split(np.concatenate([INPUTS[name] for name in INPUTS]), 64)
    alone = [(*soft_encode(part, GAMUT), nearest_bin(part, GAMUT)) for part in parts]
    with ThreadPoolExecutor(4) as pool:
        soft = list(pool.map(lambda part: soft_encode(part, GAMUT), parts))
        hard = list(pool.map(lambda part: nearest_bin(part, GAMUT), parts))
    for (index, weight, nearest), found, nearest_found in zip(alone, soft, hard, strict=True):
        assert np.array_equal(index, found[0])
        assert np.array_equal(weight, found[1])
        assert np.array_equal(nearest, nearest_found)


def test_one_color_is_encoded_as_among_many() -> None:
    ab = np.concatenate([INPUTS[name][::997] for name in INPUTS])
    index, weight = soft_encode(ab, GAMUT)
    for n, color in enumerate(ab):
        one = soft_encode(color, GAMUT)
        assert one[0].shape == (5,)
        assert one[0].tobytes() == index[n].tobytes()
        assert one[1].tobytes() == weight[n].tobytes()
        assert nearest_bin(color, GAMUT) == index[n, 0]


_BYTES = """
import hashlib
import sys
import numpy as np
from huescape.color import bins, encoding

rng = np.random.default_rng(0)
ab = np.concatenate([rng.normal(0, 20, (50_000, 2)), rng.uniform(-150, 150, (20_000, 2))])
gamut, scattered = bins.gamut_centers(), rng.normal(0, 30, (40, 2))
digest = hashlib.sha256()
for colors in (ab, ab.astype(np.float32)):
    arrays = [*encoding.soft_encode(colors, gamut), *encoding.soft_encode(colors, scattered, 9)]
    arrays += [encoding.nearest_bin(colors, centers) for centers in (gamut, scattered)]
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
print(digest.hexdigest())
"""


@pytest.mark.long
def test_code_compiled_for_a_plain_processor_writes_the_same_bytes() -> None:
    """Numba compiles for the processor it finds; it can be told to take the plainest."""
    digests = set()
    for compiled_for in ({}, {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}):
        environment = {**os.environ, **compiled_for}
        command = [sys.executable, "-W", "ignore", "-c", _BYTES]
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        digests.add(result.stdout)
    assert len(digests) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value: float) -> None:
    ab = np.full((5000, 2), 0.3, np.float32)
    ab[4321, 1] = value
    scattered = np.random.default_rng(3).uniform(-0.4, 0.4, (32, 2))
    for centers in (GAMUT, scattered):
        with pytest.raises(HuescapeError, match="not finite"):
            nearest_bin(ab, centers)
        with pytest.raises(HuescapeError, match="not finite"):
            soft_encode(ab, centers)
        with pytest.raises(HuescapeError, match="not finite"):
            soft_encode(ab, centers, 3)


def test_bad_arguments_are_refused() -> None:
    ab = np.zeros((3, 2), np.float32)
    for wrong, words in ((np.zeros((3, 3)), "shape"), (np.zeros((3, 2), int), "dtype")):
        with pytest.raises(HuescapeError, match=words):
            nearest_bin(wrong, GAMUT)
    with pytest.raises(HuescapeError, match="neighbors is 0"):
        soft_encode(ab, GAMUT, 0)
    with pytest.raises(HuescapeError, match="allowed is 1 to the 313 bins"):
        soft_encode(ab, GAMUT, 314)
    with pytest.raises(HuescapeError, match="bins have shape"):
        nearest_bin(ab, np.zeros((4, 3)))


@pytest.mark.parametrize(
    "sigma",
    [0, -1.0, 9e-101, 2e100, np.inf, np.nan, "wide", None, pytest.param(10**400, id="endless")],
)
def test_other_widths_are_refused(sigma: object) -> None:
    for neighbors in (1, 5):
        with pytest.raises(HuescapeError, match=r"sigma is .*: allowed is .* 1e-100 to 1e\+100$"):
            soft_encode(INPUTS["gamut"][:9], GAMUT, neighbors, sigma)


@pytest.mark.parametrize("neighbors", [1, 5, 7])
def test_extreme_widths(neighbors: int) -> None:
    ab = INPUTS["edge"][::50]
    _, weight = soft_encode(ab, GAMUT, neighbors, 1e100)
    assert np.abs(weight - 1 / neighbors).max() < 1e-6
    index, weight = soft_encode(ab, GAMUT, neighbors, 1e-100)
    nearest_index, _ = brute_force(ab, GAMUT, neighbors, 1.0)
    assert np.array_equal(index, nearest_index)
    squared = ((ab[:, None].astype(np.float64) - GAMUT[index]) ** 2).sum(axis=2)
    equal = squared == squared[:, :1]
    assert np.abs(weight - equal / equal.sum(axis=1, keepdims=True)).max() < 1e-6


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, int])
def test_the_type_of_the_width_does_not_show(kind: type) -> None:
    ab = INPUTS["gamut"][:3000]
    for neighbors in (5, 7):
        for sigma in (5, 6, 7, 13):
            gaussian.cache_clear()  # it takes equal numbers of other types for the same
            plain = soft_encode(ab, GAMUT, neighbors, float(sigma))
            gaussian.cache_clear()
            again = soft_encode(ab, GAMUT, neighbors, kind(sigma))
            assert again[0].tobytes() == plain[0].tobytes()
            assert again[1].tobytes() == plain[1].tobytes()


@pytest.mark.parametrize("neighbors", [True, np.True_, 5.0, "5", None])
def test_neighbors_that_are_no_integer_are_refused(neighbors: object) -> None:
    with pytest.raises(HuescapeError, match=r"neighbors is .*: allowed is an integer"):
        soft_encode(INPUTS["gamut"][:9], GAMUT, neighbors)


def test_neighbors_of_numpy_do() -> None:
    index, weight = soft_encode(INPUTS["gamut"][:9], GAMUT, np.uint8(5))
    plain = soft_encode(INPUTS["gamut"][:9], GAMUT, 5)
    assert np.array_equal(index, plain[0])
    assert np.array_equal(weight, plain[1])


def test_mass_is_the_sum_of_weights() -> None:
    index, weight = soft_encode(INPUTS["gamut"], GAMUT)
    mass = BinMass(313).add(index, weight).mass
    truth = np.zeros(313)
    np.add.at(truth, index.ravel(), weight.ravel().astype(np.float64))
    assert np.abs(mass - truth).max() < 1e-3
    assert mass.sum() == pytest.approx(len(INPUTS["gamut"]), rel=1e-7)
    counted = BinMass(313).add(index[:, 0], None).mass
    assert np.array_equal(counted, np.bincount(index[:, 0], minlength=313))


@LAW
@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_mass_does_not_depend_on_order_or_shards(shards: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    index, weight = rng.integers(0, 9, 500), rng.random(500).astype(np.float32)
    whole = BinMass(9).add(index, weight).mass
    order = rng.permutation(500)
    parts = np.array_split(order, shards)
    together = BinMass(9)
    for part in parts:
        together.add(index[part], weight[part])
    assert together.mass.tobytes() == whole.tobytes()
    added = sum(BinMass(9).add(index[part], weight[part]).mass for part in parts)
    assert np.asarray(added).tobytes() == whole.tobytes()


def test_mass_refuses_what_cannot_be_counted() -> None:
    with pytest.raises(HuescapeError, match="outside 0 to 8"):
        BinMass(9).add(np.array([9]), None)
    with pytest.raises(HuescapeError, match="outside 0 to 8"):
        BinMass(9).add(np.array([-1]), None)
    with pytest.raises(HuescapeError, match="weight"):
        BinMass(9).add(np.array([1]), np.array([np.nan]))
    with pytest.raises(HuescapeError, match="2 weights for 1"):
        BinMass(9).add(np.array([1]), np.array([0.5, 0.5]))

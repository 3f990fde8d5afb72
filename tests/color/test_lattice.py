"""The lattice's compiled arithmetic against brute force and the same operations in NumPy."""

import math

import numpy as np
import pytest

from huescape.color.bins import gamut_centers
from huescape.color.lattice import Lattice, find_lattice

GAMUT = gamut_centers()


def five_nearest(ab: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """By all distances in float64, ordered by (distance, index)."""
    ab = ab.astype(np.float64)
    squared = (ab[:, :1] - centers[:, 0]) ** 2 + (ab[:, 1:] - centers[:, 1]) ** 2
    return np.argsort(squared, axis=1, kind="stable")[:, :5]


def exp_between(x: np.ndarray, low: float) -> np.ndarray:
    """exp(x) for low <= x <= 0 in float32: a Taylor polynomial around low / 2."""
    middle, terms = low / 2, 1
    while (-middle) ** terms / math.factorial(terms) * math.exp(-middle) > 2e-8:
        terms += 1
    y = x - np.float32(middle)
    total = np.full_like(y, 1 / math.factorial(terms - 1))
    for k in range(terms - 2, -1, -1):
        total = total * y + np.float32(1 / math.factorial(k))
    return total * np.float32(math.exp(middle))


def slow_weights(ab: np.ndarray, step: float, sigma: float) -> np.ndarray:
    """The weights of colors around a bin that has all its neighbors, in NumPy, bit for bit."""
    kind = ab.dtype.type
    number = np.rint(ab * kind(1 / step))
    offset = ab - number * kind(step)
    number = number + (offset > kind(step / 2)) - (offset <= -kind(step / 2))
    u, v = np.abs(ab - number * kind(step)).T
    low = -(step**2) / (2 * sigma**2)
    slope, both = np.float32(step / sigma**2), np.float32(math.exp(2 * low))
    near_major, near_minor = (
        exp_between(x.astype(np.float32) * slope + np.float32(low), low)
        for x in (np.maximum(u, v), np.minimum(u, v))
    )
    far_major, far_minor, diagonal = both / near_major, both / near_minor, near_major * near_minor
    fourth = np.maximum(far_minor, diagonal)
    fifth = np.maximum(np.minimum(far_minor, diagonal), far_major)
    scale = np.float32(1) / (near_major + near_minor + fourth + fifth + np.float32(1))
    return np.stack([scale, *(w * scale for w in (near_major, near_minor, fourth, fifth))], axis=1)


def encode(
    lattice: Lattice, ab: np.ndarray, sigma: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Index and weight by the lattice alone, and whether each color is left open."""
    index, weight = np.empty((len(ab), 5), np.uint16), np.empty((len(ab), 5), np.float32)
    is_open = np.zeros(len(ab), bool)
    is_open[lattice.encode_five(ab, sigma, index, weight)] = True
    return index, weight, is_open


def beside_borders() -> np.ndarray:
    """Colors within a few float32 steps of every line where the five nearest or their order
    change: the cells' borders, axes and diagonals, and the lines 2M + m = 5 and M + 2m = 5."""
    rng = np.random.default_rng(8)
    along = rng.uniform(0, 5, 1000)
    zero = np.zeros(1000)
    lines = [
        (zero + 5, along),
        (zero, along),
        (along, along),
        (along, 5 - 2 * along),
        (along, (5 - along) / 2),
    ]
    base = np.concatenate([np.column_stack(pair) for line in lines for pair in (line, line[::-1])])
    signs = rng.choice([-1, 1], base.shape)
    base = (base * signs + rng.integers(-6, 7, base.shape) * 10).astype(np.float32)
    beside = [np.nextafter(base, np.float32(way)) for way in (-np.inf, np.inf)]
    far = base + rng.integers(-30, 31, base.shape) * np.spacing(np.abs(base))
    return np.concatenate([base, *beside, far.astype(np.float32)])


def colors() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    return {
        "gray": rng.normal(0, 0.01, (20_000, 2)).astype(np.float32),
        "usual": rng.normal(0, 12, (50_000, 2)).astype(np.float32),
        "beside borders": beside_borders(),
        "everywhere": rng.uniform(-130, 130, (50_000, 2)).astype(np.float32),
    }


@pytest.mark.parametrize("name", colors())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_left_open_is_right(name: str, dtype: type) -> None:
    lattice = find_lattice(GAMUT)
    assert lattice is not None
    ab = colors()[name].astype(dtype)
    index, weight, is_open = encode(lattice, ab, 5.0)
    assert np.array_equal(index[~is_open], five_nearest(ab, GAMUT)[~is_open])
    assert weight[~is_open].tobytes() == slow_weights(ab, 10.0, 5.0)[~is_open].tobytes()


@pytest.mark.parametrize("sigma", [4.0, 4.1, 4.6, 5.0, 7.3, 50.0, 1e4, 1e9])
def test_weights_are_the_slow_ones_to_the_bit(sigma: float) -> None:
    """The smaller sigma is, the longer is the polynomial."""
    lattice = find_lattice(GAMUT)
    assert lattice is not None
    assert lattice.smallest_sigma() == 4.0
    ab = colors()["usual"]
    _, weight, is_open = encode(lattice, ab, sigma)
    assert weight[~is_open].tobytes() == slow_weights(ab, 10.0, sigma)[~is_open].tobytes()


def test_few_colors_of_the_gamut_are_left_open() -> None:
    """Otherwise the tests above would say nothing about the fast way."""
    lattice = find_lattice(GAMUT)
    assert lattice is not None
    assert encode(lattice, colors()["usual"], 5.0)[2].mean() < 0.001


def test_gaps_in_the_grid_leave_their_surroundings_open() -> None:
    line = np.arange(-5, 6) * 10.0
    grid = np.stack(np.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 2)
    holed = grid[(grid != [10, -20]).any(axis=1)]
    lattice = find_lattice(holed)
    assert lattice is not None
    ab = np.random.default_rng(2).uniform(-60, 60, (20_000, 2)).astype(np.float32)
    index, _, is_open = encode(lattice, ab, 5.0)
    inside = (np.abs(ab) < 45).all(axis=1) & (np.abs(ab - [10, -20]) > 15).any(axis=1)
    assert is_open[inside].mean() < 1e-3
    assert is_open[~inside].all()
    assert np.array_equal(index[~is_open], five_nearest(ab, holed)[~is_open])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -3e38])
def test_what_is_beyond_the_grid_is_left_open(value: float) -> None:
    lattice = find_lattice(GAMUT)
    assert lattice is not None
    for color in ([value, 0.0], [0.0, value], [value, value], [-value, value]):
        assert encode(lattice, np.array([color], np.float32), 5.0)[2].all()


def test_many_chunks_are_one_after_the_other() -> None:
    """Whatever the number of colors, each gets what it gets alone."""
    lattice = find_lattice(GAMUT)
    assert lattice is not None
    ab = colors()["everywhere"][:5000]
    whole = encode(lattice, ab, 5.0)
    for count in (0, 1, 15, 16, 17, 1023, 1024, 1025, 2048, 4999):
        part = encode(lattice, ab[:count], 5.0)
        assert np.array_equal(part[2], whole[2][:count])
        for ours, all_of_them in zip(part[:2], whole[:2], strict=True):
            assert ours[~part[2]].tobytes() == all_of_them[:count][~part[2]].tobytes()


def test_lattice_is_refused_where_arithmetic_could_be_wrong() -> None:
    assert find_lattice(GAMUT[::-1].copy()) is None  # another order: ties would go wrong
    assert find_lattice(GAMUT + 0.5) is None
    assert find_lattice(np.array([[0.0, 0.0]])) is None
    assert find_lattice(gamut_centers("yuv", 0.1)) is None  # 0.1 is not exact in binary
    assert find_lattice(np.concatenate([GAMUT, GAMUT[-1:]])) is None
    assert find_lattice(GAMUT, 7.0) is None

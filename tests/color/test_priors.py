"""Priors and weights against their definitions and laws."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.interpolate import interp1d
from scipy.ndimage import gaussian_filter1d

from huescape.base.errors import HuescapeError
from huescape.color.bins import gamut_centers
from huescape.color.encoding import BinMass, nearest_bin
from huescape.color.priors import (
    looks_unnatural,
    rebalancing_weights,
    smooth_prior,
    smooth_prior_by_index,
)
from huescape.color.spaces import rgb_to_lab

# No deadline: a busy machine is not a wrong result.
LAW = settings(max_examples=40, deadline=None)
GAMUT = gamut_centers()
MASSES = hnp.arrays(
    np.float64, st.integers(1, 30), elements=st.floats(0, 1e12, allow_subnormal=True)
).filter(lambda p: p.sum() > 1e-3)


def _prior(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(313, 0.05))
    p[rng.integers(0, 313, 80)] = 0
    return p / p.sum()


def test_smoothing_against_a_double_loop() -> None:
    centers = gamut_centers("lab", 20)
    p = _prior()[: len(centers)]
    truth = np.zeros(len(centers))
    for mass, center in zip(p, centers, strict=True):
        kernel = [math.exp(-(math.dist(center, other) ** 2) / 200) for other in centers]
        truth += mass * np.array(kernel) / math.fsum(kernel)
    assert np.abs(smooth_prior(p, centers, 10.0) - truth).max() < 1e-15


@LAW
@given(st.integers(0, 1000), st.floats(0, 1e4))
def test_smoothing_conserves_mass(seed: int, sigma: float) -> None:
    p = _prior(seed)
    smoothed = smooth_prior(p, GAMUT, sigma)
    assert smoothed.sum() == pytest.approx(1, abs=1e-12)
    assert (smoothed >= 0).all()


def test_limits_of_smoothing() -> None:
    p = _prior()
    assert np.array_equal(smooth_prior(p, GAMUT, 0), p)
    assert np.array_equal(smooth_prior(p, GAMUT, 1e-200), p)
    assert smooth_prior(p, GAMUT, 1e6) == pytest.approx(np.full(313, 1 / 313), rel=1e-6)
    edge = np.zeros(313)
    edge[0] = 1.0
    assert smooth_prior(edge, GAMUT, 5.0).sum() == pytest.approx(1)


def _fine_and_back(p: np.ndarray, spread: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The 1,000 points of the index, what `spread` makes of them, and the bins again."""
    bins, points = np.arange(len(p)), np.linspace(0, len(p) - 1, 1000)
    back = interp1d(points, spread(interp1d(bins, p)(points)))(bins)
    return back * (p.sum() / back.sum())


def test_smoothing_by_index_against_a_double_loop() -> None:
    def spread(fine: np.ndarray) -> np.ndarray:
        truth = np.zeros(1000)
        for i, mass in enumerate(fine):
            kernel = [math.exp(-((i - j) ** 2) / (2 * 2.5**2)) for j in range(1000)]
            truth += mass * np.array(kernel) / math.fsum(kernel)
        return truth

    p = _prior()[:40]
    assert np.abs(smooth_prior_by_index(p, 2.5) - _fine_and_back(p, spread)).max() < 1e-14


def test_smoothing_by_index_is_scipys_filter_away_from_the_ends() -> None:
    p = _prior()
    p[:30] = p[-30:] = 0
    expected = _fine_and_back(
        p, lambda fine: gaussian_filter1d(fine, 5.0, mode="constant", truncate=9)
    )
    assert np.abs(smooth_prior_by_index(p, 5.0) - expected).max() < 1e-14


def test_five_points_are_one_and_a_half_bins() -> None:
    """A single bin of 313 becomes a bell of this width, a little wider by the interpolation."""
    p = np.zeros(313)
    p[150] = 1
    spread = smooth_prior_by_index(p, 5.0)
    width = math.sqrt((spread * (np.arange(313) - 150) ** 2).sum())
    assert 5 * 312 / 999 < width < 1.65
    assert spread.argmax() == 150


def test_more_bins_than_points_have_a_point_each() -> None:
    p = np.tile(_prior(), 4)
    expected = gaussian_filter1d(p, 3.0, mode="constant", truncate=9)[100:-100]
    assert np.abs(smooth_prior_by_index(p, 3.0)[100:-100] - expected).max() < 1e-14


@LAW
@given(MASSES, st.floats(0, 1e4))
def test_smoothing_by_index_conserves_mass(p: np.ndarray, sigma: float) -> None:
    smoothed = smooth_prior_by_index(p, sigma)
    assert smoothed.sum() == pytest.approx(p.sum(), rel=1e-12)
    assert (smoothed >= 0).all()
    mirrored = smooth_prior_by_index(p[::-1], sigma)[::-1]
    assert mirrored == pytest.approx(smoothed, rel=1e-9, abs=1e-300)


def test_limits_of_smoothing_by_index() -> None:
    p = _prior()
    assert np.array_equal(smooth_prior_by_index(p, 0), p)
    alone = _fine_and_back(p, lambda fine: fine)
    assert smooth_prior_by_index(p, 1e-200) == pytest.approx(alone, rel=1e-9, abs=1e-12)
    assert smooth_prior_by_index(np.array([3.0]), 5.0) == pytest.approx([3])
    assert smooth_prior_by_index(p, 1e6) == pytest.approx(np.full(313, 1 / 313), rel=1e-6)
    assert not np.allclose(smooth_prior_by_index(p, 5.0), smooth_prior(p, GAMUT, 5.0))


def test_weights_against_the_formula() -> None:
    p = smooth_prior(_prior(), GAMUT, 5.0)
    weights, _ = rebalancing_weights(p, 0.5)
    raw = 1 / (0.5 * p + 0.5 / 313)
    assert weights == pytest.approx(raw / (p * raw).sum(), rel=1e-12)


@LAW
@given(MASSES, st.floats(0, 1), st.sampled_from(["all", "occupied"]))
def test_expected_weight_is_one(p: np.ndarray, lam: float, over: str) -> None:
    weights, empty = rebalancing_weights(p, lam, over)  # type: ignore[arg-type]
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert (p / p.sum() * weights).sum() == pytest.approx(1, rel=1e-9)
    assert empty >= np.count_nonzero(p == 0)
    order = np.argsort(p, kind="stable")
    shared = weights[order][weights[order] > 0]
    assert (np.diff(shared) <= 1e-9 * shared[1:]).all()  # rarer never weighs less


def test_bins_without_mass() -> None:
    p = np.array([0.5, 0.0, 0.25, 0.25, 0.0])
    weights, empty = rebalancing_weights(p, 0.0)
    assert empty == 2
    assert weights == pytest.approx([2 / 3, 0, 4 / 3, 4 / 3, 0])
    weights, empty = rebalancing_weights(p, 0.5, "occupied")
    raw = 1 / (0.5 * np.array([0.5, 0.25, 0.25]) + 0.5 / 3)
    assert empty == 2
    assert weights[[0, 2, 3]] == pytest.approx(raw / (raw * [0.5, 0.25, 0.25]).sum())
    assert weights[[1, 4]].tolist() == [0, 0]
    assert rebalancing_weights(p, 1.0)[0] == pytest.approx(np.ones(5))
    assert (rebalancing_weights(p, 0.5)[0] > 0).all()


def test_counts_serve_as_well_as_probabilities() -> None:
    p = _prior()
    assert rebalancing_weights(p * 12345, 0.3)[0] == pytest.approx(rebalancing_weights(p, 0.3)[0])


@pytest.mark.parametrize("lam", [-0.01, 1.01, float("nan"), float("inf")])
def test_lambda_is_checked(lam: float) -> None:
    with pytest.raises(HuescapeError, match="allowed is 0 to 1"):
        rebalancing_weights(_prior(), lam)


def test_bad_priors_are_refused() -> None:
    for bad in (np.zeros(4), np.array([1, -0.1]), np.array([1, np.nan]), np.ones((2, 2))):
        with pytest.raises(HuescapeError, match="prior"):
            rebalancing_weights(bad, 0.5)
    with pytest.raises(HuescapeError, match="uniform_over"):
        rebalancing_weights(np.ones(3), 0.5, "some")  # type: ignore[arg-type]
    with pytest.raises(HuescapeError, match="allowed is \\(3, 2\\)"):
        smooth_prior(np.ones(3), GAMUT, 5.0)
    with pytest.raises(HuescapeError, match="sigma"):
        smooth_prior(np.ones(313), GAMUT, -1.0)
    with pytest.raises(HuescapeError, match="sigma"):
        smooth_prior_by_index(np.ones(5), -1.0)


def test_the_prior_of_a_wrong_conversion_is_noticed() -> None:
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 256, (20_000, 1))
    rgb = np.clip(gray + rng.normal(0, 15, (20_000, 3)), 0, 255).astype(np.uint8)
    right = BinMass(313).add(nearest_bin(rgb_to_lab(rgb)[:, 1:], GAMUT)).mass
    assert looks_unnatural(right, GAMUT) is None
    wrong = np.zeros(313)
    wrong[nearest_bin(np.array([-90.0, 90.0]), GAMUT)] = 0.4
    wrong += right / right.sum() * 0.1
    message = looks_unnatural(wrong, GAMUT)
    assert message is not None
    assert "(-90, 90)" in message
    assert "\n" not in message

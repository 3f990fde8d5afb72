"""The geometric median against brute force in float64, and what must hold for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial import ConvexHull

from huescape.color import median
from huescape.color.bins import gamut_centers
from huescape.color.median import geometric_median, weiszfeld

LAW = settings(max_examples=40, deadline=None)
GAMUT = gamut_centers()


def found(weight_PQ: np.ndarray, center_Q2: np.ndarray, dtype: torch.dtype = torch.float64) -> Any:
    """Medians (P, 2) as float64."""
    weight_NQP = torch.as_tensor(weight_PQ.T[None].copy(), dtype=dtype)
    point_N2P = geometric_median(weight_NQP, torch.as_tensor(center_Q2, dtype=dtype))
    assert point_N2P.dtype == dtype
    return point_N2P[0].T.double().numpy()


def expected_distance(weight_Q: np.ndarray, center_Q2: np.ndarray, point_2: np.ndarray) -> float:
    return float((weight_Q * np.hypot(*(center_Q2 - point_2).T)).sum())


def brute_force(weight_Q: np.ndarray, center_Q2: np.ndarray) -> tuple[float, np.ndarray]:
    """The smallest expected distance, and where: all centers, a grid, and a search from the best.

    The expected distance is convex, so that a search finds no other minimum.
    """
    low, high = center_Q2.min(axis=0), center_Q2.max(axis=0)
    mesh = np.meshgrid(*np.linspace(low, high, 41).T)
    tried = [*center_Q2, *np.stack(mesh, axis=-1).reshape(-1, 2), weight_Q @ center_Q2]
    best = min(tried, key=lambda point: expected_distance(weight_Q, center_Q2, point))
    options = {"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000}
    done = minimize(
        lambda point: expected_distance(weight_Q, center_Q2, point),
        best,
        method="Nelder-Mead",
        options=options,
    )
    ends = ((expected_distance(weight_Q, center_Q2, point), point) for point in (best, done.x))
    return min(ends, key=lambda end: end[0])


def random_weights(rng: np.random.Generator, scale: float, count: int, bins: int) -> np.ndarray:
    logits_PQ = rng.normal(size=(count, bins)) * scale
    weight_PQ = np.exp(logits_PQ - logits_PQ.max(axis=1, keepdims=True))
    return np.asarray(weight_PQ / weight_PQ.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("scale", [0.5, 2.0, 6.0])
def test_no_color_has_a_noticeably_smaller_expected_distance(
    scale: float, dtype: torch.dtype
) -> None:
    """From flat distributions to nearly certain ones; distances are in units of Lab."""
    rng = np.random.default_rng(int(scale))
    weight_PQ = random_weights(rng, scale, 25, 313)
    excess = []
    for weight_Q, point_2 in zip(weight_PQ, found(weight_PQ, GAMUT, dtype), strict=True):
        least, _ = brute_force(weight_Q, GAMUT)
        excess.append(expected_distance(weight_Q, GAMUT, point_2) - least)
    assert min(excess) > -1e-4
    assert max(excess) < 0.1
    assert np.mean(excess) < 0.005


def test_the_median_of_a_smooth_distribution_is_found_itself() -> None:
    rng = np.random.default_rng(3)
    peak_P2 = rng.uniform(-40, 40, (20, 2))
    weight_PQ = np.exp(-((GAMUT - peak_P2[:, None]) ** 2).sum(axis=2) / (2 * 15.0**2))
    weight_PQ /= weight_PQ.sum(axis=1, keepdims=True)
    places = [brute_force(weight_Q, GAMUT)[1] for weight_Q in weight_PQ]
    assert np.abs(found(weight_PQ, GAMUT) - places).max() < 0.15  # of the 10 between bins


@LAW
@given(st.integers(0, 10_000), st.floats(0.1, 8), st.integers(3, 40))
def test_it_lies_in_the_convex_hull(seed: int, scale: float, bins: int) -> None:
    rng = np.random.default_rng(seed)
    center_Q2 = rng.uniform(-100, 100, (bins, 2))
    point_P2 = found(random_weights(rng, scale, 5, bins), center_Q2)
    hull = ConvexHull(center_Q2)
    outside_PF = point_P2 @ hull.equations[:, :2].T + hull.equations[:, 2]
    assert outside_PF.max() < 1e-6


@LAW
@given(st.integers(0, 10_000), st.floats(0, 6.3), st.floats(0.001, 1000))
def test_it_moves_with_the_centers(seed: int, angle: float, scale: float) -> None:
    """Turned, shifted and stretched, as a color space of other units is."""
    rng = np.random.default_rng(seed)
    center_Q2 = rng.uniform(-100, 100, (30, 2))
    weight_PQ = random_weights(rng, 2.0, 4, 30)
    turn_22 = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved_P2 = found(weight_PQ, (center_Q2 @ turn_22 + 7) * scale)
    expected_P2 = (found(weight_PQ, center_Q2) @ turn_22 + 7) * scale
    assert np.abs(moved_P2 - expected_P2).max() < 1e-6 * scale


def test_a_certain_color_is_that_center() -> None:
    point_P2 = found(np.eye(313), GAMUT)
    assert np.abs(point_P2 - GAMUT).max() < 1e-9
    single_P2 = found(np.eye(313), GAMUT, torch.float32)
    assert np.abs(single_P2 - GAMUT).max() < 1e-4


def test_a_bin_with_half_of_the_mass_is_the_median() -> None:
    rng = np.random.default_rng(0)
    weight_PQ = random_weights(rng, 1.0, 313, 313) * 0.499 + 0.501 * np.eye(313)
    assert np.abs(found(weight_PQ, GAMUT) - GAMUT).max() < 2e-3


def test_a_center_that_is_the_mean_but_not_the_median_is_left() -> None:
    """Where Weiszfeld's own iteration would divide by zero, and stay if it did not."""
    center_Q2 = np.array([[-10.0, 0.0], [0.0, 0.0], [30.0, 0.0]])
    weight_PQ = np.array([[0.6, 0.2, 0.2]])
    assert np.abs(weight_PQ @ center_Q2).max() < 1e-12
    assert np.abs(found(weight_PQ, center_Q2) - center_Q2[0]).max() < 1e-3


def test_on_a_line_it_is_the_common_median() -> None:
    center_Q2 = np.stack([np.arange(9.0), np.zeros(9)], axis=1)
    weight_Q = np.array([0.05, 0.1, 0.05, 0.1, 0.15, 0.2, 0.15, 0.1, 0.1])
    assert np.abs(found(weight_Q[None], center_Q2) - [5, 0]).max() < 1e-3


def test_one_bin_and_equal_bins() -> None:
    assert found(np.ones((2, 1)), np.array([[3.0, -4.0]])).tolist() == [[3, -4], [3, -4]]
    same_Q2 = np.full((4, 2), 2.5)
    assert np.abs(found(np.full((1, 4), 0.25), same_Q2) - 2.5).max() < 1e-12


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    weight_PQ = random_weights(np.random.default_rng(1), 2.0, 100, 313)
    whole = found(weight_PQ, GAMUT, torch.float32)
    monkeypatch.setattr(median, "_PIECE", 313 * 7)
    assert np.abs(found(weight_PQ, GAMUT, torch.float32) - whole).max() < 1e-3
    batch_NQP = torch.as_tensor(weight_PQ.T[None].copy()).repeat(2, 1, 1)
    alone_N2P = weiszfeld(batch_NQP[:1], torch.as_tensor(GAMUT))
    assert torch.allclose(weiszfeld(batch_NQP, torch.as_tensor(GAMUT))[1], alone_N2P[0])

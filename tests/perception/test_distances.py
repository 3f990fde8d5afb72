"""Distances of features against closed forms, the definition with a root of a matrix, and loops."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from huescape.base.errors import HuescapeError
from huescape.metrics.bootstrap import draws
from huescape.perception.distances import frechet, kernel_distance, pair_terms, resampled


def drawn(count: int, features: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixed = rng.normal(size=(features, features))
    return rng.normal(size=(count, features)) @ mixed + rng.normal(size=features)


def with_moments(mean: np.ndarray, covariance: np.ndarray, count: int, seed: int) -> np.ndarray:
    """A set that has just this mean and sample covariance."""
    values = np.random.default_rng(seed).normal(size=(count, len(mean)))
    values -= values.mean(axis=0)
    values @= np.linalg.inv(np.linalg.cholesky(np.cov(values.T))).T
    return values @ np.linalg.cholesky(covariance).T + mean


def by_definition(first: np.ndarray, second: np.ndarray) -> float:
    """Heusel et al. 2017, eq. 6, with SciPy's root of a matrix."""
    one, other = np.cov(first.T), np.cov(second.T)
    root = np.real(sqrtm(one @ other))
    apart = first.mean(axis=0) - second.mean(axis=0)
    return float(apart @ apart + np.trace(one + other - 2 * root))


def kernel(x: np.ndarray, y: np.ndarray) -> float:
    return float((x @ y / len(x) + 1) ** 3)


def by_loops(first: np.ndarray, second: np.ndarray, times: np.ndarray) -> float:
    """Gretton et al. 2012, eq. 4, over all ordered pairs of two photos."""
    total = weight = 0.0
    for i, (x, y) in enumerate(zip(first, second, strict=True)):
        for j, (u, v) in enumerate(zip(first, second, strict=True)):
            if i != j:
                h = kernel(x, u) + kernel(y, v) - kernel(x, v) - kernel(u, y)
                total += times[i] * times[j] * h
                weight += times[i] * times[j]
    return total / weight


def test_gaussians_of_commuting_covariances_have_a_closed_form() -> None:
    """|m1 - m2|^2 + sum (s1 - s2)^2, with deviations along the same axes."""
    turned, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(4, 4)))
    sigma, other = np.array([1.0, 2.0, 0.5, 3.0]), np.array([2.0, 2.0, 1.5, 0.25])
    mean, shift = np.zeros(4), np.array([1.0, 0.0, -2.0, 0.5])
    first = with_moments(mean, turned @ np.diag(sigma**2) @ turned.T, 40, 1)
    second = with_moments(shift, turned @ np.diag(other**2) @ turned.T, 30, 2)
    expected = shift @ shift + ((sigma - other) ** 2).sum()
    assert frechet(first, second) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("counts", [(60, 50), (40, 200)])
def test_frechet_against_the_root_of_a_matrix(counts: tuple[int, int]) -> None:
    first, second = drawn(counts[0], 12), drawn(counts[1], 12, 1)
    assert frechet(first, second) == pytest.approx(by_definition(first, second), rel=1e-7)


def test_frechet_of_fewer_photos_than_features() -> None:
    first, second = drawn(9, 30), drawn(7, 30, 1)
    assert frechet(first, second) == pytest.approx(by_definition(first, second), rel=1e-4)
    assert frechet(first, first) == pytest.approx(0, abs=1e-9 * (first**2).sum())
    assert frechet(first, second) == pytest.approx(frechet(second, first))


def test_a_shift_alone_is_the_square_of_its_length() -> None:
    first = drawn(20, 50)
    assert frechet(first, first + 0.5) == pytest.approx(50 * 0.25)


def test_kernel_distance_against_loops() -> None:
    first, second = drawn(11, 6), drawn(11, 6, 1)
    expected = by_loops(first, second, np.ones(11))
    assert kernel_distance(first, second) == pytest.approx(expected)
    assert kernel_distance(first, second) == pytest.approx(kernel_distance(second, first))


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = drawn(11, 6), drawn(11, 6, 1)
    whole = kernel_distance(first, second)
    monkeypatch.setattr("huescape.perception.distances._BLOCK", 4)
    assert kernel_distance(first, second) == pytest.approx(whole)


def test_resampling_against_loops() -> None:
    first, second = drawn(7, 5), drawn(7, 5, 1)
    (times_RN,) = draws(7, 20)
    found = resampled(pair_terms(first, second), [times_RN])
    expected = [by_loops(first, second, times) for times in times_RN]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_no_bias_for_sets_of_one_kind_whose_members_belong_together() -> None:
    """A photo and a copy with noise as large as the photo itself: 0, where KID's mean is below."""
    found, kid = [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        common, one, other = rng.normal(size=(3, 12, 4))
        first, second = common + one, common + other
        found.append(kernel_distance(first, second))
        inside = [
            sum(kernel(x, u) for i, x in enumerate(v) for j, u in enumerate(v) if i != j)
            / (12 * 11)
            for v in (first, second)
        ]
        across = sum(kernel(x, y) for x in first for y in second) / 12**2
        kid.append(sum(inside) - 2 * across)
    error = np.std(found) / np.sqrt(len(found))
    assert abs(np.mean(found)) < 3 * error
    assert np.mean(kid) < -10 * error


@pytest.mark.parametrize("measure", [frechet, kernel_distance])
def test_refused(measure: object) -> None:
    for first, why in (
        (drawn(1, 3), "two photos or more"),
        (np.full((4, 3), np.nan), "not finite"),
        (np.zeros(3), "two photos or more"),
    ):
        with pytest.raises(HuescapeError, match=why):
            measure(first, first)  # type: ignore[operator]
    with pytest.raises(HuescapeError, match="allowed are equal ones"):
        kernel_distance(drawn(4, 3), drawn(5, 3))

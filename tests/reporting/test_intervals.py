"""Intervals against SciPy's own tests, and verdicts that follow from them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from huescape.metrics import bootstrap
from huescape.reporting.intervals import (
    Difference,
    Resampled,
    difference,
    estimate,
    holm,
    verdict,
)

Scores = st.lists(st.floats(-100, 100).map(lambda x: round(x, 6)), min_size=2, max_size=6)
ALIKE = pytest.mark.filterwarnings("ignore:Precision loss")  # SciPy, on scores that are equal
SWAPPED = {"supported": "contradicted", "contradicted": "supported", "not decided": "not decided"}


def seeded(values: list[float], start: int = 0) -> dict[int, float]:
    return dict(enumerate(values, start=start))


def test_mean_and_half_interval_agree_with_scipy() -> None:
    values = [0.81, 0.79, 0.84, 0.80]
    found = estimate(values)
    assert found is not None
    low, high = stats.t.interval(0.95, 3, loc=0.81, scale=stats.sem(values))
    assert found.half == pytest.approx((high - low) / 2, rel=1e-12)
    assert (found.mean, found.count) == (pytest.approx(0.81), 4)


def test_a_known_paired_interval() -> None:
    """Differences 1, 2 and 3: mean 2, standard error 1/sqrt(3), t(2) = 4.302653."""
    found = difference({0: 11.0, 1: 22.0, 2: 33.0}, {2: 30.0, 1: 20.0, 0: 10.0})
    assert found is not None
    assert found.value == 2
    assert found.high == pytest.approx(2 + 4.30265273 / 3**0.5, rel=1e-8)
    assert found.low == pytest.approx(2 - 4.30265273 / 3**0.5, rel=1e-8)
    assert found.basis == "3 paired seeds"


@ALIKE
@given(first=Scores, second=Scores)
def test_paired_intervals_agree_with_scipy(first: list[float], second: list[float]) -> None:
    count = min(len(first), len(second))
    found = difference(seeded(first), seeded(second))
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    reference = stats.ttest_rel(first[:count], second[:count]).confidence_interval(0.95)
    if reference.low == reference.low:  # SciPy gives NaN for differences that are all equal
        assert found.low == pytest.approx(reference.low, abs=1e-8, rel=1e-8)
        assert found.high == pytest.approx(reference.high, abs=1e-8, rel=1e-8)


@ALIKE
@given(first=Scores, second=Scores)
def test_unpaired_intervals_agree_with_scipy(first: list[float], second: list[float]) -> None:
    found = difference(seeded(first), seeded(second, start=100))
    assert found is not None
    assert found.low is not None
    assert found.high is not None
    reference = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    if reference.low == reference.low:
        assert found.low == pytest.approx(reference.low, abs=1e-6, rel=1e-6)
        assert found.high == pytest.approx(reference.high, abs=1e-6, rel=1e-6)


@given(first=Scores, second=Scores, shift=st.sampled_from([0, 1, 100]))
def test_swapping_a_pair_flips_its_verdict(
    first: list[float], second: list[float], shift: int
) -> None:
    one, two = seeded(first), seeded(second, start=shift)
    found, turned = difference(one, two), difference(two, one)
    assert found is not None
    assert turned is not None
    said = verdict(found, 1, found.p)
    if found.value:
        assert verdict(turned, 1, turned.p) == SWAPPED[said]
    assert verdict(turned, -1, turned.p) == said


@pytest.mark.parametrize(
    ("value", "p", "sign", "says"),
    [
        (0.2, 0.01, 1, "supported"),
        (0.2, 0.01, -1, "contradicted"),
        (-0.2, 0.05, -1, "supported"),
        (-0.2, 0.05, 1, "contradicted"),
        (0.2, 0.051, 1, "not decided"),
        (0.0, 1.0, 1, "not decided"),
        (0.2, None, 1, "seen once"),
        (0.2, None, -1, "not seen (once)"),
    ],
)
def test_verdicts_of_p_values(value: float, p: float | None, sign: int, says: str) -> None:
    found = Difference(value, 0.0, value, None, None, None, None, 0.001, "")
    assert verdict(found, sign, p) == says


@pytest.mark.parametrize("photos", [None, Resampled(np.full(99, 0.1), 20)])
def test_a_difference_without_a_variance_is_not_certain(photos: Resampled | None) -> None:
    """Equal in all seeds, and on all photos where these are known."""
    first, second = seeded([0.8, 0.9, 0.85]), seeded([0.7, 0.8, 0.75])
    found, none = difference(first, second, photos), difference(first, first)
    assert found is not None
    assert none is not None
    assert (found.value, found.p) == (pytest.approx(0.1), None)
    assert verdict(found, 1, found.p) == verdict(found, -1, found.p) == "not decided"
    assert (none.value, none.p) == (0, 1)


@ALIKE
@given(first=Scores, second=Scores)
def test_p_values_agree_with_scipy(first: list[float], second: list[float]) -> None:
    count = min(len(first), len(second))
    paired = difference(seeded(first), seeded(second))
    welch = difference(seeded(first), seeded(second, start=100))
    for found, reference in (
        (paired, stats.ttest_rel(first[:count], second[:count])),
        (welch, stats.ttest_ind(first, second, equal_var=False)),
    ):
        assert found is not None
        if found.seeds_error and found.seeds_error > 1e-6 and reference.pvalue == reference.pvalue:
            assert found.p == pytest.approx(reference.pvalue, abs=1e-6)
            assert found.low is not None
            assert found.high is not None
            assert (found.p > 0.05) == (found.low < 0 < found.high)


def test_seeds_and_photos_add_up() -> None:
    """Variances 1/3 (2 degrees of freedom) and 2 (99): t of 3.1 or so."""
    values_R = np.tile([-1.0, 1.0], 500) * 2**0.5
    found = difference(
        {0: 1.0, 1: 2.0, 2: 3.0}, dict.fromkeys(range(3), 0.0), Resampled(values_R, 100)
    )
    assert found is not None
    freedom = (1 / 3 + 2) ** 2 / ((1 / 3) ** 2 / 2 + 2**2 / 99)
    half = stats.t.ppf(0.975, freedom) * (1 / 3 + 2) ** 0.5
    assert (found.seeds_error, found.photos_error) == (
        pytest.approx((1 / 3) ** 0.5),
        pytest.approx(2**0.5),
    )
    assert (found.low, found.high) == (pytest.approx(2 - half), pytest.approx(2 + half))
    assert found.p == pytest.approx(2 * stats.t.sf(2 / (1 / 3 + 2) ** 0.5, freedom))
    assert found.basis == "3 paired seeds, 100 photos"


def test_holm_of_a_published_example() -> None:
    """Wikipedia, Holm-Bonferroni method: the first and the last of four are rejected."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_holm_is_bonferroni_in_every_subset(p_values: list[float]) -> None:
    """The closure principle: a difference stands where every set that has it is rejected."""
    expected = [0.0] * len(p_values)
    for count in range(1, len(p_values) + 1):
        for members in combinations(range(len(p_values)), count):
            whole = min(1.0, count * min(p_values[k] for k in members))
            for k in members:
                expected[k] = max(expected[k], whole)
    assert holm(p_values) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("seed_sd", "photo_sd", "both_sd"),
    [(1.0, 0.0, 0.0), (0.0, 6.0, 0.0), (0.5, 3.0, 3.0), (1.0, 6.0, 6.0)],
)
def test_intervals_over_seeds_and_photos_hold_the_truth(
    seed_sd: float, photo_sd: float, both_sd: float
) -> None:
    """Three seeds, 50 photos, effects of each and of both together: at least 95 in 100 times."""
    rng, held, runs = np.random.default_rng(3), 0, 600
    times_RN = np.concatenate([*bootstrap.draws(50, 499)]) / 50
    for _ in range(runs):
        deltas_SN = rng.normal(0, seed_sd, (3, 1)) + rng.normal(0, photo_sd, 50)
        deltas_SN += rng.normal(0, both_sd, (3, 50))
        photos = Resampled(times_RN @ deltas_SN.mean(axis=0), 50)
        seeds = seeded(deltas_SN.mean(axis=1).tolist())
        found = difference(seeds, dict.fromkeys(range(3), 0.0), photos)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0 <= found.high
    assert held / runs >= 0.93


def test_one_seed_decides_nothing() -> None:
    found = difference({0: 2.0}, {0: 1.0})
    assert found is not None
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert found.basis == "one seed: no interval"
    assert verdict(found, 1, found.p) == "seen once"
    assert verdict(found, -1, found.p) == "not seen (once)"
    lopsided = difference({0: 2.0, 1: 4.0, 2: 3.0}, {0: 1.0})
    assert lopsided is not None
    assert (lopsided.value, lopsided.low) == (2.0, None)
    assert lopsided.basis == "3 and 1 seeds: no interval"
    assert verdict(difference({0: 1.0}, {0: 1.0}), 1, None) == "not seen (once)"


def test_nothing_measured_is_not_compared() -> None:
    assert difference({}, {0: 1.0}) is None
    assert verdict(None, 1, None) == "not compared"
    assert estimate([]) is None


def test_only_common_seeds_are_paired() -> None:
    found = difference({0: 1.0, 1: 2.0, 7: 900.0}, {0: 0.5, 1: 1.5, 8: -900.0})
    assert found is not None
    assert (found.value, found.first, found.second) == (0.5, 1.5, 1.0)
    assert found.basis == "2 paired seeds"

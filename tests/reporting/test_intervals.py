"""Intervals against SciPy's own tests, and verdicts that follow from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from huescape.reporting.intervals import Difference, difference, estimate, verdict

Scores = st.lists(st.floats(-100, 100).map(lambda x: round(x, 6)), min_size=2, max_size=6)
ALIKE = pytest.mark.filterwarnings("ignore:Precision loss")  # SciPy, on scores that are equal
SWAPPED = {"reproduced": "contradicted", "contradicted": "reproduced", "not decided": "not decided"}


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
    assert found.basis == "paired over 3 seeds"


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
    said, turned = verdict(difference(one, two), 1), verdict(difference(two, one), 1)
    if said in SWAPPED:
        assert turned == SWAPPED[said]
    assert verdict(difference(two, one), -1) == said


@pytest.mark.parametrize(
    ("low", "high", "sign", "says"),
    [
        (0.1, 0.3, 1, "reproduced"),
        (0.1, 0.3, -1, "contradicted"),
        (-0.3, -0.1, -1, "reproduced"),
        (-0.3, -0.1, 1, "contradicted"),
        (-0.1, 0.3, 1, "not decided"),
        (0.0, 0.0, 1, "not decided"),
    ],
)
def test_verdicts_of_intervals(low: float, high: float, sign: int, says: str) -> None:
    middle = (low + high) / 2
    assert verdict(Difference(1.0, 1 - middle, middle, low, high, ""), sign) == says


def test_one_seed_decides_nothing() -> None:
    found = difference({0: 2.0}, {0: 1.0})
    assert found is not None
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert found.basis == "one seed: no interval"
    assert verdict(found, 1) == "seen once"
    assert verdict(found, -1) == "not seen (once)"
    lopsided = difference({0: 2.0, 1: 4.0, 2: 3.0}, {0: 1.0})
    assert lopsided is not None
    assert (lopsided.value, lopsided.low) == (2.0, None)
    assert lopsided.basis == "3 and 1 seeds: no interval"
    assert verdict(difference({0: 1.0}, {0: 1.0}), 1) == "not seen (once)"


def test_nothing_measured_is_not_compared() -> None:
    assert difference({}, {0: 1.0}) is None
    assert verdict(None, 1) == "not compared"
    assert estimate([]) is None


def test_only_common_seeds_are_paired() -> None:
    found = difference({0: 1.0, 1: 2.0, 7: 900.0}, {0: 0.5, 1: 1.5, 8: -900.0})
    assert found is not None
    assert (found.value, found.first, found.second) == (0.5, 1.5, 1.0)
    assert found.basis == "paired over 2 seeds"

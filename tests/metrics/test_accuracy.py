"""Bin accuracy against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from huescape.base.errors import HuescapeError
from huescape.metrics.accuracy import accuracy, balanced_accuracy, hits

BIN = st.integers(0, 5)


@given(st.lists(st.tuples(BIN, BIN), min_size=1, max_size=80))
def test_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    predicted_N, true_N = np.array(pairs).T
    pixels_Q = np.bincount(true_N, minlength=6)
    hits_Q = hits(predicted_N, true_N, 6)
    assert accuracy(hits_Q, pixels_Q) == pytest.approx(accuracy_score(true_N, predicted_N))
    seen = np.isin(predicted_N, true_N)  # scikit-learn warns about other predictions
    if seen.all() and len(set(true_N)) > 1:
        expected = balanced_accuracy_score(true_N, predicted_N)
        assert balanced_accuracy(hits_Q, pixels_Q) == pytest.approx(expected)


def test_hits_are_counted_by_true_bin() -> None:
    rng = np.random.default_rng(0)
    predicted_N, true_N = rng.integers(0, 6, (2, 5000))
    expected = np.bincount(true_N[predicted_N == true_N], minlength=6)
    assert (hits(predicted_N, true_N, 6) == expected).all()
    assert (hits(predicted_N + 10, true_N, 6) == 0).all()


def test_bins_that_do_not_fit_are_refused() -> None:
    three_N = np.zeros(3, int)
    with pytest.raises(HuescapeError, match="allowed are equal ones"):
        hits(three_N, np.zeros(4, int), 6)
    for wrong in (-1, 6):
        with pytest.raises(HuescapeError, match="outside 0 to 5"):
            hits(three_N, three_N + wrong, 6)


@pytest.mark.parametrize("dtype", [float, bool, "m8[s]"])
def test_bins_that_are_no_integers_are_refused(dtype: str | type) -> None:
    whole_N, wrong_N = np.zeros(3, np.uint8), np.zeros(3, dtype)
    for predicted_N, true_N in ((wrong_N, whole_N), (whole_N, wrong_N)):
        with pytest.raises(HuescapeError, match=r"bins have dtype .*: allowed are integers"):
            hits(predicted_N, true_N, 6)


def test_bins_that_never_occur_do_not_count() -> None:
    hits_Q, pixels_Q = np.array([9, 0, 0]), np.array([10, 2, 0])
    assert accuracy(hits_Q, pixels_Q) == pytest.approx(0.75)
    assert balanced_accuracy(hits_Q, pixels_Q) == pytest.approx(0.45)


def test_nothing_is_not_a_number() -> None:
    nothing_Q = np.zeros(3, int)
    assert np.isnan(accuracy(nothing_Q, nothing_Q))
    assert np.isnan(balanced_accuracy(nothing_Q, nothing_Q))

"""Bits and calibration against plain loops in float64, and for distributions that are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from huescape.metrics.calibration import (
    CONFIDENCES,
    HIGHEST,
    LOWEST,
    DistributionTotals,
    fitted_temperature,
    prior_bits,
)

LAW = settings(max_examples=25, deadline=None)


def drawn(
    bins: int, count: int, sharpness: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Logits (Q, P), and true bins drawn from softmax(sharpness * logits)."""
    rng = np.random.default_rng(seed)
    logits_QP = (rng.normal(size=(bins, count)) * 2).astype(np.float32)
    # The largest of logits with Gumbel noise is a draw of the softmax.
    noisy_QP = sharpness * logits_QP + rng.gumbel(size=(bins, count))
    return logits_QP, noisy_QP.argmax(axis=0)


def reference(logits_QP: np.ndarray, true_P: np.ndarray, temperature: float) -> dict[str, Any]:
    """Position by position, with Python's floats."""
    bits: list[float] = []
    rows: list[list[tuple[float, bool]]] = [[] for _ in range(CONFIDENCES)]
    for logits, true in zip(logits_QP.T.tolist(), true_P.tolist(), strict=True):
        top = max(logits)
        weights = [math.exp((value - top) / temperature) for value in logits]
        total = sum(weights)
        bits.append(-math.log2(weights[true] / total))
        confidence = max(weights) / total
        place = next(k for k in range(CONFIDENCES) if confidence <= (k + 1) / CONFIDENCES)
        rows[place].append((confidence, logits.index(top) == true))
    gaps = [abs(sum(c for c, _ in row) - sum(r for _, r in row)) for row in rows]
    return {
        "bits": sum(bits) / len(bits),
        "ece": sum(gaps) / len(bits),
        "counts": [len(row) for row in rows],
        "accuracy": [sum(r for _, r in row) / len(row) if row else None for row in rows],
    }


@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7])
def test_against_a_plain_loop(temperature: float) -> None:
    logits_QP, true_P = drawn(7, 400)
    totals = DistributionTotals(temperature)
    for part in (slice(0, 100), slice(100, 101), slice(101, 101), slice(101, 400)):
        totals.add(totals.part(logits_QP[:, part], true_P[part]))
    expected = reference(logits_QP, true_P, temperature)
    assert totals.positions == 400
    assert totals.bits() == pytest.approx(expected["bits"], abs=1e-6)
    assert totals.calibration_error() == pytest.approx(expected["ece"], abs=1e-6)
    rows = totals.reliability()
    assert [row["count"] for row in rows] == expected["counts"]
    assert [row["accuracy"] for row in rows] == pytest.approx(expected["accuracy"])
    for k, row in enumerate(rows):
        if row["count"]:
            assert row["confidence"] is not None
            assert k / CONFIDENCES < row["confidence"] + 1e-6
            assert row["confidence"] <= (k + 1) / CONFIDENCES + 1e-6


@pytest.mark.parametrize("bins", [2, 32, 313])
def test_the_uniform_distribution_takes_log2_of_the_bins(bins: int) -> None:
    true_P = np.arange(bins)
    totals = DistributionTotals()
    totals.add(totals.part(np.full((bins, bins), 3.5, np.float32), true_P))
    assert totals.bits() == pytest.approx(math.log2(bins), abs=1e-6)
    # Its most likely bin, the first, is right once in as many.
    assert totals.calibration_error() == pytest.approx(0, abs=1e-6)


def test_certainty_takes_no_bits_and_an_error_many() -> None:
    logits_QP = np.full((4, 2), -np.inf, np.float32)
    logits_QP[1] = 0
    right, wrong = DistributionTotals(), DistributionTotals()
    right.add(right.part(logits_QP, np.array([1, 1])))
    assert (right.bits(), right.calibration_error()) == (0, 0)
    wrong.add(wrong.part(logits_QP, np.array([1, 2])))
    assert wrong.calibration_error() == 0.5
    assert math.isfinite(wrong.bits())
    assert wrong.bits() > 5000


def test_a_predictor_that_knows_its_odds_is_calibrated() -> None:
    """The error of a calibrated predictor falls with the number of positions."""
    errors = []
    for count in (1_000, 200_000):
        totals = DistributionTotals()
        totals.add(totals.part(*drawn(5, count)))
        errors.append(totals.calibration_error())
    assert errors[1] < 0.005 < errors[0]


def test_one_that_is_too_sure_is_not() -> None:
    logits_QP, true_P = drawn(5, 50_000, sharpness=0.5)
    plain, fitted = DistributionTotals(), DistributionTotals(2.0)
    for totals in (plain, fitted):
        totals.add(totals.part(logits_QP, true_P))
    assert plain.calibration_error() > 0.1
    assert fitted.calibration_error() < 0.01
    assert fitted.bits() < plain.bits()


@pytest.mark.parametrize("planted", [0.5, 0.9, 1.0, 1.6, 3.0])
def test_a_planted_temperature_is_recovered(planted: float) -> None:
    logits_QP, true_P = drawn(20, 60_000, sharpness=1 / planted)
    assert fitted_temperature(logits_QP, true_P) == pytest.approx(planted, rel=0.03)


@LAW
@given(st.integers(0, 10_000), st.floats(0.3, 4), st.integers(2, 40))
def test_no_other_temperature_takes_fewer_bits(seed: int, planted: float, bins: int) -> None:
    logits_QP, true_P = drawn(bins, 3000, 1 / planted, seed)

    def bits(temperature: float) -> float:
        totals = DistributionTotals(temperature)
        totals.add(totals.part(logits_QP.astype(np.float64), true_P))
        return totals.bits()

    found = fitted_temperature(logits_QP, true_P)
    best = minimize_scalar(bits, bounds=(LOWEST, HIGHEST), method="bounded")
    assert bits(found) <= best.fun + 1e-6


def test_a_temperature_without_a_minimum_is_at_the_end() -> None:
    logits_QP = np.array([[0.0, 0.0], [1.0, 1.0]], np.float32)
    assert fitted_temperature(logits_QP, np.array([1, 1])) == LOWEST
    assert fitted_temperature(logits_QP, np.array([0, 0])) == HIGHEST
    assert fitted_temperature(logits_QP * 0, np.array([0, 1])) in (LOWEST, HIGHEST)


def test_bits_of_a_prior() -> None:
    prior_Q = np.array([0.5, 0.25, 0.125, 0.125])
    assert prior_bits(prior_Q, np.array([2, 1, 1, 0])) == (2 * 1 + 2 + 3) / 4
    assert prior_bits(np.full(313, 1 / 313), np.arange(313)) == pytest.approx(math.log2(313))
    assert math.isnan(prior_bits(prior_Q, np.zeros(4, int)))


def test_nothing_is_undefined() -> None:
    totals = DistributionTotals()
    assert math.isnan(totals.bits())
    assert math.isnan(totals.calibration_error())
    assert totals.reliability()[3] == {"count": 0, "accuracy": None, "confidence": None}

"""Signed shifts of hue and chroma against NumPy's plain arithmetic, and their laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.metrics.hue import LEAST_CHROMA, NAMES, SECTORS, hue_table, shifts


def turned(ab_N2: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ab_N2 @ turn.T


def colors(seed: int, count: int = 500) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 30, (count, 2))


def plain(predicted_N2: np.ndarray, true_N2: np.ndarray) -> list[tuple[float, ...]]:
    """Pixels, mean chromas and the angle of the mean turned color, sector by sector."""
    true_N, predicted_N = (ab @ [1, 1j] for ab in (true_N2, predicted_N2))
    seen_N = np.abs(true_N) >= LEAST_CHROMA
    sector_N = np.rint(np.degrees(np.angle(true_N)) / 30).astype(int) % SECTORS
    found = []
    for s in range(SECTORS):
        own_N = seen_N & (sector_N == s)
        turned_N = predicted_N[own_N] * np.conj(true_N[own_N]) / np.abs(true_N[own_N])
        chromas = np.abs(true_N[own_N]).mean(), np.abs(predicted_N[own_N]).mean()
        found.append((own_N.sum(), *chromas, np.degrees(np.angle(turned_N.mean()))))
    return found


def test_the_sums_are_those_of_complex_numbers() -> None:
    true_N2, predicted_N2 = colors(0, 5000), colors(1, 5000)
    for one, expected in zip(
        shifts(hue_table(predicted_N2, true_N2)), plain(predicted_N2, true_N2), strict=True
    ):
        assert one.pixels == expected[0]
        assert one.true == pytest.approx(expected[1], abs=1e-3)
        assert one.predicted == pytest.approx(expected[2], abs=1e-3)
        assert one.degrees == pytest.approx(expected[3], abs=0.01)


@given(degrees=st.floats(-170, 170), gain=st.floats(0.1, 3))
def test_a_turn_of_every_color_is_the_shift_of_every_sector(degrees: float, gain: float) -> None:
    true_N2 = colors(2)
    for one in shifts(hue_table(gain * turned(true_N2, degrees), true_N2)):
        assert one.degrees == pytest.approx(degrees, abs=0.05)
        assert one.true is not None
        assert one.predicted == pytest.approx(gain * one.true, abs=2e-3)


def test_the_truth_is_not_shifted_and_gray_has_no_hue() -> None:
    true_N2 = colors(3)
    for one in shifts(hue_table(true_N2, true_N2)):
        assert one.degrees == pytest.approx(0, abs=1e-9)
        assert one.true == one.predicted
    for one in shifts(hue_table(np.zeros_like(true_N2), true_N2)):
        assert (one.predicted, one.degrees) == (0, None)


def test_photos_add_up_in_any_order_and_grays_are_not_counted() -> None:
    true_N2, predicted_N2 = colors(4).astype(np.float32), colors(5).astype(np.float32)
    order = np.random.default_rng(6).permutation(len(true_N2))
    whole_SK = hue_table(predicted_N2, true_N2)
    assert (hue_table(predicted_N2[order], true_N2[order]) == whole_SK).all()
    parts = [hue_table(predicted_N2[p], true_N2[p]) for p in (order[:100], order[100:])]
    assert (sum(parts) == whole_SK).all()
    near_gray_N2 = np.full((9, 2), 5.0)
    assert not hue_table(near_gray_N2, near_gray_N2).any()
    assert shifts(hue_table(near_gray_N2, near_gray_N2))[0].true is None


def test_names_are_of_the_middles_of_sectors() -> None:
    middles_S2 = np.array([turned(np.array([[20.0, 0.0]]), 30 * s)[0] for s in range(SECTORS)])
    for s, middle_2 in enumerate(middles_S2):
        assert np.flatnonzero(hue_table(middle_2[None], middle_2[None])[:, 0]).tolist() == [s]
    assert (NAMES[3], NAMES[9]) == ("yellow", "blue")
    assert len(NAMES) == SECTORS

"""AuC against slow references in float64 that never build a table.

Shape suffixes: N pixels, 2 chroma channels, Q bins, D distances, T thresholds.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from huescape.base.errors import HuescapeError
from huescape.metrics.auc import (
    DISTANCES,
    AucAccumulator,
    auc,
    curve,
    distance_table,
    effective_number,
    weighted_auc,
)

Floats = npt.NDArray[np.float64]
BINS = 7
DISTANCE = st.floats(0, 400, allow_nan=False)


def slow_auc(distance_N: Floats, weight_N: Floats) -> float:
    """The definition: a share at each threshold, one after another, then the trapezoid rule."""
    shares = [
        sum(w for d, w in zip(distance_N, weight_N, strict=True) if d <= t) / sum(weight_N)
        for t in range(151)
    ]
    return sum((a + b) / 2 for a, b in pairwise(shares)) / 150


def slow_table(
    predicted_N2: Floats, true_N2: Floats, bin_N: npt.NDArray[np.int64], bins: int
) -> npt.NDArray[np.int64]:
    """One pass of NumPy for each operation, in the dtype of the colors."""
    offset_N2 = predicted_N2 - true_N2
    distance_N = np.sqrt(offset_N2[:, 0] ** 2 + offset_N2[:, 1] ** 2)
    column_N = np.minimum(np.ceil(distance_N), DISTANCES - 1).astype(int)
    table_QD = np.zeros((bins, DISTANCES), np.int64)
    np.add.at(table_QD, (bin_N, column_N), 1)
    return table_QD


def pixels(seed: int, count: int = 400) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    true_N2 = rng.uniform(-100, 100, (count, 2))
    predicted_N2 = true_N2 + rng.standard_t(2, (count, 2)) * 20
    return predicted_N2, true_N2, rng.integers(0, BINS, count)


def table(seed: int, count: int = 400) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """A table, with the distances and the bins of its pixels."""
    predicted_N2, true_N2, bin_N = pixels(seed, count)
    distance_N = np.linalg.norm(predicted_N2 - true_N2, axis=1)
    return distance_table(predicted_N2, true_N2, bin_N, BINS), distance_N, bin_N


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2047, 2048, 9000])
@pytest.mark.parametrize("dtypes", [("f4", "f4"), ("f8", "f4"), ("f4", "f8"), ("f8", "f8")])
def test_counts_are_those_of_plain_numpy(dtypes: tuple[str, str], count: int, whole: bool) -> None:
    """The last bit of a distance near a threshold decides; whole ab put distances right on it."""
    predicted_N2, true_N2, bin_N = pixels(count, count)
    if whole:
        predicted_N2, true_N2 = np.rint(predicted_N2 / 5) * 5, np.rint(true_N2 / 5) * 5
    predicted_N2, true_N2 = predicted_N2.astype(dtypes[0]), true_N2.astype(dtypes[1])
    expected = slow_table(predicted_N2, true_N2, bin_N, BINS)
    assert np.array_equal(distance_table(predicted_N2, true_N2, bin_N, BINS), expected)
    wide_N3 = np.column_stack([predicted_N2, predicted_N2[:, 0]])
    assert np.array_equal(distance_table(wide_N3[:, :2], true_N2, bin_N, BINS), expected)


def test_pixels_that_do_not_fit_are_refused() -> None:
    predicted_N2, true_N2, bin_N = pixels(0)
    with pytest.raises(HuescapeError, match=r"\(399, 2\) and \(400, 2\): allowed is \(400, 2\)"):
        distance_table(predicted_N2[:399], true_N2, bin_N, BINS)
    for wrong in (-1, BINS):
        bin_N[7] = wrong
        with pytest.raises(HuescapeError, match="outside 0 to 6"):
            distance_table(predicted_N2, true_N2, bin_N, BINS)


@pytest.mark.parametrize("dtype", [float, bool, "m8[s]"])
def test_bins_that_are_no_integers_are_refused(dtype: str | type) -> None:
    predicted_N2, true_N2, bin_N = pixels(0)
    with pytest.raises(HuescapeError, match=r"bins have dtype .*: allowed are integers"):
        distance_table(predicted_N2, true_N2, bin_N.astype(dtype), BINS)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_definition(seed: int) -> None:
    counts, distance_N, _ = table(seed)
    assert auc(counts) == pytest.approx(slow_auc(distance_N, np.ones(400)), abs=1e-12)


def test_oracle() -> None:
    counts, distance_N, _ = table(0, count=50_000)
    assert auc(counts) == pytest.approx(1 - np.minimum(distance_N, 150).mean() / 150, abs=1e-3)


@given(hnp.arrays(np.float64, st.integers(1, 60), elements=DISTANCE))
def test_oracle_is_never_off_by_more_than_half_a_unit(distance_N: Floats) -> None:
    predicted_N2 = np.column_stack([distance_N, np.zeros_like(distance_N)])
    counts = distance_table(
        predicted_N2, np.zeros_like(predicted_N2), np.zeros(len(distance_N), int), 1
    )
    oracle = 1 - np.minimum(distance_N, 150).mean() / 150
    assert abs(auc(counts) - oracle) <= 0.5 / 150 + 1e-9


def test_perfect_scores_one_and_worthless_zero() -> None:
    true_N2 = np.random.default_rng(0).uniform(-100, 100, (100, 2))
    bin_N = np.zeros(100, int)
    assert auc(distance_table(true_N2, true_N2, bin_N, 1)) == 1.0
    assert auc(distance_table(true_N2 + 150, true_N2, bin_N, 1)) == 0.0


def test_thresholds_are_inclusive() -> None:
    predicted_N2 = np.array([[3.0, 4.0], [0.0, 5.0001], [0.0, 0.0], [90.0, 120.0], [0.0, 150.5]])
    counts = distance_table(predicted_N2, np.zeros((5, 2)), np.zeros(5, int), 1)[0]
    assert np.flatnonzero(counts).tolist() == [0, 5, 6, 150, DISTANCES - 1]
    acc_T = curve(counts)
    assert acc_T[[0, 4, 5, 6, 149, 150]].tolist() == [0.2, 0.2, 0.4, 0.6, 0.6, 0.8]


@given(
    hnp.arrays(np.float64, (30, 2), elements=st.floats(-120, 120)),
    hnp.arrays(np.float64, (30, 2), elements=st.floats(-120, 120)),
)
def test_curve_rises_and_stays_in_range(first_N2: Floats, second_N2: Floats) -> None:
    acc_T = curve(distance_table(first_N2, second_N2, np.zeros(30, int), 1)[0])
    assert len(acc_T) == 151
    assert (np.diff(acc_T) >= 0).all()
    assert acc_T[0] >= 0
    assert acc_T[-1] <= 1


@pytest.mark.parametrize("seed", range(3))
def test_weighted_agrees_with_the_definition(seed: int) -> None:
    counts, distance_N, bin_N = table(seed)
    weight_Q = np.random.default_rng(seed).exponential(1, BINS)
    expected = slow_auc(distance_N, weight_Q[bin_N])
    assert weighted_auc(counts, weight_Q) == pytest.approx(expected, abs=1e-12)
    assert weighted_auc(counts, 1e30 * weight_Q) == pytest.approx(expected, abs=1e-12)


def test_weight_goes_by_the_true_bin() -> None:
    """Everything is painted in bin 0's color; only the weight of the *true* bin may count."""
    true_N2 = np.array([[0.0, 0.0]] * 90 + [[60.0, 0.0]] * 10)
    counts = distance_table(np.zeros((100, 2)), true_N2, (true_N2[:, 0] > 0).astype(int), 2)
    assert weighted_auc(counts, np.array([1.0, 0.0])) == 1.0
    assert weighted_auc(counts, np.array([0.0, 1.0])) == pytest.approx(0.6 + 0.5 / 150)


def test_effective_number_agrees_with_one_weight_a_pixel() -> None:
    _, _, bin_N = table(1)
    weight_Q = np.random.default_rng(1).exponential(1, BINS)
    weight_N = weight_Q[bin_N]
    expected = weight_N.sum() ** 2 / (weight_N**2).sum()
    pixels_Q = np.bincount(bin_N, minlength=BINS)
    assert effective_number(pixels_Q, weight_Q) == pytest.approx(expected, rel=1e-12)
    assert effective_number(pixels_Q, np.full(BINS, 3.0)) == pytest.approx(400)
    assert effective_number(pixels_Q, np.zeros(BINS)) == 0
    # The weight of a bin without pixels must not drown the others, however large it is.
    lonely_Q = np.array([5, 5, 0])
    assert effective_number(lonely_Q, np.array([1.0, 1.0, 1e300])) == pytest.approx(10)


def test_macro_agrees_with_one_auc_a_bin() -> None:
    total, distances, bins = AucAccumulator(BINS), [], []
    for seed in range(6):
        counts, distance_N, bin_N = table(seed, count=60 + 20 * seed)
        bin_N[bin_N == 3] = 2  # bin 3 never occurs
        if seed > 1:
            bin_N[bin_N == 5] = 4  # bin 5 only in two photos
        predicted_N2 = np.column_stack([distance_N, np.zeros_like(distance_N)])
        counts = distance_table(predicted_N2, np.zeros_like(predicted_N2), bin_N, BINS)
        total.add(counts)
        distances.append(distance_N)
        bins.append(bin_N)
    distance_N, bin_N = np.concatenate(distances), np.concatenate(bins)
    assert total.macro_bins(1, 3).tolist() == [0, 1, 2, 4, 6]
    found = [slow_auc(d := distance_N[bin_N == q], np.ones(len(d))) for q in (0, 1, 2, 4, 6)]
    assert total.macro_auc(1, 3) == pytest.approx(np.mean(found), abs=1e-12)
    many = int(total.pixels()[6]) + 1
    assert 6 not in total.macro_bins(many, 1)
    assert total.photos_Q[5] == 2
    assert total.photos_Q[3] == 0


def test_photos_add_up_to_one_picture_in_any_order() -> None:
    tables = [table(seed)[0] for seed in range(4)]
    there, back = AucAccumulator(BINS), AucAccumulator(BINS)
    for counts in tables:
        there.add(counts)
    for counts in reversed(tables):
        back.add(counts)
    distance_N = np.concatenate([table(seed)[1] for seed in range(4)])
    assert auc(there.table_QD) == pytest.approx(slow_auc(distance_N, np.ones(1600)), abs=1e-12)
    assert (there.table_QD == back.table_QD).all()
    assert there.macro_auc(1, 1) == back.macro_auc(1, 1)


def test_nothing_is_not_a_number() -> None:
    empty = AucAccumulator(BINS)
    assert np.isnan(auc(empty.table_QD))
    assert np.isnan(weighted_auc(table(0)[0], np.zeros(BINS)))
    assert np.isnan(empty.macro_auc(1, 1))
    assert np.isnan(AucAccumulator(BINS).macro_curve(1, 1)).all()

"""Sums over photos give the scores that the totals give, however often a photo is taken."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from huescape.base.errors import HuescapeError
from huescape.color.bins import gamut_centers
from huescape.metrics import photo_sums
from huescape.metrics.photo import PhotoScore, score, truth
from huescape.metrics.photo_sums import PhotoSums
from huescape.metrics.scores import METRICS
from huescape.metrics.totals import Rules, Totals

CENTERS_Q2 = gamut_centers()
WEIGHT_Q = np.random.default_rng(9).exponential(1, 313)
RULES = Rules(WEIGHT_Q, macro_pixels=3, macro_photos=2)
RESAMPLED = {metric.key for metric in METRICS}


def scored(seed: int, error: float) -> PhotoScore:
    """A photo and a prediction that is wrong by `error` ab units or so; a few by far."""
    rng = np.random.default_rng(seed)
    rgb_HW3 = rng.integers(60, 196, (12, 20 + seed, 3), dtype=np.uint8)
    true = truth(rgb_HW3, CENTERS_Q2)
    shape = true.lab_HW3[..., 1:].shape
    ab_HW2 = true.lab_HW3[..., 1:] + rng.normal(0, error, shape) * rng.choice([0, 1, 5], shape)
    picture = rng.integers(0, 256, rgb_HW3.shape, dtype=np.uint8)
    return score(true, ab_HW2.astype(np.float32), picture)


def totals_of(error: float, seeds: list[int]) -> Totals:
    found = Totals(RULES)
    for seed in seeds:
        found.add(scored(seed, error))
    return found


@pytest.fixture(scope="module")
def sums() -> PhotoSums:
    totals = {name: totals_of(error, [*range(5)]) for name, error in (("1", 8.0), ("gray", 40.0))}
    macro_B = totals["1"].auc.macro_bins(RULES.macro_pixels, RULES.macro_photos)
    parts = {name: one.parts for name, one in totals.items()}
    return PhotoSums.of([f"p{n}" for n in range(5)], parts, WEIGHT_Q, macro_B)


def values(sums: PhotoSums, prediction: str, times: list[int]) -> dict[str, float]:
    times_RN = np.array([times], np.float64)
    found = sums.sums(prediction, times_RN, sums.pixel_sums(times_RN))
    scores = {metric.key: metric.of_sums(found) for metric in METRICS}
    return {key: float(value[0]) for key, value in scores.items() if value is not None}


@pytest.mark.parametrize(("prediction", "error"), [("1", 8.0), ("gray", 40.0)])
def test_each_photo_once_gives_the_totals(sums: PhotoSums, prediction: str, error: float) -> None:
    expected = totals_of(error, [*range(5)]).scores()
    found = values(sums, prediction, [1] * 5)
    assert found.keys() == RESAMPLED
    for key, value in found.items():
        # What is measured is summed in millionths.
        tolerance = 1e-6 if key in sums.measures_M else 1e-12
        assert value == pytest.approx(expected[key], abs=tolerance)


def test_photos_taken_twice_or_not_at_all(sums: PhotoSums) -> None:
    drawn = totals_of(8.0, [0, 0, 2, 4, 4])
    found = values(sums, "1", [2, 0, 1, 0, 2])
    pooled = drawn.scores()
    for key in RESAMPLED - {"auc_macro"}:
        assert found[key] == pytest.approx(pooled[key], abs=1e-6)
    # The bins stay those of all photos; a bin that none of the drawn photos shows is left out.
    table_QD = drawn.auc.table_QD[sums.macro_B]
    table_QD = table_QD[table_QD.any(axis=1)]
    inside = np.cumsum(table_QD, axis=1)[:, :-1] / table_QD.sum(axis=1, keepdims=True)
    areas = (inside[:, 1:] + inside[:, :-1]).sum(axis=1) / 300
    assert found["auc_macro"] == pytest.approx(areas.mean(), abs=1e-12)


def test_a_macro_score_without_bins_is_undefined(sums: PhotoSums) -> None:
    none = replace(sums, macro_B=np.zeros(0, np.int32))
    assert np.isnan(values(none, "1", [1] * 5)["auc_macro"])


def test_sums_are_exact_whatever_the_order(sums: PhotoSums) -> None:
    times_RN = np.random.default_rng(0).integers(0, 4, (3, 5)) + 1
    found = sums.sums("1", times_RN, sums.pixel_sums(times_RN))
    for row, times_N in enumerate(times_RN.tolist()):
        exact = [0] * 313
        for photo, b, units in zip(
            sums.photo_E.tolist(), sums.bin_E.tolist(), sums.units_PE[0].tolist(), strict=True
        ):
            exact[b] += times_N[photo] * units
        assert found.units_RQ[row].tolist() == exact


def test_sums_do_not_depend_on_how_many_photos_are_added_at_a_time(
    sums: PhotoSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    times_RN = np.random.default_rng(1).integers(0, 3, (4, 5)).astype(np.float64)
    whole = sums.sums("gray", times_RN, sums.pixel_sums(times_RN))
    monkeypatch.setattr(photo_sums, "_PHOTOS", 2)
    parts = sums.sums("gray", times_RN, sums.pixel_sums(times_RN))
    for name in ("pixels_RQ", "hits_RQ", "units_RQ"):
        assert np.array_equal(getattr(whole, name), getattr(parts, name)), name


@pytest.mark.parametrize(
    "broken",
    [
        {"photo_E": np.array([9], np.int32)},
        {"photo_E": np.array([1, 0], np.int32)},
        {"macro_B": np.array([313], np.int32)},
        {"names_P": np.array(["1"])},
        {"hits_PE": np.zeros((2, 4), np.int32)},
        {"measured_PMN": np.zeros((2, 1, 5))},
        {"error_PN": np.zeros((1, 5), np.int64)},
        {"bin_E": np.array([1.5])},
    ],
)
def test_arrays_that_do_not_fit_are_refused(sums: PhotoSums, broken: dict[str, np.ndarray]) -> None:
    with pytest.raises(HuescapeError, match="do not fit together"):
        replace(sums, **broken)

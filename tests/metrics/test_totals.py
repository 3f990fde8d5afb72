"""Totals over photos: pooled scores are those of one big picture, means those of the photos."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from huescape.color.bins import gamut_centers
from huescape.metrics import auc
from huescape.metrics.photo import PhotoScore, score, truth
from huescape.metrics.pictures import psnr
from huescape.metrics.totals import Rules, Totals

CENTERS_Q2 = gamut_centers()
WEIGHT_Q = np.random.default_rng(9).exponential(1, 313)
RULES = Rules(WEIGHT_Q, macro_pixels=3, macro_photos=2)


def pictures(seed: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A photo, a prediction's ab, and its picture."""
    rng = np.random.default_rng(seed)
    rgb_HW3 = rng.integers(60, 196, (12, width, 3), dtype=np.uint8)
    ab_HW2 = rng.normal(0, 20, (12, width, 2)).astype(np.float32)
    return rgb_HW3, ab_HW2, rng.integers(0, 256, (12, width, 3), dtype=np.uint8)


def scored(seed: int, width: int) -> PhotoScore:
    rgb_HW3, ab_HW2, predicted_HW3 = pictures(seed, width)
    return score(truth(rgb_HW3, CENTERS_Q2), ab_HW2, predicted_HW3)


@pytest.fixture(scope="module")
def photos() -> list[PhotoScore]:
    return [scored(seed, width) for seed, width in enumerate((12, 30, 75, 20))]


@pytest.fixture(scope="module")
def totals(photos: list[PhotoScore]) -> Totals:
    found = Totals(RULES)
    for photo in photos:
        found.add(photo)
    return found


def test_pooled_scores_are_those_of_one_picture(totals: Totals) -> None:
    parts = [pictures(seed, width) for seed, width in enumerate((12, 30, 75, 20))]
    rgb_HW3, ab_HW2, predicted_HW3 = (
        np.concatenate(part, axis=1) for part in zip(*parts, strict=True)
    )
    whole = score(truth(rgb_HW3, CENTERS_Q2), ab_HW2, predicted_HW3)
    found = totals.scores()
    pixels_Q = whole.table_QD.sum(axis=1)
    assert found["auc"] == auc.auc(whole.table_QD)
    assert found["auc_rebalanced"] == auc.weighted_auc(whole.table_QD, WEIGHT_Q)
    assert found["bin_accuracy"] == whole.hits_Q.sum() / rgb_HW3[..., 0].size
    seen = pixels_Q > 0
    balanced = (whole.hits_Q[seen] / pixels_Q[seen]).mean()
    assert found["bin_accuracy_balanced"] == pytest.approx(balanced)
    assert found["psnr"] == psnr(whole.error, whole.values)


def test_means_are_over_photos(totals: Totals, photos: list[PhotoScore]) -> None:
    found = totals.scores()
    expected = {
        "auc_photo_mean": [auc.auc(p.table_QD) for p in photos],
        "auc_rebalanced_photo_mean": [auc.weighted_auc(p.table_QD, WEIGHT_Q) for p in photos],
        "psnr_photo_mean": [psnr(p.error, p.values) for p in photos],
        "ssim": [p.measured["ssim"] for p in photos],
        "colorfulness": [p.measured["colorfulness"] for p in photos],
        "delta_colorfulness_photos": [
            abs(p.measured["colorfulness"] - p.true_colorfulness) for p in photos
        ],
    }
    for key, values in expected.items():
        assert found[key] == pytest.approx(np.mean(values)), key
    means = [
        np.mean([p.measured["colorfulness"] for p in photos]),
        np.mean([p.true_colorfulness for p in photos]),
    ]
    assert found["delta_colorfulness"] == pytest.approx(abs(means[0] - means[1]))
    assert found["auc_photo_mean"] != pytest.approx(found["auc"], abs=1e-9)


def test_delta_colorfulness_tells_the_two_kinds_apart(photos: list[PhotoScore]) -> None:
    """One photo too vivid and one too dull by the same amount: the means agree, photos do not."""
    base = photos[0]
    found = Totals(RULES)
    for shift in (-10.0, 10.0):
        measured = {**base.measured, "colorfulness": base.true_colorfulness + shift}
        found.add(replace(base, measured=measured))
    assert found.scores()["delta_colorfulness"] == pytest.approx(0)
    assert found.scores()["delta_colorfulness_photos"] == pytest.approx(10)


def test_coverage(totals: Totals, photos: list[PhotoScore]) -> None:
    pixels_Q = sum(p.table_QD.sum(axis=1) for p in photos)
    present_Q = sum((p.table_QD.sum(axis=1) > 0).astype(int) for p in photos)
    found = totals.coverage()
    assert found["photos"] == 4
    assert found["pixels"] == 12 * (12 + 30 + 75 + 20)
    assert found["macro_bins"] == ((pixels_Q >= 3) & (present_Q >= 2)).sum()
    weight_N = np.repeat(WEIGHT_Q, pixels_Q)
    expected = weight_N.sum() ** 2 / (weight_N**2).sum()
    assert found["effective_pixels"] == pytest.approx(expected)
    assert found["unweighted_pixels"] == 0


def test_pixels_that_the_prior_never_saw_are_counted(photos: list[PhotoScore]) -> None:
    weight_Q = WEIGHT_Q.copy()
    busiest = int(photos[0].table_QD.sum(axis=1).argmax())
    weight_Q[busiest] = 0
    found = Totals(Rules(weight_Q, 1, 1))
    found.add(photos[0])
    assert found.coverage()["unweighted_pixels"] == photos[0].table_QD[busiest].sum() > 0


def test_infinite_and_undefined_scores_are_none() -> None:
    rgb_HW3, _, _ = pictures(0, 5)
    true = truth(rgb_HW3, CENTERS_Q2)
    found = Totals(Rules(WEIGHT_Q, 10**9, 1))
    found.add(score(true, true.lab_HW3[..., 1:], rgb_HW3))
    scores = found.scores()
    assert {key for key, value in scores.items() if value is None} == {
        "psnr",
        "psnr_photo_mean",
        "ssim",
        "auc_macro",
    }
    assert found.photos[0]["psnr"] is None
    empty = Totals(RULES).scores()
    assert empty["auc"] is None
    assert not any(isinstance(v, float) and math.isnan(v) for v in empty.values())


def test_one_narrow_photo_does_not_spoil_the_mean_ssim(photos: list[PhotoScore]) -> None:
    found = Totals(RULES)
    found.add(photos[0])
    found.add(scored(7, 5))
    assert found.scores()["ssim"] == pytest.approx(photos[0].measured["ssim"])

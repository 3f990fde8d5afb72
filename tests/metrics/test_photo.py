"""All scores of one photo."""

from __future__ import annotations

import math

import numpy as np
import pytest

from huescape.color.bins import gamut_centers
from huescape.color.spaces import rgb_to_lab
from huescape.metrics.auc import auc
from huescape.metrics.photo import score, truth

CENTERS_Q2 = gamut_centers()


def photo(height: int = 20, width: int = 30) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_truth_is_perfect() -> None:
    true = truth(photo(), CENTERS_Q2)
    found = score(true, true.lab_HW3[..., 1:], photo())
    assert auc(found.table_QD) == 1.0
    assert (found.hits_Q == found.table_QD.sum(axis=1)).all()
    assert found.error == 0
    assert found.values == 20 * 30 * 3
    assert found.measured["ssim"] == 1.0
    assert found.measured["colorfulness"] == found.true_colorfulness > 50


def test_gray_is_scored_against_brute_force() -> None:
    rgb_HW3 = photo()
    gray_HW3 = rgb_HW3.mean(axis=2, keepdims=True).astype(np.uint8).repeat(3, axis=2)
    found = score(truth(rgb_HW3, CENTERS_Q2), np.zeros((20, 30, 2), np.float32), gray_HW3)
    ab_N2 = rgb_to_lab(rgb_HW3 / 255.0)[..., 1:].reshape(-1, 2)
    squared_NQ = ((ab_N2[:, None] - CENTERS_Q2) ** 2).sum(axis=2)
    bin_N = squared_NQ.argmin(axis=1)
    gray = int(np.flatnonzero((CENTERS_Q2 == 0).all(axis=1))[0])
    assert (found.table_QD.sum(axis=1) == np.bincount(bin_N, minlength=313)).all()
    assert found.hits_Q.sum() == found.hits_Q[gray] == (bin_N == gray).sum()
    oracle = 1 - np.minimum(np.linalg.norm(ab_N2, axis=1), 150).mean() / 150
    assert auc(found.table_QD) == pytest.approx(oracle, abs=1e-3)
    assert found.measured["colorfulness"] == 0
    assert found.error == ((gray_HW3.astype(float) - rgb_HW3) ** 2).sum()


def test_a_narrow_photo_has_no_ssim() -> None:
    true = truth(photo(height=4), CENTERS_Q2)
    assert math.isnan(score(true, true.lab_HW3[..., 1:], photo(height=4)).measured["ssim"])

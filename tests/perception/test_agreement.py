"""Shares and intervals of hand-made answers."""

from __future__ import annotations

import numpy as np
import pytest

from huescape.metrics.bootstrap import RESAMPLES, SEED
from huescape.metrics.names import TRUTH
from huescape.perception.agreement import ACCURACY, AGREEMENT, holds, shares
from huescape.perception.labels import NO_CLASS
from huescape.perception.pictures import PREDICTIONS

GRAY, SYSTEM, TRUE = (PREDICTIONS.index(name) for name in ("gray", "system", TRUTH))
PHOTOS = 12


def answers() -> np.ndarray:
    """Of photo n the truth is n, then 20 .. 23; the system is right for 9, gray for 6 at top 1."""
    best = np.tile(np.array([0, 20, 21, 22, 23], np.int16), (PHOTOS, len(PREDICTIONS), 1))
    best[:, :, 0] = np.arange(PHOTOS)[:, None]
    best[9:, SYSTEM] = best[9:, SYSTEM][:, [1, 0, 2, 3, 4]]  # second best
    best[6:, GRAY, 0] = 99  # not among them
    return best


def test_agreement_needs_no_labels() -> None:
    measures = holds(answers(), np.full(PHOTOS, NO_CLASS))
    assert sorted(measures) == sorted(AGREEMENT)
    assert measures["agreement_top1"][:, SYSTEM].sum() == 9
    assert measures["agreement_top5"][:, SYSTEM].sum() == 12
    assert measures["agreement_top1"][:, GRAY].sum() == 6
    assert measures["agreement_top5"][:, GRAY].sum() == 6
    assert measures["agreement_top1"][:, TRUE].all()


def test_accuracy_is_by_the_labels() -> None:
    labels = np.arange(PHOTOS)
    labels[0] = 21  # the classifier is wrong of the truth, and has it among its five
    measures = holds(answers(), labels)
    assert measures["accuracy_top1"].sum(axis=0)[[TRUE, SYSTEM, GRAY]].tolist() == [11, 8, 5]
    assert measures["accuracy_top5"].sum(axis=0)[[TRUE, SYSTEM, GRAY]].tolist() == [12, 12, 6]
    labels[3] = NO_CLASS
    assert not set(ACCURACY) & set(holds(answers(), labels))


def test_shares_and_paired_intervals_against_a_loop() -> None:
    measures = holds(answers(), np.arange(PHOTOS))
    said = shares(measures)["system"]["agreement_top1"]
    assert said["value"] == pytest.approx(9 / 12)
    assert said["minus_gray"]["value"] == pytest.approx(3 / 12)
    assert said["minus_truth"]["value"] == pytest.approx(-3 / 12)
    flags = measures["agreement_top1"].astype(float)
    drawn = np.random.default_rng(SEED).integers(0, PHOTOS, (500, PHOTOS))  # the first block
    differences = [flags[row, SYSTEM].mean() - flags[row, GRAY].mean() for row in drawn]
    low, high = np.percentile(differences, (2.5, 97.5))
    assert RESAMPLES > 500
    assert said["minus_gray"]["interval"] == pytest.approx((low, high), abs=0.09)
    low, high = said["interval"]
    assert low < 9 / 12 < high


def test_gray_and_truth_are_not_compared_with_themselves() -> None:
    said = shares(holds(answers(), np.arange(PHOTOS)))
    assert "minus_gray" not in said["gray"]["accuracy_top1"]
    assert "minus_truth" not in said[TRUTH]["accuracy_top1"]
    assert said[TRUTH]["agreement_top1"]["interval"] == (1.0, 1.0)

"""What the evaluation writes, as the report and DVC read it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from huescape.color.bins import gamut_centers
from huescape.evaluation.loop import Evaluation
from huescape.evaluation.outputs import record
from huescape.metrics.names import BASELINES
from huescape.metrics.photo import score, truth
from huescape.metrics.totals import Rules, Totals
from huescape.params.reports import EvaluateParams

CENTERS_Q2 = gamut_centers()


def made(weight_Q: np.ndarray, params: EvaluateParams) -> Evaluation:
    """Five photos; every prediction is the photo, turned around by a different number of rows."""
    found = Evaluation(ids=[f"photo{n}" for n in range(5)])
    rules = Rules(weight_Q, params.macro_pixels, params.macro_photos)
    for shift, name in enumerate((*params.every_decode, *BASELINES)):
        found.totals[name] = Totals(rules)
        for number in range(5):
            rng = np.random.default_rng(number)
            rgb_HW3 = rng.integers(90, 166, (12, 14, 3), dtype=np.uint8)
            true = truth(rgb_HW3, CENTERS_Q2)
            by = 0 if name == "ground_truth" else shift + 1
            predicted = np.roll(true.lab_HW3[..., 1:], by, axis=0), np.roll(rgb_HW3, by, axis=0)
            found.totals[name].add(score(true, *predicted))
    return found


def test_record() -> None:
    params = EvaluateParams(macro_pixels=5, macro_photos=2)
    result = made(np.ones(313), params)
    found = record(result, params)
    assert found["decode"] == "annealed T=0.38"
    expected_names = ["annealed T=1", "annealed T=0.38", "annealed T=0.2", "median"]
    assert list(found["decodes"]) == expected_names
    assert list(found["baselines"]) == list(BASELINES)
    headline = {k: v for k, v in found.items() if k in found["decodes"]["annealed T=0.38"]}
    assert headline == found["decodes"]["annealed T=0.38"]
    expected = {"auc", "auc_rebalanced", "auc_macro", "effective_pixels", "bin_accuracy"}
    expected |= {"bin_accuracy_balanced", "psnr", "ssim", "colorfulness", "macro_bins", "photos"}
    assert expected <= set(found)
    assert found["auc"] == round(result.totals["annealed T=0.38"].scores()["auc"] or 0, 6)
    assert found["baselines"]["ground_truth"]["auc"] == 1
    assert found["baselines"]["ground_truth"]["psnr"] is None
    json.dumps(found, allow_nan=False)


def test_few_effective_pixels_are_a_warning() -> None:
    params = EvaluateParams(macro_pixels=5, macro_photos=2)
    (warning,) = record(made(np.ones(313), params), params)["warnings"]
    assert warning["score"] == "auc_rebalanced"
    assert "840 effective pixels out of 840, below 100,000" in warning["text"]


def test_enough_effective_pixels_are_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huescape.evaluation.outputs.FEW_PIXELS", 840)
    params = EvaluateParams(macro_pixels=5, macro_photos=2)
    assert record(made(np.ones(313), params), params)["warnings"] == []


def test_other_warnings() -> None:
    params = EvaluateParams(macro_pixels=10_000)
    gray = int(np.flatnonzero((CENTERS_Q2 == 0).all(axis=1))[0])
    weight_Q = np.ones(313)
    weight_Q[gray] = 0
    found = record(made(weight_Q, params), params)
    assert found["auc_macro"] is None
    scores = [warning["score"] for warning in found["warnings"]]
    assert scores == ["auc_rebalanced", "auc_rebalanced", "auc_macro"]
    _, left_out, undefined = (warning["text"] for warning in found["warnings"])
    assert f"leaves out {found['unweighted_pixels']:,} of 840 pixels" in left_out
    assert "no bin has 10,000 test pixels from 5 photos" in undefined

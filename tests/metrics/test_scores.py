"""A score is one file: it is counted, listed and compared without anyone naming it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import huescape
from huescape.metrics.scores import METRICS

SCORE = """
import numpy as np

from huescape.metrics.score import Score


class AbError(Score):
    label, digits, best = "Error in ab", 2, "low"
    sentence = "The mean distance of the predicted from the true color, in units of Lab a, b."

    def measure(self, true, ab_HW2, rgb_HW3):
        if true.rgb_HW3.max() > 95:
            return None  # defined for some photos only
        return float(np.linalg.norm(ab_HW2 - true.lab_HW3[..., 1:], axis=-1).mean())
"""
PROGRAM = """
import json
import numpy as np
from huescape.metrics.photo import score, truth
from huescape.metrics.totals import Rules, Totals
from huescape.metrics.scores import METRICS
centers = np.array([[0.0, 0.0], [50.0, 50.0]])
totals = Totals(Rules(np.ones(2), 1, 1))
for level in (0, 3, 9):
    true = truth(np.full((12, 12, 3), 90 + level, np.uint8), centers)
    totals.add(score(true, true.lab_HW3[..., 1:] + level, true.rgb_HW3))
print(json.dumps([totals.scores()["ab_error"], totals.photos[1]["ab_error"],
                  totals.photos[2]["ab_error"],
                  METRICS[-1].photo_columns[-1], METRICS[-1].label,
                  METRICS[-1].pick([2.0, 1.0, 3.0], None)]))
"""


def test_one_file_more_is_a_score_more(tmp_path: Path) -> None:
    package = tmp_path / "huescape"
    shutil.copytree(Path(huescape.__file__).parent, package)
    (package / "metrics" / "scores" / "ab_error.py").write_text(SCORE)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    mean, second, third, *rest = json.loads(done.stdout)
    assert (mean, second) == pytest.approx((3 / 2**0.5, 3 * 2**0.5), rel=1e-5)
    assert third is None
    assert rest == ["ab_error", "Error in ab", 1.0]


def test_every_score_says_what_it_is() -> None:
    assert len({metric.key for metric in METRICS}) == len(METRICS)
    assert [metric.place for metric in METRICS] == sorted(metric.place for metric in METRICS)
    for metric in METRICS:
        assert metric.label, metric.key
        assert metric.sentence.endswith("."), metric.key


@pytest.mark.parametrize(
    ("key", "values", "truth", "expected"),
    [
        ("auc", [0.2, 0.9, 0.4], 1.0, 0.9),
        ("colorfulness", [3.0, 40.0, 29.0], 30.0, 29.0),
        ("colorfulness", [3.0], None, None),
        ("psnr", [], 1.0, None),
    ],
)
def test_the_best_is_picked(
    key: str, values: list[float], truth: float | None, expected: float | None
) -> None:
    (metric,) = (metric for metric in METRICS if metric.key == key)
    assert metric.pick(values, truth) == expected

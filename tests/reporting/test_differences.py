"""Differences of all rows from gray and from the best system, with intervals of paired photos."""

from __future__ import annotations

import numpy as np

from huescape.reporting.differences import DifferenceCell, differences
from huescape.reporting.groups import grouped
from huescape.reporting.scores import score_rows
from huescape.reporting.sides import Comparisons
from tests.reporting.conftest import SCORES, TRUTH, photo_sums

NONE = DifferenceCell("\N{EN DASH}", "", False)


def rows_of(results, quantizers):
    comparisons = Comparisons()
    return differences(score_rows(grouped(results, quantizers), comparisons), comparisons)


def scored(make, name: str, values, **more):
    """A system whose photos have these AuCs; gray has 0.5 on each."""
    values = np.asarray(values)
    sums = {"annealed T=0.38": values.tolist(), "gray": [0.5] * 40, "ground_truth": [1.0] * 40}
    mean = {"auc": float(values.mean()), "auc_macro": float(values.mean())}
    gray = SCORES | {"auc": 0.5, "auc_macro": 0.5}
    record = mean | {"baselines": {"gray": gray, "ground_truth": TRUTH}}
    return make(name, record, photos=photo_sums(sums), **more)


def test_a_difference_is_clear_where_its_interval_leaves_out_zero(make, quantizers) -> None:
    own = 0.8 + np.random.default_rng(0).normal(0, 0.1, 40)
    noise = np.random.default_rng(1).normal(0, 0.01, 40)
    noise -= noise.mean()
    made = [scored(make, "best", own), scored(make, "near", own - 0.001 + noise, batch=2)]
    made += [scored(make, "far", own - 0.01 + noise, batch=3)]
    found = rows_of(made, quantizers)
    assert found.head == (
        *("Macro AuC from Gray", "AuC from Gray"),
        *("Macro AuC from best", "AuC from best"),
    )
    rows = dict(found.rows)
    assert [*rows] == ["best", "near", "far", "Gray"]  # the truth is left out
    assert rows["best"][2:] == (NONE, NONE)
    assert rows["Gray"][:2] == (NONE, NONE)
    assert all(cell.is_clear for cell in (*rows["best"][:2], *rows["near"][:2], *rows["far"]))
    assert not any(cell.is_clear for cell in rows["near"][2:])
    assert rows["far"][3].text == "\N{MINUS SIGN}0.0100"
    low, high = (
        float(text.replace("\N{MINUS SIGN}", "-")) for text in rows["far"][3].interval.split(" to ")
    )
    assert low < -0.01 < high < 0
    assert found.basis == ("one seed: over 40 photos alone",)


def test_rows_of_other_photos_are_not_compared(make, quantizers) -> None:
    other = scored(make, "other", [0.9] * 40, batch=2)
    renamed = [f"else{n}" for n in range(40)]
    object.__setattr__(other.photos, "ids_N", np.array(renamed))
    found = dict(rows_of([scored(make, "net", [0.8] * 40), other], quantizers).rows)
    assert found["net"] != (NONE,) * 4
    assert found["net"][2:] == (NONE, NONE)  # from the best, which saw other photos

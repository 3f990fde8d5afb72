"""Zhang's table beside ours: which rows are put beside which."""

from __future__ import annotations

from huescape.reporting.groups import grouped
from huescape.reporting.published import published
from huescape.reporting.scores import score_rows
from huescape.reporting.sides import Comparisons


def test_rows_are_matched_by_baseline_and_preset(make, quantizers) -> None:
    results = [make("mine", preset="zhang2016", batch=3), make("other", preset="colorunet")]
    found = {
        row.label: row for row in published(score_rows(grouped(results, quantizers), Comparisons()))
    }
    full = found["Classification, rebalanced"]
    assert (full.auc, full.rebalanced, full.name) == ("89.5", "67.3", "mine")
    assert full.ours == ("90.0", "70.0")
    assert found["Gray"].name == "Gray"
    assert found["L2 regression"].ours == ("\N{EN DASH}",) * 2
    # The published crossing: rebalancing lowers the AuC and raises the rebalanced one.
    plain = found["Classification"]
    assert full.auc < plain.auc
    assert full.rebalanced > plain.rebalanced

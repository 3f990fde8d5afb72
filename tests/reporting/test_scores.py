"""One table of scores: means over seeds, who is best, what is said of it, what warnings touch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from huescape.metrics.scores import METRICS
from huescape.reporting import scores
from huescape.reporting.groups import grouped
from huescape.reporting.sides import Comparisons
from tests.reporting.conftest import DISTRIBUTION, SCORES, TRUTH, photo_sums

PLACE = {metric.key: k for k, metric in enumerate(METRICS)}
BASELINES = {
    "ground_truth": {"auc": 1.0, "auc_macro": 1.0, "colorfulness": 40.0, "psnr": None},
    "oracle_mean": {"auc": 0.99, "auc_macro": 0.99, "colorfulness": 40.1, "psnr": 35.0},
    "random_photo": {"auc": 0.1, "auc_macro": 0.1, "colorfulness": 41.0, "psnr": 3.0},
    "gray": {"auc": 0.95, "auc_macro": 0.7, "colorfulness": 0.0, "psnr": 25.0},
}


def table_of(results, quantizers) -> list[tuple[scores.ScoreRow, tuple[scores.Cell, ...]]]:
    comparisons = Comparisons()
    return scores.table(scores.score_rows(grouped(results, quantizers), comparisons), comparisons)


def best_of(table, key: str) -> list[str]:
    return [row.label for row, cells in table if cells[PLACE[key]].best]


def test_seeds_are_averaged_with_their_interval(make, quantizers) -> None:
    values = [0.80, 0.82, 0.87]
    made = [make(f"net-s{s}", {"auc": v}, preset="net", seed=s) for s, v in enumerate(values)]
    (row, cells), *rest = table_of(made, quantizers)
    half = stats.t.ppf(0.975, 2) * stats.sem(values)
    assert (row.label, row.seeds) == ("net", (0, 1, 2))
    assert cells[PLACE["auc"]].text == "0.830"
    assert cells[PLACE["auc"]].spread == f"{0.83 - half:.3f}\N{EN DASH}{0.83 + half:.3f}"
    assert [(row.label, row.kind) for row, _ in rest] == [
        ("Gray", "baseline"),
        ("Ground truth", "truth"),
    ]
    (_, single), *_ = table_of(made[:1], quantizers)
    assert single[PLACE["auc"]].spread == ""


def test_a_baseline_can_be_best_and_what_has_seen_the_truth_cannot(make, quantizers) -> None:
    net = make("net", {"baselines": BASELINES, "ssim": None, "colorfulness": 60.0})
    table = table_of([net], quantizers)
    names = ["net", "gray", "random_photo", "oracle_mean", "ground_truth"]
    assert [row.name for row, _ in table] == names
    assert [row.kind for row, _ in table][-2:] == ["oracle", "truth"]
    assert best_of(table, "auc") == ["Gray"]
    assert best_of(table, "auc_macro") == ["net"]
    assert best_of(table, "colorfulness") == ["Colors of a random photo"]  # nearest to 40
    assert best_of(table, "ssim") == []  # measured by none
    assert table[-1][1][PLACE["psnr"]].text == "∞"


def test_equals_share_the_mark_and_where_all_are_alike_none_has_it(make, quantizers) -> None:
    worse = {"baselines": {"gray": SCORES | {"auc_macro": 0.7}, "ground_truth": TRUTH}}
    table = table_of([make("one", worse), make("two", worse, batch=8)], quantizers)
    assert best_of(table, "auc_macro") == ["one", "two"]
    assert best_of(table, "auc") == []


def test_what_cannot_be_told_from_the_best_is_marked_too(make, quantizers) -> None:
    """Interval by a paired t-test's: 40 photos, differences of 0.01 and 0.002 with spread 0.01."""
    rng = np.random.default_rng(0)
    own = 0.8 + rng.normal(0, 0.1, 40)
    noise = rng.normal(0, 0.01, 40)
    noise -= noise.mean()
    made = []
    for k, (name, lead) in enumerate((("best", 0.0), ("near", 0.002), ("far", 0.01))):
        values = own - lead + (noise if k else 0)
        sums = photo_sums({"annealed T=0.38": values.tolist(), "gray": [0.5] * 40})
        record = {"auc": float(values.mean()), "baselines": {"gray": SCORES | {"auc": 0.5}}}
        made.append(make(name, record, photos=sums, batch=k + 1))
    table = table_of(made, quantizers)
    assert best_of(table, "auc") == ["best", "near"]
    (_, cells), *_ = table
    low, high = (float(text) for text in cells[PLACE["auc"]].spread.split("\N{EN DASH}"))
    half = 1.96 * stats.sem(own)
    assert low == pytest.approx(own.mean() - half, abs=0.006)
    assert high == pytest.approx(own.mean() + half, abs=0.006)


def test_a_warning_marks_the_score_that_it_is_about(make, quantizers) -> None:
    warned = make("net", {"warnings": [{"score": "auc", "text": "is odd; see the macro AuC"}]})
    (_, cells), *others = table_of([warned], quantizers)
    assert [m.key for m, cell in zip(METRICS, cells, strict=True) if cell.shaky] == ["auc"]
    assert not any(cell.shaky for _, other in others for cell in other)
    assert scores.warnings_of([warned]) == [("net", "AuC is odd; see the macro AuC")]


def test_what_holds_for_many_systems_names_none_of_them(make) -> None:
    odd = {"warnings": [{"score": "auc", "text": "is odd"}]}
    warned = [make(f"net{k}", odd) for k in range(5)]
    assert scores.warnings_of(warned) == [("All 5 systems", "AuC is odd")]
    assert scores.warnings_of(warned[:4]) == [("net0, net1, net2, net3", "AuC is odd")]
    ((names, _),) = scores.warnings_of([*warned, make("calm")])
    assert names == "net0, net1, net2, net3, net4"


def test_decodings_are_ordered_and_the_headline_is_chosen(make) -> None:
    own = {"auc": 0.5}
    decodes = {"median": own, "annealed T=1": own, "annealed T=0.38": own}
    made = make("net", {"decodes": decodes, "decode": "annealed T=1"})
    table = scores.decodes_of(made)
    # The headline's scores stand in the table of scores.
    assert [row[:2] for row in table.rows] == [
        *(("annealed T=0.38", "0.500"), ("annealed T=1",), ("median", "0.500")),
    ]
    assert table.chosen == 1
    seeds = scores.decodes_of(made, averaged=True)  # that one has means over seeds
    assert seeds.rows[1][:2] == ("annealed T=1", "0.500")
    alone = scores.decodes_of(make("net", {"decodes": decodes, "decode": "mode"}))
    assert alone.chosen == -1


def test_only_classifiers_have_distributions(make, quantizers) -> None:
    """Means over the seeds; a dash where no temperature could be fitted."""
    other = DISTRIBUTION | {"bits": 4.5, "temperature": None, "bits_fitted": None}
    results = [
        make("net-s0", preset="net", seed=0),
        make("net-s1", {"distribution": other | {"ece_fitted": None}}, preset="net", seed=1),
        make("flat", {"distribution": None, "head": "chroma"}, batch=3),
        make("cold", {"distribution": other | {"ece_fitted": None}}, batch=4),
    ]
    table = scores.distributions_of(grouped(results, quantizers))
    assert table.rows == (
        ("net", "soft", "4.31", "5.50", "1.25", "4.00", "0.031"),
        ("cold", "soft", "4.50", "5.50", *["\N{EN DASH}"] * 3),
    )


def test_other_numbers_have_a_row_for_every_prediction(make) -> None:
    decodes = {"median": {"auc_photo_mean": 0.25}, "mode": {"auc_photo_mean": 0.5}}
    own = {"extra": {"deep": 3}, "decode": "mode", "baselines": BASELINES, "decodes": decodes}
    table = scores.other_numbers([make("net", own), make("other", own)])
    assert "extra.deep" in table.head
    # What other tables have is not said again.
    assert not {"auc", "psnr", "photos", "cost.parameters"} & set(table.head)
    labels = ("Gray", "Colors of a random photo", "Oracle: mean color", "Ground truth")
    found = {row[0]: dict(zip(table.head, row, strict=True)) for row in table.rows}
    assert [*found][:2] == ["net", "other"]
    assert len(found) == len(table.rows) == 2 + len(labels) + 2
    assert [*found][-2:] == ["net, median", "other, median"]
    assert found["net"]["extra.deep"] == "3"
    assert found["net, median"]["auc_photo_mean"] == "0.25"
    assert found["Gray"]["extra.deep"] == "\N{EN DASH}"

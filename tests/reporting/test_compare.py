"""The comparison of all systems: means over seeds, facts, costs, and the same as CSV."""

from __future__ import annotations

import csv
import io

import pytest
from scipy import stats

from huescape.reporting import compare
from huescape.reporting.groups import grouped
from huescape.reporting.metrics import METRICS
from huescape.reporting.wording import NONE

COST = {
    "parameters": 1000,
    "trained_parameters": 900,
    "macs_per_photo_inference": 1_234_000_000,
    "macs_per_photo_training": 3_700_000_000,
    "activation_bytes_per_photo": 2_500_000,
    "input": "256x256",
}
PLACE = {metric.key: k for k, metric in enumerate(METRICS)}


def seeds(make, quantizers, values=(0.80, 0.82, 0.87)):
    made = [
        make(f"net-s{seed}", {"auc": value}, preset="net", seed=seed)
        for seed, value in enumerate(values)
    ]
    return grouped(made, quantizers)


def test_seeds_are_averaged_with_their_interval(make, quantizers) -> None:
    row, *rest = compare.comparison(seeds(make, quantizers)).entries
    half = stats.t.ppf(0.975, 2) * stats.sem([0.80, 0.82, 0.87])
    assert (row.label, row.seeds) == ("net", "0, 1, 2")
    assert row.cells[PLACE["auc"]].text == "0.830"
    assert row.cells[PLACE["auc"]].spread == f"± {half:.4f}"
    assert [entry.label for entry in rest] == ["Gray", "Ground truth"]
    assert [entry.kind for entry in rest] == ["baseline", "truth"]
    (single, *_) = compare.comparison(seeds(make, quantizers, (0.8,))).entries
    assert single.cells[PLACE["auc"]].spread == ""


def test_the_best_is_marked_and_the_truth_is_not(make, quantizers) -> None:
    groups = grouped([make("a"), make("b", {"auc": 0.95, "colorfulness": 44.0})], quantizers)
    a, b, gray, truth = compare.comparison(groups).entries
    best = [row.cells[PLACE["auc"]].best for row in (a, b, gray, truth)]
    assert best == [False, True, False, False]
    assert b.cells[PLACE["colorfulness"]].best  # 44 is nearer to the truth's 40 than 30
    assert not any(cell.best for cell in truth.cells)
    assert truth.cells[PLACE["psnr"]].text == "∞"


def test_a_warning_marks_its_score(make, quantizers) -> None:
    warned = make("a", {"warnings": ["auc_rebalanced rests on 12 effective pixels"]})
    (row, *others) = compare.comparison(grouped([warned], quantizers)).entries
    assert [k for k, cell in enumerate(row.cells) if cell.shaky] == [PLACE["auc_rebalanced"]]
    assert not any(cell.shaky for other in others for cell in other.cells)


def test_facts_and_costs_in_words(make, quantizers) -> None:
    scored = {"cost": COST, "head": "bins"}
    groups = grouped([make("net", scored, model={"pretrained": "vgg16"})], quantizers)
    found = compare.comparison(groups)
    (row,) = found.costs
    assert row.facts == (
        "zhang2016", "bins", "cross entropy, rebalanced", "soft", "vgg16", "500", "16",
    )  # fmt: skip
    assert row.costs == ("1,000", "900", "1.23 G", "3.7 G", "2.5 MB")
    assert found.cost_sizes == ("256 by 256",)
    assert found.random_notes == ()


def test_random_weights_are_never_silent(make, quantizers) -> None:
    groups = grouped(
        [make("mleu", model={"pretrained": None}, network={"name": "m"}), make("net")], quantizers
    )
    found = compare.comparison(groups)
    assert found.random_notes == ("mleu",)
    assert [row.facts[4] for row in found.costs] == ["random", NONE]


def test_an_old_evaluation_has_dashes(make, quantizers) -> None:
    found = compare.comparison(grouped([make("net")], quantizers))
    (row,) = found.costs
    assert row.facts[1] == NONE
    assert found.cost_sizes == ()
    assert row.costs == ("1,000", NONE, NONE, NONE, NONE)


def test_costs_name_the_sizes_they_were_counted_for(make, quantizers) -> None:
    """Photos of a comparison may be smaller than 256, and a network may need them padded."""
    sizes = {"a": "128x128", "b": "128x128", "c": "160x160"}
    results = [make(name, {"cost": COST | {"input": size}}) for name, size in sizes.items()]
    found = compare.comparison(grouped(results, quantizers))
    assert found.cost_sizes == ("128 by 128", "160 by 160")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, NONE),
        (0, "0"),
        (999, "999"),
        (1000, "1 K"),
        (12_345, "12.3 K"),
        (999_700, "1 M"),
        (4.5e12, "4.5 T"),
        (32_230_393, "32.2 M"),
    ],
)
def test_counts_in_words(value: float | None, text: str) -> None:
    assert compare.counted(value) == text


def test_csv_has_systems_baselines_and_truth(make, quantizers) -> None:
    text = compare.as_csv(seeds(make, quantizers))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["kind"] for row in rows] == ["system", "baseline", "truth"]
    net, gray, truth = rows
    assert (net["systems"], net["seeds"]) == ("net-s0 net-s1 net-s2", "0 1 2")
    assert net["auc"] == "0.830000"
    assert float(net["auc_half_interval"]) == pytest.approx(0.089_57, abs=1e-5)
    assert (net["parameters"], net["macs_per_photo_training"]) == ("1000", "")
    assert (gray["name"], gray["colorfulness"]) == ("grey", "0.000000")
    assert truth["psnr"] == ""
    assert {len(row) for row in csv.reader(io.StringIO(text))} == {len(net)}


def test_nothing_to_compare_is_empty() -> None:
    assert compare.comparison([]).entries == ()
    assert len(compare.as_csv([]).splitlines()) == 1

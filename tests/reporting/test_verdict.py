"""The page's first sentence says no more than the intervals do."""

from __future__ import annotations

from typing import Any

import pytest

from huescape.reporting.groups import grouped
from huescape.reporting.sides import Comparisons
from huescape.reporting.verdict import verdict
from tests.reporting.conftest import photo_sums

GRAY = [0.7] * 20
MEAN = [0.6] * 20


def system(make, name: str, aucs: list[float], mean: list[float] = MEAN, **more: Any):
    """One system on 20 photos, by the AuC of each; its macro AuC is the same."""
    by_name = {"gray": GRAY, "prior_mean": mean}
    values = {key: sum(each) / 20 for key, each in (by_name | {"net": aucs}).items()}
    scores = {key: {"auc": v, "auc_macro": v} for key, v in values.items()}
    record = {**scores.pop("net"), "baselines": scores}
    return make(name, record, photos=photo_sums({"annealed T=0.38": aucs, **by_name}), **more)


def said(results, quantizers) -> str:
    return verdict(grouped(results, quantizers), Comparisons())


@pytest.mark.parametrize("decode", ["annealed T=5e-05", "median tau=0.4"])
def test_any_decoding_has_its_sums(make, quantizers, decode: str) -> None:
    aucs = [0.78, 0.82] * 10
    sums = photo_sums({decode: aucs, "gray": GRAY, "prior_mean": MEAN})
    scores = {"auc": 0.8, "auc_macro": 0.8, "decode": decode}
    record = {**scores, "baselines": {"gray": {"auc": 0.7, "auc_macro": 0.7}}}
    assert "above the 0.700" in said([make("net", record, photos=sums)], quantizers)


@pytest.mark.parametrize(
    ("aucs", "word"),
    [
        ([0.78, 0.82] * 10, "above"),
        ([0.58, 0.62] * 10, "below"),
        ([0.4, 1.0] * 9 + [0.8, 0.8], "not to be told from"),
        (GRAY, "not to be told from"),
    ],
)
def test_only_an_interval_on_one_side_is_above_or_below(
    make, quantizers, aucs: list[float], word: str
) -> None:
    text = said([system(make, "net", aucs)], quantizers)
    value = f"{sum(aucs) / 20:.3f}"
    assert text.startswith(
        f"The system net has a macro AuC of {value}, {word} the 0.700 of leaving"
    )
    assert f" and an AuC of {value}, {word} the 0.700 of leaving the photos gray (" in text


def test_numbers_of_the_interval(make, quantizers) -> None:
    """Differences of 0.08 and 0.12: a standard error of 0.02 / sqrt(20)."""
    text = said([system(make, "net", [0.78, 0.82] * 10)], quantizers)
    _, _, rest = text.partition("(+0.1000, 95 % interval +")
    low, high = (float(part) for part in rest[: rest.index(")")].split(" to +"))
    assert (low, high) == (pytest.approx(0.0912, abs=0.001), pytest.approx(0.1088, abs=0.001))


def test_seeds_that_disagree_are_not_above(make, quantizers) -> None:
    """Each by itself is; three seeds of 0.71, 0.72 and 0.80 are not."""
    results = [
        system(make, f"net-s{seed}", [auc] * 20, preset="net", seed=seed)
        for seed, auc in enumerate((0.71, 0.72, 0.80))
    ]
    assert "above" in said(results[:1], quantizers)
    assert said(results, quantizers).startswith(
        "The system net has a macro AuC of 0.743, not to be"
    )


def test_a_baseline_that_does_as_well_is_named(make, quantizers) -> None:
    text = said([system(make, "net", [0.78, 0.82] * 10, [0.8] * 20)], quantizers)
    assert text.endswith("By macro AuC it is not above the 0.800 of the baseline “Mean color”.")
    assert "By macro" not in said([system(make, "net", [0.78, 0.82] * 10, [0.75] * 20)], quantizers)


def test_the_best_of_several_is_named(make, quantizers) -> None:
    results = [system(make, "low", [0.6] * 20, batch=1), system(make, "high", [0.9] * 20)]
    assert said(results, quantizers).startswith("The best system, high, has a macro AuC of 0.900")


def test_the_interval_is_wider_where_the_best_is_chosen_of_many(make, quantizers) -> None:
    """By Bonferroni: 1 - 0.05 / 10 is a normal quantile of 2.81 in place of 1.96."""
    best = [0.78, 0.82] * 10
    others = [system(make, f"n{k}", [0.5] * 20, batch=k) for k in range(1, 10)]
    one, of_ten = (
        said(results, quantizers)
        for results in ([system(make, "net", best)], [*others, system(make, "net", best)])
    )
    widths = []
    for text in (one, of_ten):
        _, _, rest = text.partition("(+0.1000, 95 % interval +")
        low, high = (float(part) for part in rest[: rest.index(")")].split(" to +"))
        widths.append(high - low)
    assert widths[1] / widths[0] == pytest.approx(2.81 / 1.96, rel=0.12)
    assert "corrected for choosing the best of 10." in of_ten
    assert "corrected" not in one


def test_nothing_to_compare_is_said(make, quantizers) -> None:
    text = "No system has a macro AuC that could be compared with leaving the photos gray."
    assert said([make("net", {"auc_macro": None})], quantizers) == text
    assert said([make("net", {"baselines": {}})], quantizers) == text

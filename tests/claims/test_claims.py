"""Each claim finds the systems that can answer it, and says what they show."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from huescape.base.tables import table_text
from huescape.claims import claims, claims_table, records
from huescape.claims.lines import decided
from huescape.claims.published import CLAIMS
from huescape.reporting.groups import grouped
from huescape.reporting.sides import Comparisons
from tests.reporting.conftest import photo_sums

CE = {"name": "cross_entropy"}
PLAIN = {"flip": False, "crop": None, "noise": [0.0]}
SEVENFOLD = PLAIN | {
    "mode": "single",
    "flip": True,
    "noise": [1e-4, 2e-4, 3e-4],
    "crop_shares": [0.7, 0.7],
}
# For each claim: what its first system has, what its second has instead.
SIDES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "1": ({"loss": CE | {"weighted": True}}, {"loss": CE | {"weighted": False}}),
    "2": ({"loss": {"name": "l2"}}, {"loss": {"name": "focal", "weighted": True, "alpha": 10.0}}),
    "3": ({"quantizer": "soft"}, {"quantizer": "hard"}),
    "5a": ({"augmentation": PLAIN | {"noise": [0.02]}}, {"augmentation": PLAIN}),
    "5b": ({"augmentation": SEVENFOLD}, {"augmentation": PLAIN, "steps": 71}),
    "6": ({"network": {"name": "u"}}, {"network": {"name": "u", "skips": False}}),
    "7a": ({"model": {"pretrained": "vgg16"}}, {"model": {"pretrained": None}}),
    "7b": ({"quantizer": "soft"}, {"quantizer": "plain"}),
}


def checked(results, quantizers) -> dict[str, claims.Checked]:
    return {
        item.claim.number: item
        for item in claims.check(grouped(results, quantizers), Comparisons())
    }


def as_csv(found) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table_text(records.table(found), 6))))


def trio(make, name: str, base: float, deltas: tuple[float, ...], **changed: Any):
    """One system with a seed for each delta from `base`, in all scores alike."""
    made = []
    for seed, delta in enumerate(deltas):
        scores = dict.fromkeys(("auc", "auc_macro", "auc_rebalanced"), base + delta)
        scores |= {"colorfulness": 100 * (base + delta)} | changed.get("scores", {})
        rest = {key: value for key, value in changed.items() if key != "scores"}
        made.append(make(f"{name}-s{seed}", scores, preset=name, seed=seed, **rest))
    return made


@pytest.mark.parametrize("number", SIDES)
def test_a_pair_answers_its_own_claim_and_no_other(make, quantizers, number: str) -> None:
    first, second = SIDES[number]
    up = trio(make, "up", 0.8, (0.01, 0.02, 0.03), **first)
    down = trio(make, "down", 0.7, (0.01, 0.01, 0.01), **second)
    found = checked([*down, *up], quantizers)
    assert [key for key, item in found.items() if item.lines] == [number]
    item = found[number]
    assert [(line.score, line.expected) for line in item.lines] == list(item.claim.expected)
    for line in item.lines:
        assert (line.first, line.second) == ("up", "down")
        scale = 100 if line.score == "colorfulness" else 1
        # Paired differences 0.10, 0.11, 0.12: mean 0.11, half 4.302653 * 0.01 / sqrt(3).
        assert line.seen is not None
        assert line.seen.value == pytest.approx(0.11 * scale)
        assert line.seen.high == pytest.approx((0.11 + 4.30265273 * 0.01 / 3**0.5) * scale)
        assert line.verdict == ("supported" if line.expected > 0 else "contradicted")


@pytest.mark.parametrize("number", SIDES)
def test_swapped_scores_flip_the_verdicts(make, quantizers, number: str) -> None:
    first, second = SIDES[number]
    lines = []
    for one, two in ((0.8, 0.7), (0.7, 0.8)):
        up = trio(make, "up", one, (0.01, 0.02, 0.03), **first)
        down = trio(make, "down", two, (0.01, 0.02, 0.04), **second)
        lines.append(checked([*up, *down], quantizers)[number].lines)
    flipped = {"supported": "contradicted", "contradicted": "supported"}
    assert [flipped[a.verdict] for a in lines[0]] == [b.verdict for b in lines[1]]


@pytest.mark.parametrize("number", SIDES)
def test_a_second_difference_is_no_pair(make, quantizers, number: str) -> None:
    first, second = SIDES[number]
    one = make("one", **first)
    item = checked([one, make("two", **second, batch=99)], quantizers)[number]
    assert item.lines == ()
    assert item.missing.endswith("closest in this run: one and two, which also differ in batch")
    other = {"baselines": {"gray": {"auc": 0.2}}}
    item = checked([one, make("two", other, **second)], quantizers)[number]
    assert item.lines == ()
    assert "closest" not in item.missing


def test_l2_may_have_its_own_optimizer_and_says_so(make, quantizers) -> None:
    adam = make("l2", loss={"name": "l2"}, optimizer={"name": "adam", "lr": 0.5})
    (line,) = checked([adam, make("net")], quantizers)["2"].lines
    assert line.note == "they also differ in optimizer.lr"
    assert line.verdict == "not seen (once)"


def test_finetuned_seeds_are_paired_with_those_they_started_from(make, quantizers) -> None:
    full = trio(make, "net", 0.8, (0.01, 0.02, 0.03))
    fine = trio(make, "l2", 0.7, (0.01, 0.01, 0.01), loss={"name": "l2"}, quantizer="chroma")
    for result, start in zip(fine, full, strict=True):
        result.model["params"]["initialization"] = {"method": "system", "from": start.name}
    (line,) = checked([*full, *fine], quantizers)["2"].lines
    assert (line.first, line.second, line.seen.basis) == ("l2", "net", "3 paired seeds, 40 photos")
    assert line.note == "they also differ in initialization.from, initialization.method"
    assert line.verdict == "supported"


def test_the_claims_expect_what_the_papers_say() -> None:
    """Written out once more: a sign that is turned in one place would turn a verdict."""
    better = {"auc": 1, "auc_macro": 1}
    assert {claim.number: dict(claim.expected) for claim in CLAIMS} == {
        "1": {"auc": -1, "auc_rebalanced": 1, "auc_macro": 1, "colorfulness": 1},
        "2": {"colorfulness": -1},
        "3": better,
        "4": {"colorfulness": 1, "auc": -1},
        "5a": {"auc": 1},
        "5b": {"auc": 1},
        "6": better,
        "7a": better,
        "7b": better,
    }


@pytest.mark.parametrize(
    "changed",
    [{"steps": 900}, {"batch": 8}, {"network": {"name": "zhang2016", "width": 8}}, {"network": {}}],
)
def test_l2_is_compared_on_the_same_network_at_an_equal_budget(make, quantizers, changed) -> None:
    systems = [make("l2", loss={"name": "l2"}, quantizer="chroma"), make("net", **changed)]
    assert checked(systems, quantizers)["2"].lines == ()
    systems[1] = make("net")
    assert len(checked(systems, quantizers)["2"].lines) == 1  # its targets are another quantizer's


def test_another_lambda_is_no_pair_for_smoothing(make, quantizers) -> None:
    plain = quantizers["plain"].model_dump(mode="json", by_alias=True)
    plain["prior"]["lambda"] = 0.2
    changed = quantizers | {"plain": type(quantizers["plain"]).model_validate(plain)}
    pair = [make("a"), make("b", quantizer="plain")]
    assert len(checked(pair, quantizers)["7b"].lines) == 2
    assert checked(pair, changed)["7b"].lines == ()


@pytest.mark.parametrize("kind", [{"crop": 112}, {"flip": True}, {"noise": [0.0, 0.02]}])
def test_each_kind_of_augmentation_counts(make, quantizers, kind: dict[str, Any]) -> None:
    pair = [make("a", augmentation=PLAIN | kind), make("b", augmentation=PLAIN)]
    (line,) = checked(pair, quantizers)["5a"].lines
    assert (line.first, line.second) == ("a", "b")


def test_scores_by_another_decoding_are_no_pair(make, quantizers) -> None:
    first, second = SIDES["1"]
    hot = make("hot", {"decode": "annealed T=1"}, **second)
    assert checked([make("cold", **first), hot], quantizers)["1"].lines == ()


def test_equal_systems_under_two_names_are_compared_once(make, quantizers) -> None:
    first, second = SIDES["1"]
    twice = [make("one", **first), make("same", **first), make("other", **second)]
    assert {line.first for line in checked(twice, quantizers)["1"].lines} == {"one"}


def test_one_seed_with_few_effective_pixels_is_enough_to_doubt(make, quantizers) -> None:
    up = trio(make, "up", 0.8, (0.0, 0.01), **SIDES["1"][0])
    up[1].scores["effective_pixels"] = 10.0
    down = trio(make, "down", 0.7, (0.0, 0.0), **SIDES["1"][1])
    lines = {line.score: line for line in checked([*up, *down], quantizers)["1"].lines}
    assert lines["auc_rebalanced"].verdict == "not decided"


def test_few_effective_pixels_decide_nothing(make, quantizers) -> None:
    few = {"scores": {"effective_pixels": 99_999.0}}
    up = trio(make, "up", 0.8, (0.0, 0.01, 0.0), **SIDES["1"][0])
    down = trio(make, "down", 0.7, (0.0, 0.0, 0.0), **SIDES["1"][1], **few)
    lines = {line.score: line for line in checked([*up, *down], quantizers)["1"].lines}
    assert lines["auc_rebalanced"].seen is not None
    assert lines["auc_rebalanced"].verdict == "not decided"
    assert "99,999 effective pixels" in lines["auc_rebalanced"].note
    assert lines["auc_rebalanced"].adjusted is None
    # Of the other three, each with p = 0.0011.
    assert lines["colorfulness"].adjusted == pytest.approx(3 * lines["colorfulness"].seen.p)
    assert lines["colorfulness"].verdict == "supported"


def heated(make, seed: int, hot: dict[str, float], cold: dict[str, float], **more: Any):
    decodes = {"annealed T=1": hot, "annealed T=0.2": cold, "median": cold}
    decodes |= more.pop("between", {})
    return make(f"net-s{seed}", {"decodes": decodes, **more}, preset="net", seed=seed)


def test_temperature_is_compared_within_each_system(make, quantizers) -> None:
    results = [
        heated(make, s, {"colorfulness": 20.0 + s, "auc": 0.9}, {"colorfulness": 30.0, "auc": auc})
        for s, auc in enumerate((0.91, 0.911, 0.912))
    ]
    found = checked(results, quantizers)
    assert [key for key, item in found.items() if item.lines] == ["4"]
    vivid, auc = found["4"].lines
    assert (vivid.first, vivid.second) == ("net, annealed T=0.2", "net, annealed T=1")
    assert vivid.seen is not None
    assert vivid.seen.value == 9.0
    assert (vivid.verdict, auc.verdict) == ("supported", "contradicted")
    assert claims_table.row(vivid).pair == "net: annealed T=0.2 against annealed T=1"


def test_temperature_is_compared_once_for_each_network(make, quantizers) -> None:
    hot, cold = {"colorfulness": 20.0, "auc": 0.9}, {"colorfulness": 30.0, "auc": 0.8}
    changes = {"net": {}, "variant": {"batch": 8}, "other": {"network": {"name": "u"}}}
    at = {"decodes": {"annealed T=1": hot, "annealed T=0.2": cold}}
    results = [make(name, at, **changed) for name, changed in changes.items()]
    lines = checked(results, quantizers)["4"].lines
    assert [line.first for line in lines[::2]] == ["net, annealed T=0.2", "other, annealed T=0.2"]


def test_a_turn_between_the_temperatures_is_told(make, quantizers) -> None:
    between = {"annealed T=0.38": {"colorfulness": 40.0, "auc": 0.85}}
    hot, cold = {"colorfulness": 20.0, "auc": 0.9}, {"colorfulness": 30.0, "auc": 0.8}
    vivid, _ = checked([heated(make, 0, hot, cold, between=between)], quantizers)["4"].lines
    assert vivid.note == "the colorfulness turns on the way between the two"
    assert vivid.verdict == "seen once"


def test_a_chroma_head_has_no_temperature(make, quantizers) -> None:
    same = {"colorfulness": 20.0, "auc": 0.9}
    assert checked([heated(make, 0, same, same, head="chroma")], quantizers)["4"].lines == ()


@pytest.mark.parametrize("count", [0, 1])
def test_a_run_without_pairs_says_what_would_answer(make, quantizers, count: int) -> None:
    groups = grouped([make("net")][:count], quantizers)
    found = claims.check(groups, Comparisons())
    assert [item.claim for item in found] == list(CLAIMS)
    assert all(item.missing.startswith("needs ") and not item.lines for item in found)
    assert claims.summary(found) == "0 of 9 claims could be compared in this run."
    rows = as_csv(found)
    assert [row["verdict"] for row in rows] == ["not compared"] * 9
    assert all(row["note"].startswith("needs ") for row in rows)


def test_without_class_weights_smoothing_is_not_compared(make, quantizers) -> None:
    loss = {"loss": CE | {"weighted": False}}
    pair = [make("a", **loss), make("b", quantizer="plain", **loss)]
    assert checked(pair, quantizers)["7b"].lines == ()


def test_csv_has_every_number(make, quantizers) -> None:
    results = trio(make, "up", 0.8, (0.01, 0.02, 0.03), **SIDES["3"][0])
    results += trio(make, "down", 0.7, (0.01, 0.01, 0.01), **SIDES["3"][1])
    found = claims.check(grouped(results, quantizers), Comparisons())
    rows = [row for row in as_csv(found) if row["claim"] == "3"]
    assert [row["score"] for row in rows] == ["auc", "auc_macro"]
    row = rows[0]
    assert (row["compared"], row["with"], row["expected"]) == ("up", "down", "higher")
    assert (row["first"], row["second"]) == ("0.820000", "0.710000")
    assert row["value"] == "0.110000"
    assert float(row["low"]) < 0.11 < float(row["high"])
    assert (row["basis"], row["size"]) == (
        "3 paired seeds, 40 photos",
        "width 64, 256x256, 500 steps",
    )
    assert (row["verdict"], row["note"]) == ("supported", "")


def test_many_comparisons_make_a_verdict_harder(make, quantizers) -> None:
    """One claim by itself is decided; among nineteen others of the same size it is not."""
    pair = trio(make, "up", 0.8, (0.01, 0.02, 0.03), **SIDES["6"][0])
    pair += trio(make, "down", 0.7, (0.01, 0.01, 0.01), **SIDES["6"][1])
    alone = checked(pair, quantizers)["6"].lines
    assert [line.verdict for line in alone] == ["supported"] * 2
    assert all(line.adjusted == pytest.approx(2 * line.seen.p) for line in alone)
    many = [replace(line, verdict="not compared") for line in alone * 10]
    assert [line.verdict for line in decided(many)] == ["not decided"] * 20


def test_photos_that_differ_widen_an_interval(make, quantizers) -> None:
    """The seeds agree nearly; of the photos every second one is against it."""
    results = []
    for name, side in zip(("up", "down"), SIDES["6"], strict=True):
        aucs = [0.8 + (0.3 * (n % 2) - 0.1) * (name == "up") for n in range(20)]
        photos = photo_sums({"annealed T=0.38": aucs, "gray": [0.7] * 20})
        mean = sum(aucs) / 20
        results += trio(make, name, mean, (0.0, 0.001, 0.002), **side, photos=photos)
    for line in checked(results, quantizers)["6"].lines:
        seen = line.seen
        assert seen is not None
        assert seen.value == pytest.approx(0.05)
        assert seen.seeds_error == pytest.approx(0, abs=1e-9)
        assert seen.photos_error == pytest.approx(0.15 / 20**0.5, rel=0.05)
        assert seen.low == pytest.approx(0.05 - 2.093 * 0.15 / 20**0.5, rel=0.2)  # t of 19
        assert seen.basis == "3 paired seeds, 20 photos"
        assert line.verdict == "not decided"


def test_one_seed_has_an_interval_over_photos_and_no_verdict(make, quantizers) -> None:
    aucs = {"up": [0.8, 0.9] * 10, "down": [0.7, 0.6] * 10}
    results = [
        make(
            name, {"auc": sum(values) / 20}, photos=photo_sums({"annealed T=0.38": values}), **side
        )
        for (name, values), side in zip(aucs.items(), SIDES["6"], strict=True)
    ]
    line = checked(results, quantizers)["6"].lines[0]
    assert line.seen is not None
    assert line.seen.low == pytest.approx(0.2 - 1.96 * 0.1 / 20**0.5, abs=0.02)
    assert line.seen.basis == "one seed: over 20 photos alone"
    assert (line.seen.p, line.adjusted, line.verdict) == (None, None, "seen once")


def test_other_photos_are_not_compared_though_their_scores_are_equal(make, quantizers) -> None:
    first, second = SIDES["6"]
    sums = photo_sums({"annealed T=0.38": [0.8] * 40})
    other = replace(sums, ids_N=np.array([f"other{n}" for n in range(40)]))
    pair = [make("one", photos=sums, **first), make("two", photos=other, **second)]
    assert checked(pair, quantizers)["6"].lines == ()


@pytest.mark.parametrize(
    ("plain", "lines"), [({"steps": 71}, 1), ({"steps": 75}, 0), ({"steps": 500}, 0)]
)
def test_equal_epochs_are_those_of_each_ones_own_set(make, quantizers, plain, lines) -> None:
    """500 steps over seven variants of each photo are 71 over the photo alone."""
    pair = [make("a", augmentation=SEVENFOLD), make("b", augmentation=PLAIN, **plain)]
    assert len(checked(pair, quantizers)["5b"].lines) == lines


def test_changes_drawn_anew_have_no_larger_set(make, quantizers) -> None:
    pair = [make("a", augmentation=SEVENFOLD | {"mode": "together"}), make("b", augmentation=PLAIN)]
    found = checked(pair, quantizers)
    assert (len(found["5a"].lines), len(found["5b"].lines)) == (1, 0)


def test_rows_in_words(make, quantizers) -> None:
    results = trio(make, "up", 0.8, (0.01, 0.02, 0.03), **SIDES["1"][0])
    results += trio(make, "down", 0.9, (0.01, 0.01, 0.01), **SIDES["1"][1])
    groups = grouped(results, quantizers)
    basis = claims_table.basis_of(groups)
    assert basis == "40 test photos; 3 seeds a system; 500 training steps"
    row = claims_table.row(claims.check(groups, Comparisons())[0].lines[0])
    minus = "\N{MINUS SIGN}"
    assert (row.pair, row.score, row.expected) == ("up against down", "AuC", "lower")
    assert (row.means, row.difference) == ("0.8200 against 0.9100", f"{minus}0.0900")
    assert row.interval == f"{minus}0.1148 to {minus}0.0652"
    assert (row.verdict, row.style) == ("supported", "yes")
    assert (row.size, row.adjusted) == ("width 64, 256x256, 500 steps", "p = 0.016")

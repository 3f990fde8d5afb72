"""Who is best, what is said of it, and which warnings touch which score."""

from __future__ import annotations

from typing import Any

from huescape.reporting import scores
from huescape.reporting.inputs import SystemResult
from huescape.reporting.metrics import METRICS


def result(name: str, **changed: Any) -> SystemResult:
    own = {"auc": 0.9, "auc_macro": 0.8, "colorfulness": 60.0, "psnr": 24.0}
    rest: dict[str, Any] = {
        "temperatures": {"1.0": own, "0.2": own, "0.38": own},
        "baselines": {
            "ground_truth": {"auc": 1.0, "auc_macro": 1.0, "colorfulness": 40.0, "psnr": None},
            "novel": {"auc": 0.1, "auc_macro": 0.1, "colorfulness": 41.0, "psnr": 3.0},
            "grey": {"auc": 0.95, "auc_macro": 0.7, "colorfulness": 0.0, "psnr": 25.0},
        },
        "warnings": [],
    }
    return SystemResult(name, {**own, **rest, **changed}, {}, {}, {}, None, None)


def best_of(rows: list[scores.Row], key: str) -> list[str]:
    column = [metric.key for metric in METRICS].index(key)
    return [row.label for row in rows if row.cells[column].best]


def test_a_baseline_can_be_best_and_the_truth_cannot() -> None:
    rows = scores.score_rows([result("net")])
    assert [row.label for row in rows] == ["net", "Gray", "novel", "Ground truth"]
    assert best_of(rows, "auc") == ["Gray"]
    assert best_of(rows, "auc_macro") == ["net"]
    assert best_of(rows, "colorfulness") == ["novel"]  # 41 is nearest to the truth's 40
    assert best_of(rows, "ssim") == []  # measured by none


def test_equals_share_the_mark() -> None:
    rows = scores.score_rows([result("one"), result("two")])
    assert best_of(rows, "auc_macro") == ["one", "two"]


def test_verdict_is_honest() -> None:
    assert "above the 0.700" in scores.verdict([result("net")])
    assert "below the 0.700" in scores.verdict([result("net", auc_macro=0.6)])
    assert "equal to the 0.700" in scores.verdict([result("net", auc_macro=0.7)])
    beaten = result("net")
    beaten.scores["baselines"]["prior_mean"] = {"auc_macro": 0.81}
    assert scores.verdict([beaten]).endswith(
        "but not above the 0.810 of the baseline “Mean color”."
    )
    assert scores.verdict([result("net", auc_macro=None)]).startswith("No system")
    two = [result("low", auc_macro=0.6), result("high")]
    assert scores.verdict(two).startswith("The best system, high,")


def test_a_warning_marks_the_score_that_it_is_about() -> None:
    warned = result("net", warnings=["auc is odd; see auc_macro"])
    (row, *others) = scores.score_rows([warned])
    marked = [m.key for m, cell in zip(METRICS, row.cells, strict=True) if cell.shaky]
    assert marked == ["auc"]
    assert not any(cell.shaky for other in others for cell in other.cells)
    assert scores.warnings_of([warned]) == [("net", "AuC is odd; see Macro AuC")]


def test_what_holds_for_many_systems_names_none_of_them() -> None:
    warned = [result(f"net{k}", warnings=["odd"]) for k in range(5)]
    assert scores.warnings_of(warned) == [("All 5 systems", "odd")]
    assert scores.warnings_of(warned[:4]) == [("net0, net1, net2, net3", "odd")]
    ((names, _),) = scores.warnings_of([*warned, result("calm")])
    assert names == "net0, net1, net2, net3, net4"


def test_temperatures_fall_and_the_headline_is_chosen() -> None:
    rows = scores.temperature_rows(result("net"), 1.0)
    assert [(row.temperature, row.chosen) for row in rows] == [
        ("1.0", True),
        ("0.38", False),
        ("0.2", False),
    ]


def test_all_numbers_keeps_every_column() -> None:
    table = scores.all_numbers(result("net", extra={"deep": 3}))
    assert table.head == (
        "score", "net", "grey", "novel", "ground_truth", "T = 1.0", "T = 0.38", "T = 0.2",
    )  # fmt: skip
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["extra.deep"][:2] == ("3", "\N{EN DASH}")
    assert rows["psnr"][:4] == ("24", "25", "3", "\N{EN DASH}")

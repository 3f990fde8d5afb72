"""How the benchmarks measure and what they write."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import document, harness
from benchmarks.harness import Ratio, Report, Row, Spread

ROOT = Path(__file__).parents[2]


def test_cases_take_turns_in_any_order_and_warm_up_once() -> None:
    calls: list[str] = []
    cases = {name: lambda name=name: calls.append(name) for name in "abc"}
    seconds = harness.measure(cases, rounds=60, before=lambda: calls.append("-"))
    assert calls[:3] == [*"abc"]
    rounds = ["".join(calls[at : at + 6]).replace("-", "") for at in range(3, len(calls), 6)]
    assert len(set(rounds)) == 6  # every order of three occurs
    assert all(sorted(one) == [*"abc"] for one in rounds)
    assert calls[3::2] == ["-"] * 180
    assert {name: len(values) for name, values in seconds.items()} == dict.fromkeys("abc", 60)


def test_every_run_has_the_same_orders() -> None:
    def order() -> list[str]:
        calls: list[str] = []
        harness.measure({name: lambda n=name: calls.append(n) for name in "abcd"}, rounds=9)
        return calls

    assert order() == order()


def test_a_ratio_is_taken_within_each_round() -> None:
    # A machine that slows down fourfold in the second round changes no ratio.
    value = harness.times_faster([10.0, 40.0, 10.0], [2.0, 8.0, 1.0])
    assert value == Spread(median=5.0, low=5.0, high=10.0)
    assert harness.times_faster([10.0], [2.0], per=0.5) == Spread(2.5, 2.5, 2.5)


def test_at_best_both_sides_have_their_fastest_round() -> None:
    assert harness.at_best([9.0, 6.0, 30.0], [2.0, 8.0, 3.0]) == 3.0


def test_the_median_of_the_rounds_with_its_ends() -> None:
    assert Spread.of([3.0, 1.0, 100.0]) == Spread(median=3.0, low=1.0, high=100.0)
    assert harness.rate([0.5, 0.25, 1.0], 10) == Spread(median=20.0, low=10.0, high=40.0)


@pytest.mark.parametrize(
    ("median", "at_least", "reached"),
    [(60, True, True), (59.9, True, False), (60, False, True), (60.1, False, False)],
)
def test_what_reaches_a_target(median: float, at_least: bool, reached: bool) -> None:
    ratio = Ratio("a", Spread(median, 0, 100), target=60, at_least=at_least)
    assert ratio.reached is reached
    assert Ratio("a", Spread(median, 0, 100)).reached is None


def test_the_table_tells_what_is_missed_and_what_did_not_run() -> None:
    report = Report(
        question="Which?",
        rows=[
            Row("fast", "Mpixel/s", Spread(1234.5, 1000, 2000)),
            Row("gone", "", None, "no lmdb"),
        ],
        ratios=[
            Ratio("fast / slow", Spread(1.5, 1.25, 1.75), target=2),
            Ratio("b", Spread(0.5, 0.4, 0.6)),
        ],
        notes=["limited by memory"],
    )
    text = harness.table("name", report)
    assert "| fast | 1,234 Mpixel/s | 1,000 to 2,000 |  |" in text
    assert "| gone | not measured | | no lmdb |" in text
    assert "| fast / slow | **1.50** | 1.25 to 1.75 | ≥ 2.00, **missed** |  |" in text
    assert "| b | **0.500** | 0.400 to 0.600 |  |  |" in text
    assert "- limited by memory" in text


def test_a_record_is_json_with_the_machine_and_the_command() -> None:
    report = Report("Which?", [], [Ratio("a", Spread(3, 2, 4), target=2)])
    recorded = json.loads(json.dumps(harness.record("lab", report)))
    assert recorded["command"] == "python -m benchmarks.lab"
    assert recorded["ratios"][0]["reached"] is True
    assert recorded["machine"]["cpus"] >= 1
    assert recorded["machine"]["processor"]


def test_a_target_that_every_round_passed_is_raised(tmp_path: Path) -> None:
    ratios = [
        Ratio("passed", Spread(5, 4, 6), target=3),
        Ratio("reached", Spread(5, 2, 6), target=3),
        Ratio("missed", Spread(2, 1, 6), target=3),
        Ratio("less is better", Spread(0.5, 0.4, 0.8), target=1, at_least=False),
        Ratio("told", Spread(5, 4, 6)),
    ]
    recorded = harness.record("lab", Report("Which?", [], ratios))
    (tmp_path / "lab.json").write_text(json.dumps(recorded))
    page = document.filled("<!-- bench:summary -->\n<!-- /bench -->\n", tmp_path)
    ends = [line.split("|")[-3:-1] for line in page.splitlines() if line.startswith("| lab")]
    assert [[cell.strip() for cell in pair] for pair in ends] == [
        ["≥ 3.00, reached", "≥ 4.00"],
        ["≥ 3.00, reached", ""],
        ["≥ 3.00, **missed**", ""],
        ["≤ 1.00, reached", "≤ 0.800"],
    ]


def test_the_document_says_what_the_results_say() -> None:
    command = [sys.executable, "-m", "benchmarks.document", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

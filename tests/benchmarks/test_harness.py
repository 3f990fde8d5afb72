"""How the benchmarks measure and what they write."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import harness
from benchmarks.harness import Ratio, Report, Row, Spread

ROOT = Path(__file__).parents[2]


def test_cases_take_turns_and_warm_up_once() -> None:
    calls: list[str] = []
    cases = {name: lambda name=name: calls.append(name) for name in "abc"}
    seconds = harness.measure(cases, rounds=3)
    assert calls == [*"abc", *"abc", *"bca", *"cab"]
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3, "c": 3}


def test_a_ratio_is_taken_within_each_round() -> None:
    # A machine that slows down fourfold in the second round changes no ratio.
    value = harness.times_faster([10.0, 40.0, 10.0], [2.0, 8.0, 1.0])
    assert value == Spread(median=5.0, low=5.0, high=10.0)
    assert harness.times_faster([10.0], [2.0], per=0.5) == Spread(2.5, 2.5, 2.5)


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


def test_the_document_says_what_the_results_say() -> None:
    command = [sys.executable, "-m", "benchmarks.document", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

"""The tables and the words of a study's results, of simulated answers."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from huescape.study.plan import Design
from huescape.study.results import Results, words, write
from tests.study.simulated import simulate

DESIGN = Design(0, 2, 60)


def cells(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_words_say_who_counts_and_the_ceiling() -> None:
    answers = simulate(DESIGN, 12, (0.3, 0.1), seed=1)
    answers = [  # the first misses everything, the last has left
        replace(one, chosen=3 - one.chosen) if (one.session, one.kind) == (0, "catch") else one
        for one in answers[:-1]
    ]
    (*_, last) = [place for place, one in enumerate(answers) if one.kind == "test"]
    answers[last] = replace(answers[last], looks=2)
    pairs = sum(one.kind == "test" for one in answers)
    found = words(Results.of(answers))
    assert found.startswith("12 people answered at least one pair; 10 count. 1 did not finish; 1 ")
    assert "less than 75.0 % of their catch trials." in found
    assert "Those who finished found it in 40 of 44 catch trials (90.9 %)." in found
    assert f"1 of {pairs} pairs were begun more than once" in found
    assert "The ceiling is 50 %" in found
    assert "| landscape | " in found
    assert "| 180 | 10 | 36 |" in found


def test_the_tables_say_the_same(tmp_path: Path) -> None:
    results = Results.of(simulate(DESIGN, 12, (0.3, 0.1), seed=1))
    write(tmp_path / "results", results)
    names = {"answers", "people", "systems", "photos", "pairs"}
    found = {name: cells(tmp_path / "results" / f"{name}.csv") for name in names}
    assert len(found["answers"]) == 12 * 50
    assert [row["counted"] for row in found["people"]] == ["true"] * 12
    for row in found["systems"]:
        mine = [one for one in found["photos"] if one["system"] == row["system"]]
        assert sum(int(one["fooled"]) for one in mine) == int(row["fooled"])
        assert sum(int(one["trials"]) for one in mine) == int(row["trials"]) == 216
        assert float(row["low"]) < float(row["share"]) < float(row["high"])
        assert f"{100 * float(row['share']):.1f} %" in words(results)
    (pair,) = found["pairs"]
    shares = {row["system"]: float(row["share"]) for row in found["systems"]}
    assert abs(float(pair["difference"]) - shares["landscape"] + shares["other"]) < 1e-5
    assert (tmp_path / "results" / "results.md").read_text() == words(results)


def test_too_few_people_have_no_interval(tmp_path: Path) -> None:
    results = Results.of(simulate(DESIGN, 1, (0.3, 0.1), seed=1))
    assert "| too few |" in words(results)
    write(tmp_path / "results", results)
    assert {row["low"] for row in cells(tmp_path / "results" / "systems.csv")} == {""}


def test_nobody_is_no_result(tmp_path: Path) -> None:
    assert "No answer counts" in words(Results.of([]))
    write(tmp_path / "results", Results.of([]))
    assert cells(tmp_path / "results" / "systems.csv") == []

"""The table of claims comes back as it was, and what is no such table is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.base.tables import write_table
from huescape.claims import claims, records
from huescape.reporting.groups import grouped
from huescape.reporting.sides import Comparisons
from tests.claims.test_claims import SIDES, trio


def test_what_was_checked_comes_back(make, quantizers, tmp_path: Path) -> None:
    """With verdicts made anew from p-values of six digits; one seed, doubts and all."""
    few = {"scores": {"effective_pixels": 10.0}}
    results = trio(make, "up", 0.8, (0.01, 0.02, 0.03), **SIDES["1"][0])
    results += trio(make, "down", 0.7, (0.01, 0.01, 0.01), **SIDES["1"][1], **few)
    results += trio(make, "hard", 0.7, (0.0,), **SIDES["3"][1])
    found = claims.check(grouped(results, quantizers), Comparisons())
    assert {line.verdict for item in found for line in item.lines} >= {"supported", "seen once"}
    write_table(tmp_path / "claims.csv", records.table(found), 6)
    again = claims.with_verdicts(records.read(tmp_path / "claims.csv"))
    assert [item.claim for item in again] == [item.claim for item in found]
    assert [item.missing for item in again] == [item.missing for item in found]
    for line, was in (
        pair
        for a, b in zip(again, found, strict=True)
        for pair in zip(a.lines, b.lines, strict=True)
    ):
        assert (line.verdict, line.doubted, line.size, line.note, line.score, line.expected) == (
            (was.verdict, was.doubted, was.size, was.note, was.score, was.expected)
        )
        assert line.seen is not None
        assert was.seen is not None
        assert line.seen.value == pytest.approx(was.seen.value, abs=1e-6)
        assert line.seen.p == pytest.approx(was.seen.p, abs=1e-6)
        assert line.adjusted == pytest.approx(was.adjusted, abs=1e-5)


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", None])
def test_another_table_is_one_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "claims.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(HuescapeError) as caught:
        records.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_cell_that_is_no_number_is_one_line(make, quantizers, tmp_path: Path) -> None:
    pair = [make("a", **SIDES["6"][0]), make("b", **SIDES["6"][1])]
    path = tmp_path / "claims.csv"
    write_table(path, records.table(claims.check(grouped(pair, quantizers), Comparisons())), 6)
    path.write_text(path.read_text().replace("0.900000", "high"))
    with pytest.raises(HuescapeError, match="not a table of claims: could not convert"):
        records.read(path)

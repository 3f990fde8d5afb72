"""One document of several runs: nothing told twice, verdicts over all, and what was found since."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from huescape import cli
from huescape.base.tables import TEXT, frame, write_table
from huescape.claims import claims, document, records
from huescape.reporting.groups import grouped
from huescape.reporting.scores import score_rows
from huescape.reporting.sides import Comparisons
from huescape.reporting.systems import comparison_table
from tests.claims.test_claims import SIDES, trio


def write_run(folder: Path, results: Any, quantizers: Any) -> Path:
    """The two tables that the stage report writes."""
    folder.mkdir()
    groups = grouped(results, quantizers)
    write_table(folder / "claims.csv", records.table(claims.check(groups, Comparisons())), 6)
    write_table(
        folder / "compare.csv", comparison_table(score_rows(groups, Comparisons()), groups), 6
    )
    return folder


def pair(make, number: str) -> list[Any]:
    """Two systems with three seeds each, whose difference is decided where it stands alone."""
    up = trio(make, f"up{number}", 0.8, (0.01, 0.02, 0.03), **SIDES[number][0])
    return up + trio(make, f"down{number}", 0.7, (0.01, 0.01, 0.01), **SIDES[number][1])


@pytest.fixture
def runs(make, quantizers, tmp_path: Path) -> list[Path]:
    return [
        write_run(tmp_path / number, pair(make, number), quantizers) for number in ("5a", "6", "7a")
    ]


def made(tmp_path: Path, *more: object) -> tuple[int, str]:
    out = tmp_path / "claims.md"
    code = cli.main(["claims", *map(str, more), "-o", str(out)])
    return code, out.read_text(encoding="utf-8") if out.exists() else ""


def test_runs_are_told_together(runs: list[Path], tmp_path: Path) -> None:
    code, text = made(tmp_path, *runs)
    assert code == 0
    # Five comparisons: one of 5a, two of 6 and of 7a.
    assert "Holm's correction for all 5 comparisons" in " ".join(text.split())
    assert "5 comparisons: 5 supported. 3 of 9 claims could be compared" in text
    assert (
        "| up6 against down6 | AuC | higher | 0.8200 against 0.7100 | +0.1100, +0.0852 to" in text
    )
    assert "3 paired seeds, 40 photos | width 64, 256x256, 500 steps |" in text
    assert "**supported**, p = 0.014 |" in text  # five times 0.0027
    assert "| up6 | 3 | 500 | 0.820 ± 0.025 | 0.820 ± 0.025 |" in text
    assert text.count("| Ground truth |") + text.count("| ground_truth |") == 1
    assert "### 1. " in text
    assert "Not compared: needs a system with loss.weighted true" in text


def test_runs_of_other_photos_are_told(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(tmp_path, *runs)[0] == 0
    assert not capsys.readouterr().err
    rows, names = records.read_rows(runs[1] / "compare.csv", ("name",))
    gray = next(row for row in rows if row["name"] == "gray")
    gray["auc"] = str(float(gray["auc"]) / 2)
    table = frame([list(row.values()) for row in rows], dict.fromkeys(names, TEXT))
    write_table(runs[1] / "compare.csv", table, 6)
    assert made(tmp_path, *runs)[0] == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"huescape: warning: {runs[1]}: scored on other photos than {runs[0]}")


def test_a_run_that_grew_replaces_what_it_said(
    make, quantizers, runs: list[Path], tmp_path: Path
) -> None:
    once = [result for result in pair(make, "6") if result.name.endswith("s0")]
    early = write_run(tmp_path / "early", once, quantizers)
    found = document.joined([records.read(f / "claims.csv") for f in (early, runs[1], runs[1])])
    lines = [line for item in found for line in item.lines]
    assert {line.verdict for line in lines if line.first == "up6"} == {"supported"}
    assert sum(line.first == "up6" for line in lines) == 2


def test_a_cause_stands_with_its_claim(runs: list[Path], tmp_path: Path) -> None:
    causes = tmp_path / "causes.yaml"
    causes.write_text('"5a": |\n  Contradicted before; still open.\n')
    _, text = made(tmp_path, runs[0], "--causes", causes)
    after = text[text.index("### 5a.") : text.index("### 5b.")]
    assert after.rstrip().endswith("Contradicted before; still open.")


@pytest.mark.parametrize(
    ("causes", "words"),
    [
        ('"9": x\n', "'9' is not a claim; allowed: 1, 2, 3, 4, 5a"),
        ('"1": [x]\n', "allowed: a text for each claim"),
        ("- x\n", "allowed: a text for each claim"),
        (None, "causes.yaml"),
    ],
)
def test_wrong_causes_are_one_line(
    runs: list[Path], tmp_path: Path, capsys, causes: str | None, words: str
) -> None:
    path = tmp_path / "causes.yaml"
    if causes is not None:
        path.write_text(causes)
    assert made(tmp_path, runs[0], "--causes", path) == (2, "")
    assert words in (said := capsys.readouterr().err)
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("claims.csv", None, "cannot be read"),
        ("compare.csv", None, "cannot be read"),
        ("claims.csv", ("claim,", "claims,"), "not a table of claims"),
        ("compare.csv", ("auc_macro,", "macro,"), "record 2: auc_macro is None"),
        ("compare.csv", ("0.820000", "high"), "record 2: auc is 'high'"),
    ],
)
def test_wrong_tables_are_one_line(
    runs: list[Path], tmp_path: Path, capsys, name: str, change, words: str
) -> None:
    path = runs[0] / name
    if change is None:
        path.unlink()
    else:
        text = path.read_text()
        assert change[0] in text
        path.write_text(text.replace(*change))
    assert made(tmp_path, *runs) == (1, "")
    assert words in (said := capsys.readouterr().err)
    assert str(path) in said
    assert said.count("\n") == 1


def _rows_twice(content: bytes) -> bytes:
    head, *rows = content.splitlines(keepends=True)
    return head + b"".join(rows) * 2


GARBAGE = {
    "nothing": lambda content: b"",
    "a header alone": lambda content: content.splitlines(keepends=True)[0],
    "binary": lambda content: bytes(range(256)) * 9,
    "zeros": lambda content: content[:40] + b"\0" * 40 + content[40:],
    "a byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "not a number": lambda content: content.replace(b"0.820000", b"nan"),
    "endless": lambda content: content.replace(b"0.820000", b"inf"),
    "rows twice": _rows_twice,
    "half a row": lambda content: content[: len(content) // 2],
    "a cell too many": lambda content: content.rstrip() + b",1,2\r\n",
    "an open quote": lambda content: content + b'"',
}


@pytest.mark.parametrize("name", ["claims.csv", "compare.csv"])
@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_one_line_and_nothing_is_written(
    runs: list[Path], tmp_path: Path, capsys, name: str, kind: str
) -> None:
    path = runs[0] / name
    path.write_bytes(GARBAGE[kind](path.read_bytes()))
    before = sorted(tmp_path.iterdir())
    assert made(tmp_path, *runs) == (1, "")
    assert str(path) in (said := capsys.readouterr().err)
    assert said.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_text_of_nothing_says_so() -> None:
    found = claims.check([], Comparisons())
    text = document.text([replace(item, missing="needs all") for item in found], [], {})
    assert "0 of 9 claims could be compared" in text
    assert text.count("Not compared: needs all.") == 9


def test_the_published_causes_fit_the_claims(runs: list[Path], tmp_path: Path) -> None:
    causes = Path(__file__).parents[2] / "experiments" / "causes.yaml"
    code, text = made(tmp_path, runs[0], "--causes", causes)
    assert code == 0
    assert text.count("Before: ") == 8

"""The checked claims as a table, and back: what a run said can be taken together with others."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from pathlib import Path

import pandas as pd

from huescape.base.errors import HuescapeError
from huescape.base.tables import NUMBER, TEXT, frame
from huescape.claims.claims import Checked
from huescape.claims.lines import Line
from huescape.claims.published import CLAIMS
from huescape.params.messages import short
from huescape.reporting.intervals import Difference

_SEEN = tuple(field.name for field in fields(Difference))
_COLUMNS = (
    dict.fromkeys(("claim", "text", "source", "score", "expected", "compared", "with"), TEXT)
    | dict.fromkeys(_SEEN[:-1], NUMBER)
    | {"basis": TEXT, "size": TEXT, "adjusted_p": NUMBER}
    | dict.fromkeys(("verdict", "note"), TEXT)
)
_SIGNS = {"higher": 1, "lower": -1}


def table(found: Sequence[Checked]) -> pd.DataFrame:
    """One row a comparison, and one for a claim that was not compared."""
    rows: list[list[object]] = []
    for item in found:
        start = [item.claim.number, item.claim.text, item.claim.source]
        rows += [[*start, *_cells(line)] for line in item.lines]
        if not item.lines:
            empty = [None] * (len(_COLUMNS) - len(start) - 2)
            rows.append([*start, *empty, "not compared", item.missing])
    return frame(rows, _COLUMNS)


def read(path: Path) -> list[Checked]:
    """The claims of a table; raises HuescapeError for a file that is not one."""
    rows, names = read_rows(path, ("claim", "score", "compared", "with"))
    if names != list(_COLUMNS):
        raise HuescapeError(f"{path}: not a table of claims; its columns must be {list(_COLUMNS)}")
    try:
        return [_checked(claim.number, rows) for claim in CLAIMS]
    except (ValueError, KeyError, TypeError) as error:
        raise HuescapeError(f"{path}: not a table of claims: {error}") from error


def read_rows(path: Path, key: Sequence[str]) -> tuple[list[dict[str, str]], list[str]]:
    """The rows of a table, at least one, and its columns; the cells of `key` differ in all rows.

    Raises HuescapeError for a file that is no such table.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows, names = list(reader), list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise HuescapeError(f"{path}: cannot be read: {error}") from error
    if not set(key) <= set(names) or not all(name.isprintable() for name in names):
        raise HuescapeError(
            f"{path}: not a table of claims or systems: its columns are {short(str(names), 80)}"
        )
    if not rows:
        raise HuescapeError(f"{path}: has no row; allowed: the table of a finished comparison")
    seen: set[tuple[str, ...]] = set()
    for number, row in enumerate(rows, start=2):
        where = f"{path}, record {number}"
        if None in row or any(cell is None or "\0" in cell for cell in row.values()):
            raise HuescapeError(f"{where}: allowed: {len(names)} cells of text")
        at = tuple(row[column] for column in key)
        if at in seen:
            raise HuescapeError(f"{where}: {', '.join(filter(None, at))} is there twice")
        seen.add(at)
    return rows, names


def _cells(line: Line) -> list[object]:
    seen = (None,) * len(_SEEN) if line.seen is None else astuple(line.seen)
    expected = "higher" if line.expected > 0 else "lower"
    start = [line.score, expected, line.first, line.second]
    return [*start, *seen, line.size, line.adjusted, line.verdict, line.note]


def _checked(number: str, rows: Sequence[Mapping[str, str]]) -> Checked:
    claim = next(claim for claim in CLAIMS if claim.number == number)
    own = [row for row in rows if row["claim"] == number]
    lines = tuple(_line(row) for row in own if row["score"])
    missing = next((row["note"] for row in own if not row["score"]), "")
    return Checked(claim, lines, missing)


def _line(row: Mapping[str, str]) -> Line:
    found = {name: float(row[name]) if row[name] else None for name in _SEEN[:-1]}
    if not all(math.isfinite(value) for value in found.values() if value is not None):
        raise ValueError("a number that is not finite")
    seen = None if found["value"] is None else Difference(**found, basis=row["basis"])  # type: ignore[arg-type]
    return Line(
        score=row["score"],
        expected=_SIGNS[row["expected"]],
        first=row["compared"],
        second=row["with"],
        seen=seen,
        size=row["size"],
        note=row["note"],
        doubted=bool(row["p"]) and not row["adjusted_p"],
    )

"""How far each row of the scores is from gray, and from the best system, on the same photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from huescape.reporting.intervals import Difference
from huescape.reporting.scores import ScoreRow
from huescape.reporting.sides import Comparisons
from huescape.reporting.wording import NONE, signed

_SCORES = (("auc_macro", "Macro AuC"), ("auc", "AuC"))


@dataclass(frozen=True)
class DifferenceCell:
    """A difference with its interval, as text; `is_clear` where the interval leaves out 0."""

    text: str
    interval: str
    is_clear: bool


@dataclass(frozen=True)
class Differences:
    """A row for each system and baseline: its label, then a cell for each of `head`.

    `basis` says how many seeds and photos the intervals rest on, system by system.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, tuple[DifferenceCell, ...]], ...]
    basis: tuple[str, ...]


def differences(rows: Sequence[ScoreRow], comparisons: Comparisons) -> Differences:
    """Of every row but the truth's, by macro AuC and by AuC; only rows of the same photos."""
    best = _best(rows)
    gray = next((row for row in rows if row.name == "gray"), None)
    others = [(f"from {row.label}", row) for row in (gray, best) if row is not None]
    shown = [row for row in rows if row.kind != "truth"]
    head = tuple(f"{label} {words}" for words, _ in others for _, label in _SCORES)
    found = {
        row.label: [
            _between(row, other, key, comparisons) for _, other in others for key, _ in _SCORES
        ]
        for row in shown
    }
    basis = {one.basis for cells in found.values() for one in cells if one is not None}
    table = tuple((label, tuple(_cell(one) for one in cells)) for label, cells in found.items())
    return Differences(head, table, tuple(sorted(basis)))


def _best(rows: Sequence[ScoreRow]) -> ScoreRow | None:
    """The system with the highest macro AuC of those that were trained here, else of all."""
    systems = [row for row in rows if row.kind == "system" and row.means["auc_macro"]]
    trained = [row for row in systems if row.races] or systems
    return max(trained, key=_macro, default=None)


def _macro(row: ScoreRow) -> float:
    found = row.means["auc_macro"]
    return found.mean if found else 0.0


def _between(
    row: ScoreRow, other: ScoreRow, key: str, comparisons: Comparisons
) -> Difference | None:
    if row is other or not row.side.shows(other.side):
        return None
    return comparisons.difference(row.side, other.side, key)


def _cell(found: Difference | None) -> DifferenceCell:
    if found is None:
        return DifferenceCell(NONE, "", False)
    value = signed(found.value, 4)
    if found.low is None or found.high is None:
        return DifferenceCell(value, "", False)
    interval = f"{signed(found.low, 4)} to {signed(found.high, 4)}"
    return DifferenceCell(value, interval, found.low > 0 or found.high < 0)

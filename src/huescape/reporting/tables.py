"""Tables of the report as CSV: numbers with six decimals, an empty field for none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from huescape.base import csvtext

# As many as the evaluation files have.
_DIGITS = 6


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The table as CSV with `\\n` line ends; None and "" are empty fields."""
    return csvtext.csv_text(head, ([_field(value) for value in row] for row in rows))


def _field(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.{_DIGITS}f}" if isinstance(value, float) else str(value)

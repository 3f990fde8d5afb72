"""Tables of the report as CSV: numbers with six decimals, an empty field for none."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

# As many as the evaluation files have.
_DIGITS = 6


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The table as CSV with `\\n` line ends; None and "" are empty fields."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_field(value) for value in row] for row in rows)
    return stream.getvalue()


def _field(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.{_DIGITS}f}" if isinstance(value, float) else str(value)

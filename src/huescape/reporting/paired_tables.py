"""Paired scores as Markdown, a table a score, and as one table of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from huescape.base.tables import NUMBER, TEXT, WHOLE, frame
from huescape.metrics.bootstrap import RESAMPLES
from huescape.reporting.paired import SCORES, Interval, Line
from huescape.reporting.wording import NONE, signed

_COLUMNS = {
    **{"prediction": TEXT, "score": TEXT, "photos": WHOLE},
    **dict.fromkeys(("value", "low", "high"), NUMBER),
    **dict.fromkeys(("difference", "difference_low", "difference_high"), NUMBER),
}
_HEAD = ("Prediction", "Value", "95 % interval", "Difference", "95 % interval")


def numbers(lines: Sequence[Line], photos: int) -> pd.DataFrame:
    """A row for each score of each prediction; an empty field is not defined."""
    records = [
        [line.label, line.score, photos, *_ends(line.own), *_ends(line.difference)]
        for line in lines
    ]
    return frame(records, _COLUMNS)


def markdown(lines: Sequence[Line], photos: int, macro_bins: int, first: str) -> str:
    """A sentence that says what was done, then a table for each score."""
    text = (
        f"{photos:,} photos; macro AuC over {macro_bins} bins of true color. Intervals: 95 %, over "
        f"photos, by {RESAMPLES:,} resamplings that are the same for every row; other seeds are "
        f"not in them. Differences are from {first}; \\* marks those whose interval excludes 0, "
        "each for itself.\n"
    )
    for score, (label, digits) in SCORES.items():
        own = [line for line in lines if line.score == score]
        if own:
            text += f"\n### {label}\n\n{_table([_row(line, digits) for line in own])}"
    return text


def _row(line: Line, digits: int) -> tuple[str, ...]:
    own, difference = line.own, line.difference
    cells = line.label, f"{own.value:.{digits}f}", _range(own, digits, plain=True)
    if difference is None:
        return (*cells, NONE, NONE)
    mark = r" \*" if difference.excludes_zero else ""
    return (*cells, signed(difference.value, digits) + mark, _range(difference, digits))


def _range(found: Interval, digits: int, plain: bool = False) -> str:
    if found.low is None or found.high is None:
        return NONE
    low, high = (
        f"{end:.{digits}f}" if plain else signed(end, digits) for end in (found.low, found.high)
    )
    return f"{low} to {high}"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Cells filled up to the width of their column, the first to the left."""
    widths = [max(len(row[k]) for row in (_HEAD, *rows)) for k in range(len(_HEAD))]
    rules = [f"{'-' * width}:" for width in widths[1:]]
    lines = [_line(_HEAD, widths), f"|{'-' * (widths[0] + 2)}|-" + "|-".join(rules) + "|"]
    return "".join(f"{line}\n" for line in [*lines, *(_line(row, widths) for row in rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    parts = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return f"| {' | '.join(parts)} |"


def _ends(found: Interval | None) -> tuple[float | None, ...]:
    return (None,) * 3 if found is None else (found.value, found.low, found.high)

"""Tables as CSV: written from pandas frames, and read back strictly.

UTF-8, `\\n` after a record, quoted where it must be: any text survives. Cells are read by Python's
`csv` and not by pandas, which fills short records up and takes a quote in the middle of a field.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import pandas as pd

from huescape.base.atomic import write_text
from huescape.base.digests import open_verified, remedy
from huescape.base.errors import HuescapeError

#: Types of columns. What is not there (None, NaN) is an empty field; flags are `true` and `false`.
TEXT, WHOLE, NUMBER, FLAG = "object", "Int64", "float64", "bool"
Cells = dict[str, list[str]]
_RECORDS = 4096  # that are held as such at a time


def frame(rows: Iterable[Sequence[object]], types: Mapping[str, str]) -> pd.DataFrame:
    """The rows as a frame; `types` are its columns by name, in their order."""
    # As objects first: pandas would guess types, and change numbers on the way.
    return pd.DataFrame(list(rows), columns=list(types), dtype=object).astype(dict(types))


def table_text(table: pd.DataFrame, digits: int | None = None) -> str:
    """The frame as CSV; numbers have `digits` decimals, or all that they need to come back."""
    flags = [name for name, kind in table.dtypes.items() if kind == FLAG]
    table = table.assign(**{str(f): table[f].map({True: "true", False: "false"}) for f in flags})
    out = _Records(newline="")
    # Python before 3.13 quotes only the characters of its own line end: so it has both.
    form = None if digits is None else f"%.{digits}f"
    table.to_csv(out, index=False, lineterminator="\r\n", float_format=form)
    return out.getvalue()


def write_table(path: Path, table: pd.DataFrame, digits: int | None = None) -> None:
    """Write the frame as CSV, whole or not at all."""
    write_text(path, table_text(table, digits))


def read_cells(path: Path, stage: str, columns: Sequence[str] = (), what: str = "") -> Cells:
    """The cells of a whole table by column, top down.

    `stage` is what writes it and `what` the name of such a file, with its article, for messages.
    Raises HuescapeError for a file that is not there, is not what its SHA256SUMS says, is no table
    or has other `columns` than these, and for a record with too few or too many fields.
    """
    cells: Cells = {}
    for part in _parts(path, stage, columns, what):
        for name, column in part.items():
            cells.setdefault(name, []).extend(column)
    return cells


def read_parts(
    path: Path, columns: Sequence[str], forms: Mapping[str, str], what: str, stage: str
) -> Iterator[Cells]:
    """Yield the cells of some records at a time, of a table with just these columns.

    Each record has an `id` above that of the one before. `forms` are regular expressions that whole
    cells match, by column. Raises what `read_cells` raises, and HuescapeError for the first
    cell that does not match, of those that were not yielded yet.
    """
    before, last = 0, ""
    fits = {name: re.compile(form, re.DOTALL).fullmatch for name, form in forms.items()}
    for cells in _parts(path, stage, columns, what):
        for name, fit in fits.items():
            if wrong := {cell for cell in set(cells[name]) if not fit(cell)}:
                number = next(n for n, cell in enumerate(cells[name]) if cell in wrong)
                raise _damaged(path, before + number, stage, _shown(name, cells[name][number]))
        for number, one in enumerate(cells["id"], before):
            if one <= last:
                raise _damaged(path, number, stage, _shown("id", one))
            last = one
        before += len(cells["id"])
        yield cells


def _parts(path: Path, stage: str, columns: Sequence[str], what: str) -> Iterator[Cells]:
    """The cells of some records at a time by column; the first may have none."""
    with open_verified(path, stage) as file:
        records = csv.reader(io.TextIOWrapper(file, "utf-8", newline=""), strict=True)
        with _readable(path, stage):
            header = next(records, [])
        if columns and header != list(columns):
            raise HuescapeError(f"{path}: not {what}; its columns must be {','.join(columns)}")
        yield {name: [] for name in header}
        number = 0
        while some := _next_records(path, stage, records):
            _check_fields(path, number, some, len(header), stage)
            number += len(some)
            yield dict(zip(header, map(list, zip(*some, strict=True)), strict=True))


def _next_records(path: Path, stage: str, records: Iterator[list[str]]) -> list[list[str]]:
    with _readable(path, stage):
        return list(islice(records, _RECORDS))


@contextmanager
def _readable(path: Path, stage: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise HuescapeError(f"{path}: cannot be read: {reason}; {remedy(stage)}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        reason = "not a table of UTF-8 text"
        raise HuescapeError(f"{path}: cannot be read: {reason}; {remedy(stage)}") from error


def _check_fields(
    path: Path, before: int, records: Sequence[Sequence[str]], fields: int, stage: str
) -> None:
    for number, record in enumerate(records, before):
        if len(record) != fields:
            raise _damaged(path, number, stage, f"{len(record)} fields, not {fields}")


def _shown(column: str, cell: str) -> str:
    return f"{column} {cell[:80]!r}"


def _damaged(path: Path, number: int, stage: str, why: str) -> HuescapeError:
    """The error for a record, counted from 0; in the message the header is the first."""
    return HuescapeError(f"{path}: record {number + 2} is damaged: {why}; {remedy(stage)}")


class _Records(io.StringIO):
    """What csv.writer writes to: it hands over one whole record at a time."""

    def write(self, record: str) -> int:
        return super().write(record.removesuffix("\r\n") + "\n")

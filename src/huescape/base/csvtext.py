"""CSV as text that any field survives: UTF-8, `\\n` after a record, quoted where it must be."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from huescape.base.digests import read_verified
from huescape.base.errors import HuescapeError


def csv_text(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """The table as text; a carriage return is quoted too, so that it is read back as it was."""
    out = _Records()
    # Python before 3.13 quotes only the characters of its own line end: so it has both.
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(lines)
    return "".join(out.records)


def read_csv(path: Path, columns: Sequence[str], what: str, stage: str) -> list[list[str]]:
    """The records below the header, each with as many fields as there are `columns`.

    `what` is the name of such a file, with its article, and `stage` what writes it, for messages.
    Raises HuescapeError for a file that is not there, is not what its SHA256SUMS says, is no such
    table, or has a damaged record.
    """
    try:
        text = read_verified(path, stage).decode()
        header, *records = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        reason = "not a table of UTF-8 text"
        raise HuescapeError(f"{path}: cannot be read: {reason}; run the stage {stage}") from error
    if header != list(columns):
        raise HuescapeError(f"{path}: not {what}; its columns must be {','.join(columns)}")
    for number, record in enumerate(records, start=2):
        if len(record) != len(columns):
            raise _damaged(path, number, stage, f"{len(record)} fields, not {len(columns)}")
    return records


def read_records(
    path: Path,
    columns: Sequence[str],
    what: str,
    stage: str,
    wrong: Callable[[dict[str, str]], str | None],
) -> Iterator[dict[str, str]]:
    """The records as cells by column, each with an `id` of its own.

    `wrong` names the column of a record that the stage would not write like this. Raises what
    `read_csv` raises, and HuescapeError for such a record.
    """
    seen: set[str] = set()
    for number, record in enumerate(read_csv(path, columns, what, stage), start=2):
        cells = dict(zip(columns, record, strict=True))
        column = "id" if cells["id"] in seen else wrong(cells)
        if column is not None:
            raise _damaged(path, number, stage, f"{column} {cells[column][:80]!r}")
        seen.add(cells["id"])
        yield cells


def _damaged(path: Path, number: int, stage: str, why: str) -> HuescapeError:
    """The error for a record, counted from 1 with the header."""
    return HuescapeError(f"{path}: record {number} is damaged: {why}; run the stage {stage}")


class _Records:
    """What csv.writer writes to: it hands over one whole record at a time."""

    def __init__(self) -> None:
        self.records: list[str] = []

    def write(self, record: str) -> None:
        self.records.append(record.removesuffix("\r\n") + "\n")

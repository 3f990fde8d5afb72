"""The manifest of the raw photos: one row a photo, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from huescape.atomic import write_text
from huescape.digests import read_verified, reseal
from huescape.errors import HuescapeError


@dataclass(frozen=True, slots=True)
class Row:
    """One photo; the fields are the columns, in their order.

    path: POSIX, relative to the repository's root when inside it. offset: byte offset in the tar
    at `path`, empty for a file of its own. bytes: size. sha256: of the photo's bytes. split: the
    dataset's own (`train`, `val`, `test`) or empty.
    """

    id: str
    source: str
    category: str
    tier: str
    path: str
    offset: str
    bytes: int
    sha256: str
    split: str


COLUMNS = tuple(field.name for field in fields(Row))


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows sorted by id, whole or not at all, and their SHA-256 beside them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    ordered = sorted(rows, key=lambda row: row.id)
    writer.writerows([getattr(row, name) for name in COLUMNS] for row in ordered)
    write_text(path, text.getvalue())
    reseal(path)


def read_manifest(path: Path) -> list[Row]:
    """Read the rows back; raises HuescapeError for a file that is damaged or no manifest."""
    content = read_verified(path, "download")
    try:
        text = io.StringIO(content.decode(), newline="")
        header, *records = list(csv.reader(text)) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        reason = "not UTF-8 text" if isinstance(error, ValueError) else str(error)
        raise HuescapeError(f"{path}: cannot be read: {reason}; run the stage download") from error
    if tuple(header) != COLUMNS:
        raise HuescapeError(f"{path}: not a manifest; its columns must be {','.join(COLUMNS)}")
    return [_row(path, number, record) for number, record in enumerate(records, start=2)]


def _row(path: Path, number: int, record: list[str]) -> Row:
    if len(record) != len(COLUMNS) or not record[6].isdigit():
        raise HuescapeError(f"{path}: record {number} is damaged; run the stage download")
    values = dict(zip(COLUMNS, record, strict=True))
    return Row(**{**values, "bytes": int(record[6])})  # type: ignore[arg-type]

"""The manifest of the raw photos: one row a photo, as CSV."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from huescape.base.atomic import write_text
from huescape.base.csvtext import csv_text, read_records
from huescape.base.digests import reseal

TIERS = ("core", "extended", "none")
SPLITS = ("", "train", "val", "test")
#: Python's own limit to digits, and more than any disk: a number of bytes has at most 18.
_NUMBER = re.compile(r"[0-9]{1,18}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


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
    ordered = sorted(rows, key=lambda row: row.id)
    lines = ([str(getattr(row, name)) for name in COLUMNS] for row in ordered)
    write_text(path, csv_text(COLUMNS, lines))
    reseal(path)


def read_manifest(path: Path) -> list[Row]:
    """Read the rows back; raises HuescapeError for a file that is no manifest, or is damaged."""
    records = read_records(path, COLUMNS, "a manifest", "download", _wrong)
    return [Row(**{**cells, "bytes": int(cells["bytes"])}) for cells in records]  # type: ignore[arg-type]


def _wrong(cells: dict[str, str]) -> str | None:
    """The first column that no stage writes like this."""
    checks = {
        "id": bool(cells["id"]),
        "tier": cells["tier"] in TIERS,
        "path": bool(cells["path"]) and "\0" not in cells["path"],
        "offset": not cells["offset"] or bool(_NUMBER.fullmatch(cells["offset"])),
        "bytes": bool(_NUMBER.fullmatch(cells["bytes"])),
        "sha256": bool(_SHA256.fullmatch(cells["sha256"])),
        "split": cells["split"] in SPLITS,
    }
    return next((name for name, fine in checks.items() if not fine), None)

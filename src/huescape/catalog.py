"""The catalog: one row for each photo, and its fate; summaries of it."""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from huescape.atomic import write_text
from huescape.digests import read_verified, reseal
from huescape.errors import HuescapeError

CATALOG = "catalog.csv"
SPLITS = ("train", "val", "test")
REASONS = (
    "not_landscape",
    "missing",
    "undecodable",
    "unsupported",
    "too_small",
    "gray",
    "duplicate",
    "near_duplicate",
)


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """One photo; the fields are the columns of `catalog.csv`, in their order.

    offset: bytes into the tar at `path`, None for a file of its own. width, height: pixels after
    the EXIF orientation; 0 where unknown. chroma: mean CIE Lab chroma. phash: 16 hex digits.
    split: one of SPLITS for a kept photo, else empty. reason: one of REASONS for a dropped photo,
    else empty. What was not measured is empty.
    """

    id: str
    path: str
    offset: int | None
    bytes: int
    source: str
    category: str
    tier: str
    sha256: str
    width: int
    height: int
    chroma: float | None
    phash: str
    split: str
    kept: bool
    reason: str


COLUMNS = tuple(field.name for field in fields(CatalogRow))


def write_catalog(path: Path, rows: Iterable[CatalogRow]) -> None:
    """Write the rows as CSV, sorted by id, whole or not at all, and their SHA-256 beside them."""
    _write_csv(path, COLUMNS, map(_cells, sorted(rows, key=lambda row: row.id)))
    reseal(path)


def read_catalog(path: Path) -> list[CatalogRow]:
    """Read the rows back; raises HuescapeError for a file that is damaged or no catalog."""
    content = read_verified(path, "filter")
    try:
        records = csv.reader(io.StringIO(content.decode(), newline=""))
        if tuple(next(records, [])) != COLUMNS:
            raise HuescapeError(f"{path}: not a catalog; its columns must be {','.join(COLUMNS)}")
        return [_row(path, number, record) for number, record in enumerate(records, start=2)]
    except (UnicodeDecodeError, csv.Error) as error:
        reason = "not UTF-8 text" if isinstance(error, ValueError) else str(error)
        raise HuescapeError(f"{path}: cannot be read: {reason}; run the stage filter") from error


def kept_rows(rows: Iterable[CatalogRow]) -> list[CatalogRow]:
    """The kept photos, sorted by id."""
    return sorted((row for row in rows if row.kept), key=lambda row: row.id)


def split_of(sha256: str, val: float, test: float) -> str:
    """The split of a photo by its content: adding photos moves none from one split to another.

    The first 13 hex digits are a number u in [0, 1): test if u < test, else val if
    u < test + val, else train.
    """
    u = int(sha256[:13], 16) / 16**13
    if u < test:
        return "test"
    return "val" if u < test + val else "train"


def partition_of(sha256: str, partitions: int) -> int:
    """The partition of a photo, 0 .. partitions - 1, by its content."""
    return int(sha256[:8], 16) % partitions


def dataset_digest(rows: Iterable[CatalogRow]) -> str:
    """SHA-256 over the sorted lines "sha256 split" of the kept photos: names do not matter."""
    lines = sorted(f"{row.sha256} {row.split}\n" for row in rows if row.kept)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def summary(rows: Sequence[CatalogRow]) -> dict[str, Any]:
    """Counts of photos: all, kept, dropped by reason, and the kept ones by split and category."""
    kept = kept_rows(rows)
    splits = Counter(row.split for row in kept)
    return {
        "photos": len(rows),
        "kept": len(kept),
        "reasons": dict(sorted(Counter(row.reason for row in rows if not row.kept).items())),
        "splits": {split: splits[split] for split in SPLITS},
        "categories": dict(sorted(Counter(row.category for row in kept).items())),
        "dataset_digest": dataset_digest(kept),
    }


def write_summary_table(path: Path, rows: Iterable[CatalogRow]) -> None:
    """Write `source,reason,photos`, sorted; the reason of the kept photos is `kept`."""
    counts = Counter((row.source, row.reason or "kept") for row in rows)
    lines = ((source, reason, str(n)) for (source, reason), n in sorted(counts.items()))
    _write_csv(path, ("source", "reason", "photos"), lines)


def funnel(rows: Sequence[CatalogRow]) -> str:
    """The summary in one line, for people: `240 photos: 12 gray, ..., 200 kept (...)`."""
    counts = summary(rows)
    parts = [f"{counts['reasons'][r]} {r}" for r in REASONS if r in counts["reasons"]]
    splits = ", ".join(f"{n} {split}" for split, n in counts["splits"].items())
    parts.append(f"{counts['kept']} kept ({splits})")
    return f"{counts['photos']} photos: {', '.join(parts)}"


def _write_csv(path: Path, header: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(lines)
    write_text(path, text.getvalue())


def _cells(row: CatalogRow) -> list[str]:
    return [_cell(value) for value in astuple(row)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _row(path: Path, number: int, record: list[str]) -> CatalogRow:
    if len(record) != len(COLUMNS):
        raise HuescapeError(f"{path}: record {number} is damaged; run the stage filter")
    cells: dict[str, Any] = dict(zip(COLUMNS, record, strict=True))
    try:
        for name in ("bytes", "width", "height"):
            cells[name] = int(cells[name])
        cells["offset"] = int(cells["offset"]) if cells["offset"] else None
        cells["chroma"] = float(cells["chroma"]) if cells["chroma"] else None
        cells["kept"] = {"true": True, "false": False}[cells["kept"]]
        for name in ("source", "category", "tier", "split", "reason"):
            cells[name] = sys.intern(cells[name])  # a few words, held once for all photos
    except (KeyError, ValueError) as error:
        raise HuescapeError(f"{path}: record {number} is damaged; run the stage filter") from error
    return CatalogRow(**cells)

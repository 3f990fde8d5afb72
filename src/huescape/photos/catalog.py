"""The catalog: one row for each photo, and its fate; summaries of it."""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from huescape.base.atomic import write_text
from huescape.base.csvtext import csv_text, read_records
from huescape.base.digests import reseal

CATALOG = "catalog.csv"
SPLITS = ("train", "val", "test")
REASONS = (
    "not_landscape",
    "undecodable",
    "unsupported",
    "too_large",
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
_NUMBER = "[0-9]{1,18}"
_FORMS = {
    "offset": "[0-9]{0,18}",
    "bytes": _NUMBER,
    "sha256": "[0-9a-f]{64}",
    "width": _NUMBER,
    "height": _NUMBER,
    "chroma": r"|[0-9]{1,4}\.[0-9]{3}",
    "phash": "|[0-9a-f]{16}",
    "kept": "true|false",
}
# All of them at once: a catalog may have a million rows.
_FORM = re.compile(",".join(f"(?:{form})" for form in _FORMS.values()))


def write_catalog(path: Path, rows: Iterable[CatalogRow]) -> None:
    """Write the rows as CSV, sorted by id, whole or not at all, and their SHA-256 beside them."""
    lines = map(_cells, sorted(rows, key=lambda row: row.id))
    write_text(path, csv_text(COLUMNS, lines))
    reseal(path)


def read_catalog(path: Path) -> list[CatalogRow]:
    """Read the rows back; raises HuescapeError for a file that is no catalog, or is damaged."""
    records = read_records(path, COLUMNS, "a catalog", "filter", _wrong)
    return [_row(cells) for cells in records]


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
    write_text(path, csv_text(("source", "reason", "photos"), lines))


def funnel(rows: Sequence[CatalogRow]) -> str:
    """The summary in one line, for people: `240 photos: 12 gray, ..., 200 kept (...)`."""
    counts = summary(rows)
    parts = [f"{counts['reasons'][r]} {r}" for r in REASONS if r in counts["reasons"]]
    splits = ", ".join(f"{n} {split}" for split, n in counts["splits"].items())
    parts.append(f"{counts['kept']} kept ({splits})")
    return f"{counts['photos']} photos: {', '.join(parts)}"


def _cells(row: CatalogRow) -> list[str]:
    return [_cell(value) for value in astuple(row)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _wrong(cells: dict[str, str]) -> str | None:
    """The first column that no stage writes like this."""
    if not cells["id"]:
        return "id"
    if not cells["path"] or "\0" in cells["path"]:
        return "path"
    if not _FORM.fullmatch(",".join([cells[name] for name in _FORMS])):
        return next(name for name, form in _FORMS.items() if not re.fullmatch(form, cells[name]))
    kept = cells["kept"] == "true"
    if cells["reason"] not in (("",) if kept else REASONS):
        return "reason"
    if cells["split"] not in (SPLITS if kept else ("",)):
        return "split"
    return "phash" if kept and not cells["phash"] else None


def _row(cells: dict[str, Any]) -> CatalogRow:
    for name in ("bytes", "width", "height"):
        cells[name] = int(cells[name])
    cells["offset"] = int(cells["offset"]) if cells["offset"] else None
    cells["chroma"] = float(cells["chroma"]) if cells["chroma"] else None
    cells["kept"] = cells["kept"] == "true"
    for name in ("source", "category", "tier", "split", "reason"):
        cells[name] = sys.intern(cells[name])  # a few words, held once for all photos
    return CatalogRow(**cells)

"""The catalog: one row for each photo, and its fate; summaries of it."""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

from huescape.base.collection import without_collection
from huescape.base.digests import reseal
from huescape.base.errors import HuescapeError
from huescape.base.tables import (
    FLAG,
    NUMBER,
    TEXT,
    WHOLE,
    Cells,
    frame,
    read_table,
    write_table,
)

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


COLUMNS = {
    "id": TEXT, "path": TEXT, "offset": WHOLE, "bytes": WHOLE, "source": TEXT, "category": TEXT,
    "tier": TEXT, "sha256": TEXT, "width": WHOLE, "height": WHOLE, "chroma": NUMBER, "phash": TEXT,
    "split": TEXT, "kept": FLAG, "reason": TEXT,
}  # fmt: skip
#: What the stage writes, as `tables.read_table` takes it.
_FORMS = {
    "id": ".+",
    "path": r"[^\0]+",
    "offset": "[0-9]{0,18}",
    **dict.fromkeys(("bytes", "width", "height"), "[0-9]{1,18}"),
    "sha256": "[0-9a-f]{64}",
    "chroma": r"|[0-9]{1,4}\.[0-9]{3}",
    "phash": "|[0-9a-f]{16}",
    "kept": "true|false",
    "kept,reason": f"true,|false,({'|'.join(REASONS)})",
    "kept,split": f"true,({'|'.join(SPLITS)})|false,",
    "kept,phash": "true,.+|false,.*",
}


def write_catalog(path: Path, rows: Iterable[CatalogRow]) -> None:
    """Write the rows as CSV, sorted by id, whole or not at all, and their SHA-256 beside them."""
    ordered = sorted(rows, key=lambda row: row.id)
    write_table(path, frame(map(attrgetter(*COLUMNS), ordered), COLUMNS), digits=3)
    reseal(path)


def read_catalog(path: Path) -> list[CatalogRow]:
    """Read the rows back; raises HuescapeError for a file that is no catalog, or is damaged."""
    with without_collection():
        return _rows(read_table(path, [*COLUMNS], _FORMS, "a catalog", "filter"))


def read_partition(path: Path, number: int, partitions: int) -> list[CatalogRow]:
    """The kept photos of one partition, sorted by id, without holding the others.

    Raises what `read_catalog` raises.
    """
    names = [*COLUMNS]
    sha256, kept = names.index("sha256"), names.index("kept")
    is_digest = re.compile("[0-9a-f]{64}").fullmatch

    def is_of(record: list[str]) -> bool:
        if record[kept] == "false":
            return False
        # What is no digest is damage, which its form tells.
        return not is_digest(record[sha256]) or partition_of(record[sha256], partitions) == number

    try:
        return kept_rows(_rows(read_table(path, names, _FORMS, "a catalog", "filter", is_of)))
    except HuescapeError:
        read_catalog(path)  # names the record by its place in the file
        raise


def _rows(read: Cells) -> list[CatalogRow]:
    cells: dict[str, Iterable[Any]] = {**read}
    for name in ("bytes", "width", "height"):
        cells[name] = map(int, cells[name])
    for name in ("source", "category", "tier", "split", "reason"):
        cells[name] = map(sys.intern, cells[name])  # a few words, held once for all photos
    cells["offset"] = (int(cell) if cell else None for cell in cells["offset"])
    cells["chroma"] = (float(cell) if cell else None for cell in cells["chroma"])
    cells["kept"] = (cell == "true" for cell in cells["kept"])
    return list(map(CatalogRow, *cells.values()))


def kept_rows(rows: Iterable[CatalogRow]) -> list[CatalogRow]:
    """The kept photos, sorted by id."""
    return sorted((row for row in rows if row.kept), key=lambda row: row.id)


def split_of(sha256: str, val: float, test: float) -> str:
    """The split of a photo by its content: adding photos moves none from one split to another.

    SHA-256 of "split " and `sha256` makes a number u in [0, 1) of its first 13 hex digits: test if
    u < test, else val if u < test + val, else train. `sha256` itself would not do: photos that were
    chosen from more by their digest, the smallest first say, would hardly ever train.
    """
    u = int(hashlib.sha256(f"split {sha256}".encode()).hexdigest()[:13], 16) / 16**13
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
    lines = [(source, reason, photos) for (source, reason), photos in sorted(counts.items())]
    write_table(path, frame(lines, {"source": TEXT, "reason": TEXT, "photos": WHOLE}))


def funnel(rows: Sequence[CatalogRow]) -> str:
    """The summary in one line, for people: `240 photos: 12 gray, ..., 200 kept (...)`."""
    counts = summary(rows)
    parts = [f"{counts['reasons'][r]} {r}" for r in REASONS if r in counts["reasons"]]
    splits = ", ".join(f"{n} {split}" for split, n in counts["splits"].items())
    parts.append(f"{counts['kept']} kept ({splits})")
    return f"{counts['photos']} photos: {', '.join(parts)}"

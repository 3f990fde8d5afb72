"""The catalog: one row for each photo, and its fate; summaries of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huescape.base.tables import TEXT, WHOLE, frame, write_table

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
    """One photo; the fields are the columns of the catalog's file, in their order.

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
    digest = hashlib.sha256()
    for line in sorted(f"{row.sha256} {row.split}\n" for row in rows if row.kept):
        digest.update(line.encode())
    return digest.hexdigest()


def summary(rows: Sequence[CatalogRow]) -> dict[str, Any]:
    """Counts of photos: all, kept, dropped by reason, and the kept ones by split and category."""
    kept = [row for row in rows if row.kept]
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

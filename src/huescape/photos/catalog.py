"""The catalog: one row for each photo, and its fate; summaries of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from huescape.base.tables import TEXT, WHOLE, frame, write_table

SPLITS = ("train", "val", "test")
# In the order of their names, for sorting.
_BY_NAME = {split: bytes([k]) for k, split in enumerate(sorted(SPLITS), 1)}
KEPT = "kept"  # in summaries, where others have a reason
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


class Tally:
    """Counts of photos, as their rows go by; 33 bytes for each are held."""

    def __init__(self) -> None:
        self._fates: Counter[tuple[str, str]] = Counter()
        self._categories: Counter[str] = Counter()
        self._splits: Counter[str] = Counter()
        self._kept = bytearray()  # SHA-256 and the split, as _BY_NAME has it

    def counted(self, rows: Iterable[CatalogRow]) -> Iterator[CatalogRow]:
        """Yield the rows, each once it is counted."""
        for row in rows:
            self._fates[row.source, row.reason or KEPT] += 1
            if row.kept:
                self._categories[row.category] += 1
                self._splits[row.split] += 1
                self._kept += bytes.fromhex(row.sha256) + _BY_NAME[row.split]
            yield row

    def summary(self) -> dict[str, Any]:
        """Counts of photos: all, kept, dropped by reason, kept ones by split and category."""
        reasons = self._reasons()
        kept = reasons.pop(KEPT, 0)
        return {
            "photos": kept + sum(reasons.values()),
            "kept": kept,
            "reasons": dict(sorted(reasons.items())),
            "splits": {split: self._splits[split] for split in SPLITS},
            "categories": dict(sorted(self._categories.items())),
            "dataset_digest": self.digest(),
        }

    def digest(self) -> str:
        """SHA-256 over the sorted lines "sha256 split" of the kept photos: names do not matter."""
        digest = hashlib.sha256()
        names = {code: split for split, code in _BY_NAME.items()}
        lines = np.frombuffer(self._kept, np.uint8).reshape(-1, 33).view("S33").ravel()
        for line in np.sort(lines):  # NumPy drops zeros at the end; there are none
            digest.update(f"{line[:32].hex()} {names[line[32:]]}\n".encode())
        return digest.hexdigest()

    def funnel(self) -> str:
        """The counts in one line, for people: `240 photos: 12 gray, ..., 200 kept (...)`."""
        reasons = self._reasons()
        parts = [f"{reasons[reason]} {reason}" for reason in REASONS if reason in reasons]
        splits = ", ".join(f"{self._splits[split]} {split}" for split in SPLITS)
        parts.append(f"{reasons[KEPT]} kept ({splits})")
        return f"{sum(reasons.values())} photos: {', '.join(parts)}"

    def write_table(self, path: Path) -> None:
        """Write `source,reason,photos`, sorted; the reason of the kept photos is `kept`."""
        lines = [(*fate, photos) for fate, photos in sorted(self._fates.items())]
        write_table(path, frame(lines, {"source": TEXT, "reason": TEXT, "photos": WHOLE}))

    def _reasons(self) -> Counter[str]:
        reasons: Counter[str] = Counter()
        for (_, reason), photos in self._fates.items():
            reasons[reason] += photos
        return reasons

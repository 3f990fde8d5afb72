"""The manifest of the raw photos: one row a photo, as CSV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any

from huescape.base.collection import without_collection
from huescape.base.digests import reseal
from huescape.base.errors import HuescapeError
from huescape.base.tables import TEXT, WHOLE, frame, read_parts, write_table

TIERS = ("core", "extended", "none")
SPLITS = ("", "train", "val", "test")


@dataclass(frozen=True, slots=True)
class ManifestRow:
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


COLUMNS = {field.name: WHOLE if field.name == "bytes" else TEXT for field in fields(ManifestRow)}
#: What the stage writes, as `tables.read_parts` takes it. No disk holds 10**18 bytes.
_FORMS = {
    "id": ".+",
    "tier": "|".join(TIERS),
    "path": r"[^\0]+",
    "offset": "[0-9]{0,18}",
    "bytes": "[0-9]{1,18}",
    "sha256": "[0-9a-f]{64}",
    "split": "|".join(SPLITS),
}


def write_manifest(path: Path, rows: Iterable[ManifestRow]) -> None:
    """Write the rows sorted by id, whole or not at all, and their SHA-256 beside them."""
    ordered = sorted(rows, key=lambda row: row.id)
    write_table(path, frame(map(attrgetter(*COLUMNS), ordered), COLUMNS))
    reseal(path)


def read_manifest(path: Path) -> list[ManifestRow]:
    """All rows, as `manifest_rows` yields them."""
    with without_collection():
        return list(manifest_rows(path))


def manifest_rows(path: Path) -> Iterator[ManifestRow]:
    """Yield the rows by id, some thousand held at a time.

    Raises HuescapeError for a file that is no manifest, or is damaged.
    """
    for part in read_parts(path, [*COLUMNS], _FORMS, "a manifest", "download"):
        cells: dict[str, Iterable[Any]] = {**part, "bytes": map(int, part["bytes"])}
        yield from map(ManifestRow, *cells.values())


def read_again(path: Path) -> Callable[[], Iterator[ManifestRow]]:
    """What yields the rows each time it is called, as `manifest_rows` does, of one file.

    Where the file is another one than at the first time, it raises HuescapeError: before the first
    row, or after the last one.
    """
    first: set[tuple[int, ...]] = set()

    def check() -> None:
        with suppress(OSError):  # which `manifest_rows` tells in words
            now = path.stat()
            first.add((now.st_ino, now.st_mtime_ns, now.st_size))
        if len(first) > 1:
            raise HuescapeError(f"{path}: was replaced while it was read; run the stage again")

    def rows() -> Iterator[ManifestRow]:
        check()
        yield from manifest_rows(path)
        check()

    return rows

"""The catalog as a file: one row for each photo, in columns; readers take what they need of it."""

from __future__ import annotations

import sys
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import fields
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from huescape.base.collection import without_collection
from huescape.base.errors import HuescapeError
from huescape.base.parquet import GROUP, Columns, Form, Rule, Wanted, open_table, write_table
from huescape.photos.catalog import REASONS, SPLITS, CatalogRow, partition_of

Mask: TypeAlias = npt.NDArray[np.bool_]

CATALOG = "catalog.parquet"
COLUMNS = tuple(field.name for field in fields(CatalogRow))

_TYPES = {
    "id": pa.string(), "path": pa.string(), "offset": pa.int64(), "bytes": pa.int64(),
    "source": pa.string(), "category": pa.string(), "tier": pa.string(), "sha256": pa.binary(32),
    "width": pa.int32(), "height": pa.int32(), "chroma": pa.float64(), "phash": pa.uint64(),
    "split": pa.string(), "kept": pa.bool_(), "reason": pa.string(),
}  # fmt: skip
_MISSING = ("offset", "chroma", "phash")  # may be null: not measured, or a file of its own
_WORDS = ("source", "category", "tier", "split", "reason")


def _not_negative(name: str) -> Rule:
    return Rule((name,), lambda columns: pc.greater_equal(columns[name], 0))


def _path_is_one(columns: Columns) -> Any:
    has_nul = pc.match_substring(columns["path"], "\0")
    return pc.and_not(pc.not_equal(columns["path"], ""), has_nul)


def _chroma_is_one(columns: Columns) -> Any:
    # Not of infinity, and not of NaN, which is less than nothing.
    return pc.and_(pc.greater_equal(columns["chroma"], 0), pc.less(columns["chroma"], 10_000))


def _kept_or(name: str, kept: Sequence[str], dropped: Sequence[str]) -> Rule:
    """Which words a column has for photos that are kept, and for the others."""

    def holds(columns: Columns) -> Any:
        words = (pc.is_in(columns[name], pa.array(some)) for some in (kept, dropped))
        return pc.if_else(columns["kept"], *words)

    return Rule(("kept", name), holds)


_FORM = Form(
    schema=pa.schema([pa.field(name, _TYPES[name], name in _MISSING) for name in COLUMNS]),
    words=_WORDS,
    rules=(
        Rule(("path",), _path_is_one),
        *map(_not_negative, ("offset", "bytes", "width", "height")),
        Rule(("chroma",), _chroma_is_one),
        _kept_or("split", SPLITS, [""]),
        _kept_or("reason", [""], REASONS),
        Rule(
            ("kept", "phash"),
            lambda columns: pc.or_(pc.invert(columns["kept"]), pc.is_valid(columns["phash"])),
        ),
    ),
    what="a catalog",
    stage="filter",
)


def write_catalog(path: Path, rows: Iterable[CatalogRow]) -> None:
    """Write the rows, whole or not at all, and their SHA-256 beside them.

    They are taken one by one, and a group of them is held at a time.
    Raises ValueError where an id is not above the one before.
    """
    ordered = _ascending(rows)
    groups = iter(lambda: list(islice(ordered, GROUP)), [])
    write_table(path, _FORM, map(_columns, groups))


def _ascending(rows: Iterable[CatalogRow]) -> Iterator[CatalogRow]:
    last = ""
    for row in rows:
        if row.id <= last:
            raise ValueError(f"{row.id!r} after {last!r}")
        last = row.id
        yield row


def read_catalog(path: Path) -> list[CatalogRow]:
    """All rows, as objects; raises HuescapeError for a file that is no catalog, or is damaged."""
    return list(_rows(path, ()))


def read_kept(path: Path) -> list[CatalogRow]:
    """The kept photos, sorted by id; raises what `read_catalog` raises."""
    return list(_rows(path, ("kept",), _is_kept))


def read_partition(path: Path, number: int, partitions: int) -> list[CatalogRow]:
    """The kept photos of one partition, sorted by id, without holding the others.

    Raises what `read_catalog` raises.
    """
    return _of_partitions(path, partitions, range(number, number + 1))[number]


class Partitions:
    """The kept photos by partition, of which as many as fit into some rows are held at a time.

    Asked for in their order, they take a reading of the file for each 262,144 photos.
    Raises what `read_catalog` raises.
    """

    HELD = 2**18  # photos

    def __init__(self, path: Path, partitions: int) -> None:
        self._path, self._partitions = path, partitions
        self.total = sum(part.num_rows for part in _read(path, ["kept"], ("kept",), _is_kept))
        self._step = max(1, partitions * self.HELD // max(1, self.total))
        self._held: dict[int, list[CatalogRow]] = {}

    def __getitem__(self, number: int) -> list[CatalogRow]:
        if number not in self._held:
            self._held.clear()  # before the next are read
            first = number - number % self._step
            numbers = range(first, min(first + self._step, self._partitions))
            self._held = _of_partitions(self._path, self._partitions, numbers)
        return self._held[number]


def known_rows(path: Path, ids: Collection[str]) -> dict[str, CatalogRow]:
    """The rows of these photos by id, as far as they are there; raises as `read_catalog`."""
    return {row.id: row for row in _rows(path, ("id",), _is_one_of(ids))}


def rows_of(path: Path, ids: Sequence[str]) -> list[CatalogRow]:
    """The rows of these photos, in their order.

    Raises what `read_catalog` raises, and HuescapeError for a photo that is not there.
    """
    known = known_rows(path, ids)
    return [known[photo] for photo in _all_there(path, ids, known)]


def values_of(path: Path, column: str, ids: Sequence[str]) -> list[Any]:
    """One column of these photos, in their order, as it is stored; raises as `rows_of`."""
    known: dict[str, Any] = {}
    for part in _read(path, ["id", column], ("id",), _is_one_of(ids)):
        values = _list(part[column], is_words=column in _WORDS)
        known.update(zip(_list(part["id"]), values, strict=True))
    return [known[photo] for photo in _all_there(path, ids, known)]


def prints_of(
    path: Path, splits: Sequence[str]
) -> tuple[npt.NDArray[np.bytes_], npt.NDArray[np.uint64]]:
    """What copies of the photos of these splits are known by, K of them.

    Returns:
        Their SHA-256, (K,), 32 bytes each, and their perceptual hashes, (K,).
    Raises:
        HuescapeError: see `read_catalog`.
    """

    def is_of(columns: Columns) -> Mask:
        return _array(pc.is_in(columns["split"], pa.array(splits)))

    digests, hashes = [np.empty((0, 32), np.uint8)], [np.empty(0, np.uint64)]
    for part in _read(path, ["sha256", "phash", "split", "kept"], ("split",), is_of):
        digests.append(_digests(part))
        hashes.append(_array(part["phash"]))
    return np.concatenate(digests).view("S32").ravel(), np.concatenate(hashes)


def _all_there(path: Path, ids: Sequence[str], known: Collection[str]) -> Sequence[str]:
    missing = next((photo for photo in ids if photo not in known), None)
    if missing is not None:
        raise HuescapeError(
            f"{path}: {missing!r} is not there, though it was resized; run the stages filter "
            "and resize again"
        )
    return ids


def _read(
    path: Path, names: Sequence[str], keys: Sequence[str] = (), wanted: Wanted | None = None
) -> Generator[Columns, None, None]:
    with open_table(path, _FORM) as table:
        yield from table.read(names, keys, wanted)


def _rows(path: Path, keys: Sequence[str], wanted: Wanted | None = None) -> Iterator[CatalogRow]:
    with without_collection(), closing(_read(path, COLUMNS, keys, wanted)) as parts:
        for part in parts:
            yield from map(CatalogRow, *(_cells(part, name) for name in COLUMNS))


def _of_partitions(path: Path, partitions: int, numbers: range) -> dict[int, list[CatalogRow]]:
    def is_of(columns: Columns) -> Mask:
        # As `partition_of` has it.
        starts_N = np.ascontiguousarray(_digests(columns)[:, :4]).view(">u4").ravel()
        number_N = starts_N % partitions
        return (number_N >= numbers.start) & (number_N < numbers.stop) & _is_kept(columns)

    found: dict[int, list[CatalogRow]] = {number: [] for number in numbers}
    for row in _rows(path, ("kept", "sha256"), is_of):
        found[partition_of(row.sha256, partitions)].append(row)
    return found


def _is_kept(columns: Columns) -> Mask:
    return _array(columns["kept"])


def _is_one_of(ids: Collection[str]) -> Wanted:
    wanted = frozenset(ids)
    return lambda columns: np.array([photo in wanted for photo in _list(columns["id"])], bool)


def _cells(columns: Columns, name: str) -> Iterable[Any]:
    """A column as the fields of rows have it."""
    if name == "sha256":
        return map(bytes.hex, columns[name].to_pylist())
    if name == "phash":
        return ("" if bits is None else f"{bits:016x}" for bits in columns[name].to_pylist())
    return _list(columns[name], is_words=name in _WORDS)


def _list(column: Any, *, is_words: bool = False) -> list[Any]:
    if column.null_count:
        return list(column.to_pylist())
    cells = column.to_numpy().tolist()
    # A few words, held once for all photos.
    return list(map(sys.intern, cells)) if is_words else list(cells)


def _columns(rows: Sequence[CatalogRow]) -> dict[str, Any]:
    """The columns of some rows, as they are stored."""
    cells: dict[str, Iterable[Any]] = dict(
        zip(COLUMNS, zip(*map(attrgetter(*COLUMNS), rows), strict=True), strict=True)
    )
    cells["sha256"] = map(bytes.fromhex, cells["sha256"])
    cells["phash"] = (int(bits, 16) if bits else None for bits in cells["phash"])
    return {name: pa.array(some, _TYPES[name]) for name, some in cells.items()}


def _array(column: Any) -> npt.NDArray[Any]:
    """A column without nulls, (N,)."""
    found: npt.NDArray[Any] = column.to_numpy()
    return found


def _digests(columns: Columns) -> npt.NDArray[np.uint8]:
    """The bytes of a group's SHA-256, (N, 32)."""
    column = columns["sha256"].combine_chunks()
    if not len(column):
        return np.empty((0, 32), np.uint8)
    bytes_M = np.frombuffer(column.buffers()[1], np.uint8)
    return bytes_M[32 * column.offset :][: 32 * len(column)].reshape(-1, 32)

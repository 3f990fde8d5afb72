"""Read a folder of shards through memory maps, in this process.

Worker processes make memory-mapped reading several times slower: gather whole batches here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base import digests
from huescape.base.errors import HuescapeError
from huescape.base.open_files import allow_open_files
from huescape.base.progress import progress
from huescape.shards.format import (
    INDEX,
    Column,
    Index,
    Sidecar,
    column_file,
    maker,
    read_index,
    read_sidecar,
    sidecar_file,
    whole_number,
)
from huescape.shards.remote import File, Remote

Array = npt.NDArray[Any]

# Rows of so many bytes are copied one by one: gathering a shard's at once would copy them twice.
_LARGE_ROW = 4096


class ShardSet:
    """All photos of a folder, numbered 0 .. count - 1 in the order of the index ("global rows").

    Attributes:
        folder: where the shards are.
        kind: `photos` or `targets`.
        columns: {name: Column}.
        meta: how the shards were made, from the index.
        count: number of photos.
        ids: the photos' ids, by global row.
        splits: (count,) array of str, by global row.
    """

    def __init__(
        self, folder: Path, index: Index, sidecars: list[Sidecar], remote: Remote | None = None
    ) -> None:
        self.folder = folder
        self.kind: str = index.kind
        self.columns = {k: Column(k, c.dtype, c.shape) for k, c in index.columns.items()}
        self.meta: dict[str, Any] = index.meta
        self.count = index.count
        self.ids: list[str] = [photo_id for sidecar in sidecars for photo_id in sidecar.ids]
        self.splits: npt.NDArray[np.str_] = np.array(
            [split for sidecar in sidecars for split in sidecar.splits], dtype=np.str_
        )
        self._index = index
        self._remote = remote
        self._sizes = [{k: c.bytes for k, c in one.columns.items()} for one in sidecars]
        self._ends = np.cumsum([shard.count for shard in index.shards], dtype=np.int64)
        self._starts = np.append(np.int64(0), self._ends)[:-1]
        self._maps: dict[str, dict[int, Array]] = {name: {} for name in self.columns}
        self._verified: set[tuple[int, str]] = set()
        self._only: int | None = None

    @classmethod
    def open(
        cls,
        folder: Path,
        kind: str | None = None,
        remote: Remote | None = None,
        only: int | None = None,
    ) -> ShardSet:
        """Open `folder`; with `kind`, only if it is of that kind; with `only`, that shard alone.

        With `remote`, the folder holds index and sidecars alone, and the columns are there.

        The index and the sidecars are compared with their SHA-256, the columns with their size: a
        column is compared with its XXH3 when it is first read.
        Raises HuescapeError, naming the file: unknown version or kind, missing file, wrong size,
        sidecar that is not the one that was indexed, more files than may be open.
        """
        folder = Path(folder)
        index = read_index(folder, kind or "photos")
        if kind is not None and index.kind != kind:
            raise HuescapeError(f"{folder}: holds shards of kind {index.kind!r}; needed: {kind!r}")
        if only is not None:
            alone = index.shards[only]
            index = index.model_copy(update={"shards": [alone], "count": alone.count})
        # A map holds its file open.
        allow_open_files(
            len(index.shards) * len(index.columns), f"{folder}: reading all its shards"
        )
        sidecars = []
        for number in range(len(index.shards)):
            sidecars.append(_opened_sidecar(folder, index, number, local=remote is None))
        opened = cls(folder, index, sidecars, remote)
        opened._only = only
        return opened

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the folder, not the gigabytes that the maps show."""
        return ShardSet.open, (self.folder, self.kind, self._remote, self._only)

    def rows(self, split: str) -> npt.NDArray[np.int64]:
        """Global rows of the photos of `split`, ascending; may be empty."""
        return np.flatnonzero(self.splits == split).astype(np.int64)

    def number(self, key: str) -> int:
        """A whole number from 1 of `meta`; HuescapeError where there is none."""
        return whole_number(self.meta, key, self.folder, self.kind)

    @property
    def shard_names(self) -> list[str]:
        """The shards, in the order of the index."""
        return [shard.name for shard in self._index.shards]

    def shard_rows(self, number: int) -> range:
        """Global rows of shard `number`, counted from 0 in the order of the index."""
        end = int(self._ends[number])
        return range(end - self._index.shards[number].count, end)

    def take(self, column: str, rows: npt.ArrayLike) -> Array:
        """Copy the rows of a column: (len(rows), *shape), in the order of `rows`.

        Raises KeyError for an unknown column, IndexError for a row outside 0 .. count - 1.
        """
        described = self.columns[column]
        rows_N = self._checked(rows)
        out = np.empty((rows_N.size, *described.shape), dtype=described.dtype)
        if out.itemsize * math.prod(described.shape) >= _LARGE_ROW:
            for at, view in enumerate(self._views(column, rows_N)):
                out[at] = view
            return out
        shard_N, local_N = self._located(rows_N)
        for number in np.unique(shard_N):
            at_M = np.flatnonzero(shard_N == number)
            out[at_M] = self._map(int(number), column)[local_N[at_M]]
        return out

    def views(self, column: str, rows: npt.ArrayLike) -> list[Array]:
        """The rows of a column as they lie in the memory maps, read-only: nothing is copied.

        Raises what `take` raises.
        """
        return self._views(column, self._checked(rows))

    def shard_numbers(self, rows: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """The number (N,) of the shard that each of the rows lies in.

        Raises IndexError for a row outside 0 .. count - 1.
        """
        return self._located(self._checked(rows))[0]

    @property
    def is_remote(self) -> bool:
        """Whether columns are fetched, and do not lie in the folder."""
        return self._remote is not None

    def expect(self, shards: Iterable[int]) -> None:
        """Begin to fetch these shards (numbers), as many of the first as have room together."""
        if self._remote is not None:
            numbers = dict.fromkeys(shards)
            self._remote.expect(self._file(k, column) for k in numbers for column in self.columns)

    def _views(self, column: str, rows_N: npt.NDArray[np.int64]) -> list[Array]:
        shard_N, local_N = self._located(rows_N)
        shards, locals_ = shard_N.tolist(), local_N.tolist()
        maps = self._maps[column]
        if self._remote is not None:  # one that is fetched may take the room of another of them
            maps = {number: self._map(number, column) for number in dict.fromkeys(shards)}
        for number in set(shards) - maps.keys():
            self._map(number, column)
        return [maps[number][local] for number, local in zip(shards, locals_, strict=True)]

    def _checked(self, rows: npt.ArrayLike) -> npt.NDArray[np.int64]:
        rows_N = np.asarray(rows, dtype=np.int64).reshape(-1)
        # Read as unsigned, a row below 0 is far above all others: one pass instead of two.
        if rows_N.size and int(rows_N.view(np.uint64).max()) >= self.count:
            raise IndexError(f"{self.folder}: rows outside 0 .. {self.count - 1}")
        return rows_N

    def _located(
        self, rows_N: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The number of each row's shard, and the row's place in it."""
        shard_N = self._ends.searchsorted(rows_N, side="right")
        return shard_N, rows_N - self._starts[shard_N]

    def verify(self) -> None:
        """Read every column file; raises HuescapeError naming the first whose XXH3 is wrong.

        Reading does the same, column by column: this is for those who would rather know at once.
        Columns that are fetched are compared whenever they are, and not here.
        """
        if self._remote is not None:
            return
        files = [(k, column) for k in range(len(self._index.shards)) for column in self.columns]
        for number, column in progress(files, desc="verify", unit="file"):
            self._verify(number, column)

    def _verify(self, number: int, column: str) -> None:
        """Compare a column file with the index, once in the life of this object."""
        if (number, column) in self._verified:
            return
        shard = self._index.shards[number]
        path = self.folder / column_file(shard.name, column)
        if _digest(path, digests.file_xxh3) != shard.xxh3[column]:
            raise HuescapeError(
                f"{path}: damaged: its XXH3 is not the one in {self.folder / INDEX}; "
                f"{digests.remedy(maker(self.folder, self.kind))}"
            )
        self._verified.add((number, column))

    def _map(self, number: int, column: str) -> Array:
        maps = self._maps[column]
        if self._remote is not None:
            return self._fetched(number, column, self._remote)
        if number not in maps:
            self._verify(number, column)
            shard = self._index.shards[number]
            path = self.folder / column_file(shard.name, column)
            maps[number] = _mapped(path, self.columns[column], shard.count)
        return maps[number]

    def _fetched(self, number: int, column: str, remote: Remote) -> Array:
        """As `_map`, of a file that stays for as long as the cache has room for it."""
        maps, file = self._maps[column], self._file(number, column)
        if number not in maps or not remote.cache.keeps(file.xxh3):
            described, count = self.columns[column], self._index.shards[number].count
            maps[number] = remote.opened(file, lambda path: _mapped(path, described, count))
            self._let_go(remote)
        return maps[number]

    def _let_go(self, remote: Remote) -> None:
        """Drop the maps of files that made room: until then, the disk keeps their bytes."""
        for column, maps in self._maps.items():
            for number in list(maps):
                if not (remote.cache.folder / self._file(number, column).xxh3).exists():
                    del maps[number]

    def _file(self, number: int, column: str) -> File:
        shard = self._index.shards[number]
        size = self._sizes[number][column]
        return File(column_file(shard.name, column), shard.xxh3[column], size)


def _opened_sidecar(folder: Path, index: Index, number: int, *, local: bool) -> Sidecar:
    shard = index.shards[number]
    path = folder / sidecar_file(shard.name)
    again = digests.remedy(maker(folder, index.kind))
    if path.is_file() and _digest(path, digests.file_sha256) != shard.sidecar:
        raise HuescapeError(f"{path}: is not the sidecar that the index lists; {again}")
    sidecar = read_sidecar(folder, shard.name, again)
    if not sidecar.columns.keys() == index.columns.keys() == shard.xxh3.keys():
        raise HuescapeError(f"{path}: has other columns than the index; {again}")
    for name in index.columns if local else ():
        column = folder / column_file(shard.name, name)
        if not column.is_file():
            raise HuescapeError(f"{column}: no such file; the shards are not complete; {again}")
        expected, found = sidecar.columns[name].bytes, column.stat().st_size
        if found != expected:
            raise HuescapeError(
                f"{column}: has {found} bytes, expected {expected}: damaged; {again}"
            )
    return sidecar


def _digest(path: Path, compute: Callable[[Path], str]) -> str:
    try:
        return compute(path)
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror or error}") from error


def _mapped(path: Path, column: Column, count: int) -> Array:
    """The file as an array (count, *shape); the header must agree with the index."""
    try:
        array = np.asarray(np.load(path, mmap_mode="r" if count else None, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise HuescapeError(f"{path}: not a readable .npy file: {error}") from error
    if array.shape != (count, *column.shape) or array.dtype.name != column.dtype:
        raise HuescapeError(
            f"{path}: holds {array.dtype.name} {array.shape}, "
            f"expected {column.dtype} {(count, *column.shape)}"
        )
    return array

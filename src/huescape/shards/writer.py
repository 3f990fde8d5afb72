"""Write shards row by row, and the index over them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import xxhash

from huescape.base import digests
from huescape.base.atomic import replace_file, write_json
from huescape.base.errors import HuescapeError
from huescape.base.temporaries import sweep
from huescape.shards.format import (
    INDEX,
    KINDS,
    Column,
    Index,
    IndexColumn,
    IndexShard,
    Sidecar,
    StoredColumn,
    column_file,
    read_sidecar,
    sidecar_file,
)

Array = npt.NDArray[Any]
Row = tuple[str, str, Mapping[str, Array]]
# Linux keeps a block that is written at once, and starts at a multiple of 2 MB, in huge pages of
# the page cache: photos are then read back at random a seventh faster. Other systems do not mind.
_BLOCK = 1 << 22
_SHARD_FILE = re.compile(r"(?P<name>\d{5,})\.(json|\w+\.npy)")


def write_shard(
    folder: Path,
    name: str,
    columns: Sequence[Column],
    rows: Iterable[Row],
    extra_fn: Callable[[], dict[str, Any]] | None = None,
    *,
    count: int | None = None,
) -> Sidecar:
    """Write shard `name` into `folder`, a few megabytes at a time; the sidecar comes last.

    Args:
        rows: (id, split, {column: array of the column's dtype and shape}), one a photo.
        extra_fn: called after the last row; what it returns becomes `extra` of the sidecar.
        count: the number of rows; may be left out if `rows` has a length. 0 is allowed.
    Raises:
        HuescapeError: the disk refuses, or there are more or fewer rows than `count`. Columns
            are then not renamed into place.
        ValueError: a row's arrays are not what `columns` says.
    """
    if count is None:
        count = len(rows)  # type: ignore[arg-type]
    ids: list[str] = []
    splits: list[str] = []
    (folder / sidecar_file(name)).unlink(missing_ok=True)  # it must never describe other columns
    with ExitStack() as stack:
        writers = [_ColumnWriter(stack, folder, name, column, count) for column in columns]
        for photo_id, split, arrays in rows:
            _check_names(arrays, columns, photo_id)
            for writer in writers:
                writer.append(arrays[writer.column.name], photo_id)
            ids.append(photo_id)
            splits.append(split)
        if len(ids) != count:
            raise HuescapeError(f"{folder / name}: {count} photos announced, {len(ids)} given")
        stored = {writer.column.name: writer.close() for writer in writers}
    extra = extra_fn() if extra_fn else {}
    sidecar = Sidecar(name=name, count=count, ids=ids, splits=splits, columns=stored, extra=extra)
    write_json(folder / sidecar_file(name), sidecar.model_dump(mode="json"))
    return sidecar


def write_index(
    folder: Path,
    kind: str,
    columns: Sequence[Column],
    names: Sequence[str],
    meta: Mapping[str, Any],
) -> dict[str, Any]:
    """Write `index.json` over the shards `names`, from their sidecars, and return it.

    SHA256SUMS, written last, lists it and the files it lists.
    Files of other shards and left-overs of killed writers are removed from `folder`.
    Raises HuescapeError when a shard is missing, has other columns, or a photo is in two.
    """
    if kind not in KINDS:
        raise HuescapeError(f"{folder}: kind is {kind!r}; allowed: {', '.join(KINDS)}")
    sidecars = [_checked_sidecar(folder, name, columns) for name in names]
    _check_unique(folder, sidecars)
    _remove_others(folder, set(names))
    sweep(folder)
    index = Index(
        kind=kind,  # type: ignore[arg-type]
        columns={c.name: IndexColumn(dtype=c.dtype, shape=c.shape) for c in columns},
        count=sum(sidecar.count for sidecar in sidecars),
        splits=dict(Counter(split for sidecar in sidecars for split in sidecar.splits)),
        shards=[
            IndexShard(
                name=sidecar.name,
                count=sidecar.count,
                xxh3={name: column.xxh3 for name, column in sidecar.columns.items()},
                sidecar=digests.file_sha256(folder / sidecar_file(sidecar.name)),
            )
            for sidecar in sidecars
        ],
        meta=dict(meta),
    )
    value: dict[str, Any] = index.model_dump(mode="json")
    write_json(folder / INDEX, value)
    digests.write_sums(folder, _sums(folder, index, sidecars))
    return value


def _sums(folder: Path, index: Index, sidecars: Sequence[Sidecar]) -> dict[str, str]:
    """Digests by file name; those of the columns are known, so they are not read for it."""
    sums = {INDEX: digests.file_sha256(folder / INDEX)}
    for shard, sidecar in zip(index.shards, sidecars, strict=True):
        sums[sidecar_file(shard.name)] = shard.sidecar
        for name, column in sidecar.columns.items():
            sums[column_file(shard.name, name)] = column.sha256
    return sums


class _ColumnWriter:
    """A `.npy` file written and hashed in one pass.

    Plain writes, not a memory map: a full disk is then an error of `write`, not a SIGBUS that
    kills the process without a word.
    """

    def __init__(
        self, stack: ExitStack, folder: Path, name: str, column: Column, count: int
    ) -> None:
        self.column = column
        path = stack.enter_context(replace_file(folder / column_file(name, column.name)))
        self._file: BinaryIO = stack.enter_context(path.open("wb", buffering=_BLOCK))
        self._sha256, self._xxh3 = hashlib.sha256(), xxhash.xxh3_128()
        self._bytes = 0
        np.lib.format.write_array_header_1_0(
            self,
            {
                "descr": np.lib.format.dtype_to_descr(column.stored),
                "fortran_order": False,
                "shape": (count, *column.shape),
            },
        )

    def write(self, content: bytes | memoryview) -> None:
        self._sha256.update(content)
        self._xxh3.update(content)
        left = memoryview(content)
        while left:
            room = _BLOCK - self._bytes % _BLOCK
            part, left = left[:room], left[room:]
            self._file.write(part)
            self._bytes += len(part)
            if len(part) == room:  # else the buffer decides where a write begins
                self._file.flush()

    def append(self, array: Array, photo_id: str) -> None:
        column = self.column
        array = np.asarray(array)
        if array.dtype.name != column.dtype or array.shape != column.shape:
            raise ValueError(
                f"{photo_id}: column {column.name} is {array.dtype.name} {array.shape}; "
                f"expected {column.dtype} {column.shape}"
            )
        # The array's own memory: a copy of every photo would cost a tenth of the stage resize.
        self.write(np.ascontiguousarray(array, column.stored).reshape(-1).view(np.uint8).data)

    def close(self) -> StoredColumn:
        """End the file; it is on the disk once it has its name, before the sidecar is written."""
        self._file.close()
        return StoredColumn(
            dtype=self.column.dtype,
            shape=self.column.shape,
            sha256=self._sha256.hexdigest(),
            xxh3=self._xxh3.hexdigest(),
            bytes=self._bytes,
        )


def _check_names(arrays: Mapping[str, Array], columns: Sequence[Column], photo_id: str) -> None:
    expected = {column.name for column in columns}
    if set(arrays) != expected:
        raise ValueError(f"{photo_id}: columns {sorted(arrays)}; expected {sorted(expected)}")


def _checked_sidecar(folder: Path, name: str, columns: Sequence[Column]) -> Sidecar:
    again = "remove the folder and make it again"
    sidecar = read_sidecar(folder, name, again)
    found = {key: Column(key, c.dtype, c.shape) for key, c in sidecar.columns.items()}
    if found != {column.name: column for column in columns} or sidecar.name != name:
        raise HuescapeError(
            f"{folder / sidecar_file(name)}: has other columns than expected: an old shard; {again}"
        )
    return sidecar


def _check_unique(folder: Path, sidecars: Sequence[Sidecar]) -> None:
    seen: dict[str, str] = {}
    for sidecar in sidecars:
        for photo_id in sidecar.ids:
            if photo_id in seen:
                raise HuescapeError(
                    f"{folder}: photo {photo_id} is in shards {seen[photo_id]} and {sidecar.name}"
                )
            seen[photo_id] = sidecar.name


def _remove_others(folder: Path, names: set[str]) -> None:
    for path in sorted(folder.iterdir()):
        match = _SHARD_FILE.fullmatch(path.name)
        if match and match["name"] not in names:
            path.unlink()

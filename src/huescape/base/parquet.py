"""Tables as Parquet: the same rows give the same bytes, and are read a group of rows at a time.

All that the bytes follow from is set here; the version of Parquet's library, which the file names,
comes on top. Rows are sorted by `id`, each has one of its own, and nothing of a table is held that
is not asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from huescape.base.atomic import replace_file
from huescape.base.digests import open_verified, remedy, reseal
from huescape.base.errors import HuescapeError

Columns: TypeAlias = Any  # a pyarrow.Table, which has no types
Wanted = Callable[[Columns], npt.NDArray[np.bool_]]

GROUP = 8192  # rows of a group
# Sorted names share their beginnings; numbers are near those of the row before.
_ENCODINGS = {
    pa.string(): "DELTA_BYTE_ARRAY",
    pa.int32(): "DELTA_BINARY_PACKED",
    pa.int64(): "DELTA_BINARY_PACKED",
}


@dataclass(frozen=True)
class Rule:
    """What cells must fulfill: `holds(columns)` is a Boolean array; the last column is blamed."""

    columns: tuple[str, ...]
    holds: Callable[[Columns], Any]


@dataclass(frozen=True)
class Form:
    """What a table is.

    Attributes:
        schema: its columns, `id` among them.
        words: columns of few different texts, which are stored as numbers of them.
        rules: what its cells must fulfill; of what is null nothing is asked.
        what, stage: its name, with an article, and what writes it; for messages.
    """

    schema: Any
    words: tuple[str, ...]
    rules: tuple[Rule, ...]
    what: str
    stage: str


def write_table(path: Path, form: Form, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write groups of rows, sorted by id, whole or not at all, and their SHA-256 beside them.

    Args:
        rows: of each group its columns, by name. Only one group is held at a time.
    """
    encodings = {
        field.name: _ENCODINGS[field.type]
        for field in form.schema
        if field.type in _ENCODINGS and field.name not in form.words
    }
    with replace_file(path) as temporary, temporary.open("wb") as file:
        writer = pq.ParquetWriter(
            file,
            form.schema,
            version="2.6",
            data_page_version="1.0",
            compression="zstd",
            compression_level=3,
            use_dictionary=list(form.words),
            column_encoding=encodings,
            write_statistics=["id"],
            store_schema=False,
        )
        with writer:
            for columns in rows:
                writer.write_table(pa.table(columns, form.schema), row_group_size=GROUP)
    reseal(path)


@contextmanager
def open_table(path: Path, form: Form) -> Iterator[Table]:
    """Open a table that `write_table` wrote.

    Raises HuescapeError for a file that is not there, is not what its SHA256SUMS says, is no
    Parquet or has other columns.
    """
    with open_verified(path, form.stage) as file:
        with _readable(path, form):
            # Without threads or memory maps: a disk that fails is an error, not a signal.
            opened = pq.ParquetFile(file, memory_map=False, pre_buffer=False)
            schema = opened.schema_arrow
        if not schema.equals(form.schema):
            columns = ",".join(form.schema.names)
            raise HuescapeError(
                f"{path}: not {form.what}; its columns must be {columns}, of their types; "
                f"{remedy(form.stage)}"
            )
        yield Table(path, form, opened)


class Table:
    """A table that is open."""

    def __init__(self, path: Path, form: Form, file: Any) -> None:
        self._path, self._form, self._file = path, form, file

    def read(
        self, names: Sequence[str], keys: Sequence[str] = (), wanted: Wanted | None = None
    ) -> Iterator[Columns]:
        """Yield columns of groups of rows, in their order.

        With `wanted`, only rows for which it holds, called with the columns `keys` of a group; of a
        group without one, no other column is read. Raises HuescapeError for a file that is damaged,
        and for the first of the rows that breaks a rule or is not above the one before by its id.
        """
        before, last = 0, ""
        for number in range(self._file.num_row_groups):
            if wanted is None:
                part = self._group(number, names)
                count, at_N = part.num_rows, np.arange(part.num_rows)
            else:
                keyed = self._group(number, keys)
                count, at_N = keyed.num_rows, np.flatnonzero(wanted(keyed))
                part = self._group(number, names, at_N) if len(at_N) else keyed
            if len(at_N):
                last = self._check(part, before + at_N, last)
                yield part
            before += count

    def _group(
        self, number: int, names: Sequence[str], at_N: npt.NDArray[np.int64] | None = None
    ) -> Columns:
        """Columns of a group; with `at_N`, of the rows at these numbers alone."""
        with _readable(self._path, self._form):
            # Before anything is read: the library makes room for whatever number stands there.
            group = self._file.metadata.row_group(number)
            counts = {group.column(k).num_values for k in range(group.num_columns)}
            if counts != {group.num_rows} or group.num_rows > GROUP:
                raise pa.ArrowInvalid(f"{counts} cells in a column of {group.num_rows} rows")
            part = self._file.read_row_group(number, list(names), use_threads=False)
            part.validate(full=True)  # texts are UTF-8
            if part.num_rows != group.num_rows:
                raise pa.ArrowInvalid(f"{part.num_rows} rows of {group.num_rows}")
            part = part.select(list(names))
            return part if at_N is None else part.take(at_N)

    def _check(self, part: Columns, number_N: npt.NDArray[np.int64], last: str) -> str:
        """Raise HuescapeError for the first row that is damaged; else the id of the last one."""
        for rule in self._form.rules:
            if set(rule.columns) <= set(part.column_names):
                self._refuse(part, number_N, rule.columns[-1], rule.holds(part))
        if "id" not in part.column_names:
            return last
        ids = part["id"].combine_chunks()
        before = pa.concat_arrays([pa.array([last], ids.type), ids[:-1]])
        self._refuse(part, number_N, "id", pc.greater(ids, before))
        return str(ids[-1].as_py())

    def _refuse(
        self, part: Columns, number_N: npt.NDArray[np.int64], column: str, holds: Any
    ) -> None:
        wrong = pc.index(pc.fill_null(holds, True), False).as_py()
        if wrong >= 0:
            raise HuescapeError(
                f"{self._path}: row {number_N[wrong]}, counted from 0, is damaged: {column} "
                f"{_shown(part[column][wrong].as_py())}; {remedy(self._form.stage)}"
            )


def _shown(value: object) -> str:
    return repr(value.hex() if isinstance(value, bytes) else value)[:82]


@contextmanager
def _readable(path: Path, form: Form) -> Iterator[None]:
    """Turn what Parquet's library says of damage into one line."""
    try:
        yield
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last of names
        raise HuescapeError(
            f"{path}: cannot be read: not a table in Parquet, or damaged; {remedy(form.stage)}"
        ) from error

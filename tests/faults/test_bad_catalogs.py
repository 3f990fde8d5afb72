"""A corpus of damaged and hostile catalogs: files that are no Parquet, other tables, wrong cells.

Each under a SHA256SUMS that fits it, but where a test says so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.digests import reseal
from huescape.base.errors import HuescapeError
from huescape.base.parquet import GROUP
from huescape.photos.catalog import CatalogRow
from huescape.photos.catalog_file import (
    CATALOG,
    COLUMNS,
    Partitions,
    known_rows,
    prints_of,
    read_catalog,
    read_kept,
    read_partition,
    rows_of,
    values_of,
    write_catalog,
)
from tests.photos.test_catalog import ROWS, row

MAGIC, COUNT = b"PAR1", 300
AGAIN = "; make it again with `dvc repro -s -f filter`"
NO_PARQUET = "cannot be read: not a table in Parquet, or damaged"
OTHER = f"not a catalog; its columns must be {','.join(COLUMNS)}, of their types"

READERS: dict[str, Callable[[Path], object]] = {
    "all": read_catalog,
    "kept": read_kept,
    "partition": lambda path: read_partition(path, 0, 1),
    "partitions": lambda path: Partitions(path, 2)[0],
    "known": lambda path: known_rows(path, ["s/000"]),
    "rows": lambda path: rows_of(path, ["s/000"]),
    "values": lambda path: values_of(path, "category", ["s/000"]),
    "prints": lambda path: prints_of(path, ["train"]),
}


def written(rows: Sequence[CatalogRow]) -> bytes:
    """The file that the stage writes of these rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, CATALOG)
        write_catalog(path, rows)
        return path.read_bytes()


GOOD = written([row(number) for number in range(COUNT)])  # of one group
TABLE = pq.read_table(BytesIO(written(ROWS)))  # kept are the rows 0, 1 and 4


def stored(table: Any, **options: Any) -> bytes:
    file = BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


def with_cells(column: str, cells: list[Any] | Any, nullable: bool = False) -> bytes:
    """The good table with other cells, of the same type, in one column."""
    field = TABLE.schema.field(column)
    field = field.with_nullable(nullable or field.nullable)
    array = pa.array(cells, field.type) if isinstance(cells, list) else cells
    return stored(TABLE.set_column(TABLE.column_names.index(column), field, array))


def with_cell(column: str, at: int, cell: object) -> bytes:
    cells = TABLE[column].to_pylist()
    cells[at] = cell
    return with_cells(column, cells)


def with_type(column: str, kind: Any) -> bytes:
    field = TABLE.schema.field(column).with_type(kind)
    at = TABLE.column_names.index(column)
    return stored(TABLE.set_column(at, field, TABLE[column].cast(kind, safe=False)))


def as_csv() -> bytes:
    """A catalog of an earlier version under the name."""
    lines = [",".join(map(str, cells)) for cells in zip(*TABLE.to_pydict().values(), strict=True)]
    return "\n".join([",".join(COLUMNS), *lines, ""]).encode()


def not_utf8() -> bytes:
    sizes, texts = pa.py_buffer(bytes(4) + b"\x02\0\0\0" * 5), pa.py_buffer(b"\xff\xfe")
    return with_cells("source", pa.StringArray.from_buffers(5, sizes, texts))


def varint(number: int) -> bytes:
    """A number as Thrift has it in the footer."""
    out = bytearray()
    number *= 2
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def counted(number: int) -> bytes:
    """The good file, whose footer says that it has so many rows, and each column so many cells."""
    size = int.from_bytes(GOOD[-8:-4], "little")
    footer = GOOD[-8 - size : -8]
    assert footer.count(varint(COUNT)) > len(COLUMNS)
    footer = footer.replace(varint(COUNT), varint(number))
    return GOOD[: -8 - size] + footer + len(footer).to_bytes(4, "little") + MAGIC


def codec(number: int) -> bytes:
    """The good file, whose footer names another codec than zstd (6), for every column."""
    size = int.from_bytes(GOOD[-8:-4], "little")
    footer = GOOD[-8 - size : -8]
    # Of a column chunk: its codec (field 4, i32), then its values (field 5, i64).
    was, new = (b"\x15" + varint(one) + b"\x16" + varint(COUNT) for one in (6, number))
    assert footer.count(was) == len(COLUMNS)
    return GOOD[: -8 - size] + footer.replace(was, new) + GOOD[-8:]


FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", NO_PARQUET),
    "zeros": (bytes(4096), NO_PARQUET),
    "a CSV under the name": (as_csv(), NO_PARQUET),
    "JSON": (b'{"id": "s/a"}', NO_PARQUET),
    "HTML": (b"<!DOCTYPE html>\n<html></html>", NO_PARQUET),
    "a Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\n", NO_PARQUET),
    "a photo": (b"\xff\xd8\xff\xe0" + bytes(60), NO_PARQUET),
    "magic alone": (MAGIC, NO_PARQUET),
    "magic twice": (MAGIC + bytes(4) + MAGIC, NO_PARQUET),
    "an encrypted footer": (GOOD[:-4] + b"PARE", NO_PARQUET),
    "cut in the data": (GOOD[: len(GOOD) // 3], NO_PARQUET),
    "cut in the footer": (GOOD[:-300], NO_PARQUET),
    "cut by a byte": (GOOD[:-1], NO_PARQUET),
    "without its start": (GOOD[1000:], NO_PARQUET),
    "zeros among the ids": (GOOD[:40] + bytes(100) + GOOD[140:], NO_PARQUET),
    "a footer longer than the file": (GOOD[:-8] + b"\xff\xff\xff\x7f" + MAGIC, NO_PARQUET),
    "a footer without length": (GOOD[:-8] + bytes(4) + MAGIC, NO_PARQUET),
    "more rows than there are": (counted(COUNT + 1), NO_PARQUET),
    "rows that would fill any memory": (counted(2**40), NO_PARQUET),
    "a group larger than the stage writes": (
        stored(pa.concat_tables([TABLE] * (GROUP // len(ROWS) + 1)), row_group_size=2 * GROUP),
        NO_PARQUET,
    ),
    "a name of a column that is no UTF-8": (GOOD.replace(b"chroma", b"chrom\xff"), NO_PARQUET),
    "a codec that is not the data's": (codec(2), NO_PARQUET),
    "a codec that there is not": (codec(99), NO_PARQUET),
    "no UTF-8": (not_utf8(), NO_PARQUET),
    "no column": (stored(TABLE.select([])), OTHER),
    "another table": (stored(pa.table({"path": ["a.jpg"], "split": ["train"]})), OTHER),
    "a column less": (stored(TABLE.drop_columns(["phash"])), OTHER),
    "a column more": (stored(TABLE.append_column("note", pa.array([""] * 5))), OTHER),
    "a column twice": (stored(TABLE.append_column("id", TABLE["id"])), OTHER),
    "columns in another order": (stored(TABLE.select(COLUMNS[::-1])), OTHER),
    "a column that may be null": (with_cells("width", [1, 2, None, 4, 5], True), OTHER),
    "SHA-256 as bytes of any number": (with_type("sha256", pa.binary()), OTHER),
    "sides of 64 bits": (with_type("width", pa.int64()), OTHER),
    "chroma of 32 bits": (with_type("chroma", pa.float32()), OTHER),
    "hashes with a sign": (with_type("phash", pa.int64()), OTHER),
    "offsets as text": (with_type("offset", pa.string()), OTHER),
    "kept as text": (with_type("kept", pa.string()), OTHER),
}
CELLS: list[tuple[str, int, object]] = [
    *(("path", 0, cell) for cell in ("", "a\0b")),
    *((name, 2, -1) for name in ("offset", "bytes", "width", "height")),
    *(("chroma", 1, cell) for cell in (float("nan"), float("inf"), -1.0, 1e9)),
    *(("split", 1, cell) for cell in ("", "dev", "Train")),  # of a kept photo
    *(("reason", 1, cell) for cell in ("gray", "because")),
    ("phash", 1, None),
    *(("split", 2, cell) for cell in ("train", "dev")),  # of one that was dropped
    *(("reason", 2, cell) for cell in ("", "because")),
    ("id", 0, ""),
    ("id", 1, "s/000"),  # as the one before
    ("id", 2, "s/0"),  # below the one before
]
CASES = [*FILES, *CELLS]


def said_of(read: Callable[[Path], object], content: bytes, path: Path) -> str:
    """What a reader says of a file; it never raises anything else."""
    path.write_bytes(content)
    reseal(path)
    with pytest.raises(HuescapeError) as caught:
        read(path)
    line = str(caught.value)
    assert line.isprintable()
    assert len(line) < 300 + len(str(path))
    return line


@pytest.mark.parametrize("name", FILES)
def test_files(name: str, tmp_path: Path) -> None:
    """One line that names the file, what is wrong with it, and the command that makes it again."""
    content, says = FILES[name]
    path = tmp_path / CATALOG
    assert said_of(read_catalog, content, path) == f"{path}: {says}{AGAIN}"


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_refuses_them(reader: str, tmp_path: Path) -> None:
    path = tmp_path / CATALOG
    for content, says in (FILES["a CSV under the name"], FILES["a column less"]):
        assert said_of(READERS[reader], content, path) == f"{path}: {says}{AGAIN}"


@pytest.mark.parametrize(("column", "at", "cell"), CELLS, ids=lambda value: str(value)[:12])
def test_cells(column: str, at: int, cell: object, tmp_path: Path) -> None:
    path = tmp_path / CATALOG
    line = said_of(read_catalog, with_cell(column, at, cell), path)
    start = f"{path}: row {at}, counted from 0, is damaged: {column} "
    assert line.startswith(start)
    assert line.endswith(AGAIN)


def test_rows_are_counted_over_groups(tmp_path: Path) -> None:
    """The first id of a group is compared with the last of the group before."""
    path = tmp_path / CATALOG
    table = pa.concat_tables([TABLE, TABLE])
    line = said_of(read_catalog, stored(table, row_group_size=5), path)
    assert line == f"{path}: row 5, counted from 0, is damaged: id 's/000'{AGAIN}"


def test_the_good_files_of_the_corpus_are_read(tmp_path: Path) -> None:
    """However they are compressed and grouped: a table is what its columns say."""
    path = tmp_path / CATALOG
    for content in (
        stored(TABLE),
        stored(TABLE, row_group_size=2),
        stored(TABLE, compression=None),
    ):
        path.write_bytes(content)
        reseal(path)
        assert read_catalog(path) == ROWS
    assert with_cells("id", TABLE["id"].to_pylist()) == stored(TABLE)
    assert counted(COUNT) == codec(6) == GOOD


def test_flipped_bytes_are_found_before_anything_is_read(tmp_path: Path) -> None:
    """Any byte, the content of a cell too: by the SHA-256 of the whole file."""
    path = tmp_path / CATALOG
    path.write_bytes(GOOD)
    reseal(path)
    for at in range(0, len(GOOD), 499):
        path.write_bytes(GOOD[:at] + bytes([GOOD[at] ^ 0x04]) + GOOD[at + 1 :])
        for read in READERS.values():
            with pytest.raises(HuescapeError) as caught:
                read(path)
            sums = path.parent / "SHA256SUMS"
            assert str(caught.value) == (
                f"{path}: damaged: its SHA-256 is not the one in {sums}{AGAIN}"
            )


@given(
    st.sampled_from(sorted(READERS)),
    st.lists(st.tuples(st.integers(0, len(GOOD)), st.binary(max_size=3)), max_size=5),
    st.booleans(),
)
def test_no_bytes_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory,
    reader: str,
    edits: list[tuple[int, bytes]],
    in_footer: bool,
) -> None:
    content = bytearray(GOOD)
    for at, new in edits:
        place = len(GOOD) - 1 - at % 3000 if in_footer else at
        content[place : place + len(new)] = new
    path = tmp_path_factory.mktemp("any") / CATALOG
    path.write_bytes(content)
    reseal(path)
    try:
        READERS[reader](path)
    except HuescapeError as error:
        line = str(error)
    else:
        line = "read"
    assert line.isprintable()

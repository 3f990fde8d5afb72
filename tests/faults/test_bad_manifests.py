"""A corpus of damaged and hostile text tables: manifests, split lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.digests import reseal
from huescape.base.errors import HuescapeError
from huescape.sources.manifest import COLUMNS as MANIFEST_COLUMNS
from huescape.sources.manifest import read_manifest
from huescape.sources.splits import read_splits

SHA = "0123456789abcdef" * 4
MANIFEST = dict(
    zip(MANIFEST_COLUMNS, ["s/a", "s", "lake", "core", "p/a.jpg", "", "3", SHA, ""], strict=True)
)
DIGITS, LONG = "9" * 5001, "x" * 200_000


@dataclass(frozen=True)
class Case:
    """The table `kind`, and what the message says of it."""

    kind: str
    name: str
    data: bytes
    says: str


def table(columns: tuple[str, ...], *records: dict[str, str]) -> bytes:
    lines = [",".join(columns), *(",".join(record[name] for name in columns) for record in records)]
    return ("\n".join(lines) + "\n").encode()


def cells(kind: str, good: dict[str, str], bad: dict[str, list[str]]) -> list[Case]:
    """One record with one bad cell, behind a good one of another photo."""
    first = good | {"id": "s/0"}
    return [
        Case(kind, f"{column} {value[:12]!r}", table(tuple(good), first, good | {column: value}),
             f"record 3 is damaged: {column}")
        for column, values in bad.items()
        for value in values
    ]  # fmt: skip


def files(kind: str, good: dict[str, str]) -> list[Case]:
    """What concerns a whole file."""
    columns, whole = tuple(good), table(tuple(good), good)
    reversed_columns = table(columns[::-1], good)
    what = f"not a {kind}"
    return [
        Case(kind, "empty", b"", what),
        Case(kind, "zeros", bytes(4096), what),
        Case(kind, "another header", b"path,split\na,train\n", what),
        Case(kind, "columns in another order", reversed_columns, what),
        Case(kind, "a byte order mark", b"\xef\xbb\xbf" + whole, what),
        Case(kind, "UTF-16", whole.decode().encode("utf-16"), "not a table of UTF-8"),
        Case(kind, "no UTF-8", whole + b"\xff\xfe\n", "not a table of UTF-8"),
        Case(kind, "semicolons", whole.replace(b",", b";"), what),
        Case(kind, "JSON", b'{"id": "s/a"}', what),
        Case(kind, "HTML", b"<!DOCTYPE html><html></html>", what),
        Case(kind, "a Git LFS pointer", b"version https://git-lfs.github.com/spec/v1\n", what),
        Case(kind, "marks of a merge", b"<<<<<<< HEAD\n" + whole, what),
        Case(kind, "a mark of a merge", whole + b"=======\n", "record 3 is damaged: 1 fields"),
        Case(kind, "cut inside a record", whole[:-9] + b"\n", "record 2 is damaged"),
        Case(kind, "cut inside a quote", whole + b'"s/b,s', "not a table of UTF-8"),
        Case(kind, "a quote in the middle", whole + b'"a"b,c\n', "not a table of UTF-8"),
        Case(kind, "a carriage return in the middle", whole + b"s/b\rc,d\n", "damaged: 1 fields"),
        Case(kind, "an empty line", whole + b"\n", "record 3 is damaged: 0 fields"),
        Case(kind, "one field too many", whole[:-1] + b",x\n", "record 2 is damaged"),
        Case(kind, "a field without end", whole + LONG.encode(), "not a table of UTF-8"),
        Case(kind, "ids that fall", table(columns, good, good | {"id": "s/0"}), "record 3 is"),
        Case(kind, "the same photo twice", table(columns, good, good), "record 3 is damaged: id"),
    ]  # fmt: skip


NUMBERS = ["", "-1", "+1", "1.0", "1e3", " 1", "1_0", "0x1", "\u0663", "\u00b2", "NaN", DIGITS]
HASHES = ["", SHA[:-1], SHA + "0", SHA.upper(), "g" * 64, SHA[:-1] + "\u0663"]
KEY = "download.sources.0.splits"
HEAD = "path,split\n"
SPLITS = {
    "empty": (b"", "columns (none)"),
    "no header": (b"a.jpg,train\n", "needed: `path` and `split`"),
    "header alone of another table": (b"id,part\n", "needed: `path` and `split`"),
    "an unknown split": (f"{HEAD}a.jpg,dev\n".encode(), "split 'dev'; allowed"),
    "no split": (f"{HEAD}a.jpg,\n".encode(), "split ''"),
    "too few fields": (f"{HEAD}a.jpg\n".encode(), "split ''"),
    "two splits": (f"{HEAD}a.jpg,train\na.jpg,test\n".encode(), "in two splits"),
    "two splits by a slash": (f"{HEAD}a.jpg,train\n/a.jpg,test\n".encode(), "in two splits"),
    "two splits by a dot": (f"{HEAD}a.jpg,train\n./a.jpg,test\n".encode(), "in two splits"),
    "two splits of a name with a line end": (
        f'{HEAD}"a\r\n.jpg",train\n"a\r\n.jpg",test\n'.encode(),
        "in two splits",
    ),
    "no UTF-8": (f"{HEAD}caf".encode() + b"\xe9.jpg,train\n", "not UTF-8 text"),
    "UTF-16": (f"{HEAD}a.jpg,train\n".encode("utf-16"), "not UTF-8 text"),
    "a field without end": (f"{HEAD}{LONG},train\n".encode(), "is no table"),
    "a photo": (b"\xff\xd8\xff\xe0" + bytes(60), "not UTF-8 text"),
    "HTML": (b"<!DOCTYPE html>\n<html></html>", "needed: `path` and `split`"),
}
CASES = [
    *files("manifest", MANIFEST),
    *cells("manifest", MANIFEST, {
        "id": [""], "tier": ["", "Core", "all"], "path": ["", "a\0b"], "bytes": NUMBERS,
        "offset": NUMBERS[1:], "sha256": HASHES, "split": ["dev", "Train", " train"],
    }),
    *(Case("splits", name, data, says) for name, (data, says) in SPLITS.items()),
]  # fmt: skip

READERS: dict[str, Callable[[Path], Any]] = {
    "manifest": read_manifest,
    "splits": lambda path: read_splits(path, KEY),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.name}")
def test_verdict(case: Case, tmp_path: Path) -> None:
    """One short line that names the file; nothing else is ever raised."""
    path = tmp_path / "table.csv"
    path.write_bytes(case.data)
    reseal(path)
    with pytest.raises(HuescapeError) as caught:
        READERS[case.kind](path)
    line = str(caught.value)
    assert case.says in line
    assert str(path) in line
    assert line.isprintable()
    assert len(line) < 300 + len(str(path))


def test_the_good_record_of_the_corpus_is_read(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(table(tuple(MANIFEST), MANIFEST))
    reseal(path)
    (row,) = read_manifest(path)
    assert row.id == "s/a"


@given(
    st.sampled_from(sorted(READERS)),
    st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=3)), max_size=5),
)
def test_no_bytes_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, kind: str, edits: list[tuple[int, bytes]]
) -> None:
    content = bytearray(table(tuple(MANIFEST), MANIFEST))
    for at, new in edits:
        content[at : at + len(new)] = new
    path = tmp_path_factory.mktemp("any") / "table.csv"
    path.write_bytes(content)
    reseal(path)
    try:
        READERS[kind](path)
    except HuescapeError as error:
        line = str(error)
    else:
        line = "read"
    assert line.isprintable()

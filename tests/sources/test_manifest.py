"""The manifest."""

from __future__ import annotations

from itertools import islice
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.digests import reseal
from huescape.base.errors import HuescapeError
from huescape.base.tables import TEXT, frame, write_table
from huescape.sources.manifest import (
    COLUMNS,
    ManifestRow,
    manifest_rows,
    read_again,
    read_manifest,
    write_manifest,
)
from huescape.sources.splits import read_splits

# Whatever a file system allows in a name, but for bytes that are not UTF-8: the walk skips those.
NASTY = [
    *("\r", "\n", "\r\n", "\t", '"', ",", ";", "'", " ", "\u2028", "\x85", "\x0b", "\x1c"),
    *("\u00e9", "e\u0301"),
]
name = (
    st.lists(
        st.one_of(
            st.sampled_from(NASTY),
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4),
        ),
        min_size=1,
        max_size=8,
    )
    .map("".join)
    .filter(bool)
)
rows = st.builds(
    ManifestRow,
    id=name,
    source=name,
    category=st.one_of(st.just(""), name),
    tier=st.sampled_from(["core", "extended", "none"]),
    path=name,
    offset=st.one_of(st.just(""), st.integers(0, 10**12).map(str)),
    bytes=st.integers(0, 10**12),
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    split=st.sampled_from(["", "train", "val", "test"]),
)


def row(name: str, size: int = 3) -> ManifestRow:
    return ManifestRow(name, "sun", "m/mountain", "core", f"a/{name}.jpg", "", size, "0" * 64, "")


def test_columns_and_order(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.csv", [row("b"), row("a")])
    lines = (tmp_path / "manifest.csv").read_text().splitlines()
    assert lines[0] == "id,source,category,tier,path,offset,bytes,sha256,split"
    assert [line[0] for line in lines[1:]] == ["a", "b"]


@given(st.lists(rows, unique_by=lambda r: r.id))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, some: list[ManifestRow]
) -> None:
    path = tmp_path_factory.mktemp("m") / "manifest.csv"
    write_manifest(path, some)
    assert read_manifest(path) == sorted(some, key=lambda r: r.id)
    first = path.read_bytes()
    write_manifest(path, read_manifest(path))
    assert path.read_bytes() == first


@given(st.lists(name, unique=True, min_size=1), st.data())
def test_a_split_list_names_any_photo(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], data: st.DataObject
) -> None:
    """Paths as a walk gives them: relative, without empty parts."""
    names = [n for n in names if PurePosixPath(n).as_posix() == n and not n.startswith("/")]
    lines = [[n, data.draw(st.sampled_from(["train", "val", "test"]))] for n in names]
    path = tmp_path_factory.mktemp("s") / "splits.csv"
    write_table(path, frame(lines, {"path": TEXT, "split": TEXT}))
    found = read_splits(path, "splits")
    assert {n: found[n] for n in names} == dict(lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,path\n", "not a manifest"),
        ("", "not a manifest"),
        (",".join(COLUMNS) + "\na,b\n", "record 2 is damaged"),
        (",".join(COLUMNS) + "\n" + ",".join("abcdefghi") + "\n", "record 2 is damaged"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "m.csv").write_text(content)
    reseal(tmp_path / "m.csv")
    with pytest.raises(HuescapeError, match=message):
        read_manifest(tmp_path / "m.csv")


def test_records_are_counted_over_the_parts_that_are_held(tmp_path: Path) -> None:
    """And those before the damaged one's part have been handed out by then."""
    path = tmp_path / "m.csv"
    write_manifest(path, [row(f"{n:05d}") for n in range(9000)])
    path.write_text(path.read_text().replace("08999,", "00000,"))
    reseal(path)
    rows = manifest_rows(path)
    assert [one.id for one in islice(rows, 8000)] == [f"{n:05d}" for n in range(8000)]
    with pytest.raises(HuescapeError, match="record 9001 is damaged: id '00000'"):
        list(rows)


def test_a_missing_one_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match="`dvc repro download` makes it"):
        read_manifest(tmp_path / "m.csv")


def test_one_that_is_read_again_is_the_same_one(tmp_path: Path) -> None:
    """A replaced one has other rows, and perhaps more of them, than what was noted of the first."""
    path = tmp_path / "m.csv"
    write_manifest(path, [row("a"), row("b")])
    rows = read_again(path)
    assert [one.id for one in rows()] == [one.id for one in rows()] == ["a", "b"]
    being_read = rows()
    assert next(being_read).id == "a"
    write_manifest(path, [row("c")])
    assert next(being_read).id == "b"
    with pytest.raises(HuescapeError, match="was replaced while it was read; run the stage"):
        next(being_read)
    with pytest.raises(HuescapeError, match="was replaced while it was read; run the stage"):
        next(rows())


def test_a_missing_one_that_would_be_read_again(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match="`dvc repro download` makes it"):
        next(read_again(tmp_path / "m.csv")())

"""The manifest."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.digests import reseal
from huescape.errors import HuescapeError
from huescape.sources.manifest import COLUMNS, Row, read_manifest, write_manifest

text = st.text(alphabet=string.ascii_letters + ' ,"\n\t;é/', max_size=8)
rows = st.builds(Row, text, text, text, text, text, text, st.integers(0, 10**12), text, text)


def row(name: str, size: int = 3) -> Row:
    return Row(name, "sun", "m/mountain", "core", f"a/{name}.jpg", "", size, "0" * 64, "")


def test_columns_and_order(tmp_path: Path) -> None:
    write_manifest(tmp_path / "manifest.csv", [row("b"), row("a")])
    lines = (tmp_path / "manifest.csv").read_text().splitlines()
    assert lines[0] == "id,source,category,tier,path,offset,bytes,sha256,split"
    assert [line[0] for line in lines[1:]] == ["a", "b"]


@given(st.lists(rows, unique_by=lambda r: r.id))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, some: list[Row]) -> None:
    path = tmp_path_factory.mktemp("m") / "manifest.csv"
    write_manifest(path, some)
    assert read_manifest(path) == sorted(some, key=lambda r: r.id)


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


def test_a_missing_one_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match="`dvc repro download` makes it"):
        read_manifest(tmp_path / "m.csv")

"""Tables: what is written comes back, to the last digit and whatever the text."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.digests import reseal
from huescape.base.errors import HuescapeError
from huescape.base.tables import FLAG, NUMBER, TEXT, WHOLE, frame, read_cells, table_text
from huescape.base.tables import write_table as write

TYPES = {"name": TEXT, "count": WHOLE, "share": NUMBER, "kept": FLAG}
anything = st.text(st.characters(codec="utf-8"), min_size=1)
rows = st.tuples(
    anything,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(allow_nan=False),
    st.booleans(),
)


def test_types_digits_and_what_is_not_there() -> None:
    table = frame([("a,b", 3, 0.125, True), (None, None, None, False)], TYPES)
    assert table_text(table) == 'name,count,share,kept\n"a,b",3,0.125,true\n,,,false\n'
    assert table_text(table, 2).splitlines()[1] == '"a,b",3,0.12,true'
    assert table_text(frame([], TYPES)) == "name,count,share,kept\n"


@given(st.lists(rows))
def test_every_value_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    some: list[tuple[str, int | None, float | None, bool]],
) -> None:
    path = tmp_path_factory.mktemp("t") / "table.csv"
    write(path, frame(some, TYPES))
    reseal(path)
    cells = read_cells(path, "filter")
    assert cells["name"] == [name for name, *_ in some]
    assert [int(c) if c else None for c in cells["count"]] == [count for _, count, *_ in some]
    assert [float(c) if c else None for c in cells["share"]] == [row[2] for row in some]
    assert cells["kept"] == ["true" if kept else "false" for *_, kept in some]


@given(st.lists(st.tuples(anything, st.floats(allow_infinity=False, allow_nan=False)), min_size=1))
def test_the_form_is_that_of_python(some: list[tuple[str, float]]) -> None:
    """Quoted by `csv`, numbers as Python writes them: no digit depends on pandas."""
    types = {"name": TEXT, "share": NUMBER}
    for digits in (None, 6):
        lines = list(csv.reader(io.StringIO(table_text(frame(some, types), digits), newline="")))
        texts = [repr(x) if digits is None else f"{x:.6f}" for _, x in some]
        assert lines[1:] == [[name, text] for (name, _), text in zip(some, texts, strict=True)]


def test_what_is_not_utf8_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        write(Path("never.csv"), frame([("\udcff",)], {"name": TEXT}))
    assert not Path("never.csv").exists()


def test_nan_is_an_empty_field() -> None:
    assert table_text(frame([(math.nan, 1)], {"x": NUMBER, "n": WHOLE})) == "x,n\n,1\n"


@pytest.mark.parametrize(("text", "says"), [
    ("a,b\n1\n", "record 2 is damaged: 1 fields, not 2"),
    ('a,b\n1,"x"y\n', "not a table of UTF-8 text"),
])  # fmt: skip
def test_what_pandas_would_take_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    reseal(path)
    with pytest.raises(HuescapeError, match=says):
        read_cells(path, "filter")

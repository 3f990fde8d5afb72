"""Answers as a table: written and read back, and refused where somebody spoilt it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.errors import HuescapeError
from huescape.study.plan import Design
from huescape.study.records import answers_text, read_answers
from huescape.study.store import Store
from tests.study.simulated import simulate

ANSWERS = simulate(Design(0, 2, 20, 2, 8, 1), 3, (0.3, 0.2), seed=1)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=9)


@given(TEXT, TEXT)
def test_any_names_come_back(tmp_path_factory: pytest.TempPathFactory, one: str, two: str) -> None:
    path = tmp_path_factory.mktemp("table") / "answers.csv"
    answers = [replace(answer, photo=one, system=two) for answer in ANSWERS]
    path.write_text(answers_text(answers), encoding="utf-8", newline="")
    assert read_answers(path) == answers


def test_a_store_and_its_table_say_the_same(tmp_path: Path) -> None:
    with closing(Store(tmp_path / "study.sqlite")) as store:
        for _ in range(3):
            store.begin("2026-01-02")
        for answer in reversed(ANSWERS):
            store.keep(answer)
        found = read_answers(store.path)  # while it is open
    assert found == ANSWERS
    (tmp_path / "answers.csv").write_text(answers_text(found), encoding="utf-8")
    assert read_answers(tmp_path / "answers.csv") == ANSWERS


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        ("session", "-1", "session '-1'"),
        ("trial", "10", "trial 10 of 10"),
        ("kind", "exam", "kind 'exam'"),
        ("photo", "", "photo ''"),
        ("fake_first", "1", "fake_first '1'"),
        ("chosen", "3", "chosen '3'"),
        ("reaction_ms", "nan", "reaction_ms 'nan'"),
        ("looks", "0", "looks '0'"),
        ("trial", "1", "session 0 has answered trial 1 before"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, column: str, cell: str, why: str) -> None:
    path = tmp_path / "answers.csv"
    header, *records = answers_text(ANSWERS[:4]).splitlines()
    cells = records[2].split(",")
    cells[header.split(",").index(column)] = cell
    records[2] = ",".join(cells)
    path.write_text("\n".join([header, *records]) + "\n")
    with pytest.raises(HuescapeError, match=f"record 4 is damaged: {why}$"):
        read_answers(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no answers of a study; allowed columns: session,trial,"),
        (b"a,b\n1,2\n", "no answers of a study"),
        (b"\xff\xfe", "not a table of UTF-8 text"),
        (answers_text(ANSWERS[:1]).encode() + b"0,1\n", "record 3 is damaged: 2 fields, not 12"),
        (answers_text(ANSWERS[:1]).encode() + b'"0', "not a table of UTF-8 text"),
    ],
)
def test_what_is_no_table_of_answers_is_one_line(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "answers.csv"
    path.write_bytes(content)
    with pytest.raises(HuescapeError, match=why):
        read_answers(path)


def test_what_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match=r"nosuch\.csv: cannot be read: No such file"):
        read_answers(tmp_path / "nosuch.csv")
    with pytest.raises(HuescapeError, match=r"nosuch\.sqlite: no such file"):
        read_answers(tmp_path / "nosuch.sqlite")

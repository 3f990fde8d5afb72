"""The file of a study's answers: what it keeps, and whom it refuses."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.study.store import Answer, Store

ANSWER = Answer(0, 0, 3, "test", "a/b.jpg", "landscape", True, 1, 812.5, 1000.1, 999.9, 1)
SETTINGS = {"seed": 3, "systems": ["a", "b"]}
# Says what was acknowledged, one line each, until somebody kills it.
WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from huescape.study.store import Answer, Store
store = Store(Path(sys.argv[1]))
session = store.session(store.begin("2026-01-01"))
one = Answer(session, 0, 10**6, "test", "p", "s", True, 1, 1.0, 1.0, 1.0, 1)
for trial in range(10**6):
    store.keep(replace(one, trial=trial))
    print(session, trial, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "study.sqlite")


def begun(store: Store) -> int:
    number = store.session(store.begin("2026-01-02"))
    assert number is not None
    return number


def test_sessions_are_numbered_and_have_secrets(store: Store) -> None:
    tokens = [store.begin("2026-01-02") for _ in range(3)]
    assert [store.session(token) for token in tokens] == [0, 1, 2]
    assert len(set(tokens)) == 3
    assert min(map(len, tokens)) >= 32
    assert store.session("") is store.session("nosuch") is None
    assert store.begun() == 3


def test_an_answer_comes_back_as_it_was(store: Store) -> None:
    session = begun(store)
    found = replace(ANSWER, session=session)
    assert store.answer(session, 0) is None
    assert store.keep(found) == found
    assert store.answer(session, 0) == found
    assert store.answers() == [found]
    assert store.answered(session) == 1
    with closing(Store(store.path, make=False)) as again:
        assert again.answers() == [found]


def test_the_first_answer_stays(store: Store) -> None:
    first = replace(ANSWER, session=begun(store))
    assert store.keep(first) == first
    assert store.keep(replace(first, chosen=2, reaction_ms=1.0)) == first
    assert store.answers() == [first]


def test_an_answer_without_a_session_is_none(store: Store) -> None:
    with pytest.raises(HuescapeError, match="cannot be used: FOREIGN KEY constraint failed"):
        store.keep(replace(ANSWER, session=7))
    assert store.answers() == []


def test_who_is_fooled() -> None:
    fooled = [replace(ANSWER, fake_first=first, chosen=chosen).is_fooled
              for first in (True, False) for chosen in (1, 2)]  # fmt: skip
    assert fooled == [False, True, True, False]


def test_a_file_is_of_one_study(store: Store) -> None:
    with pytest.raises(HuescapeError, match="holds no study"):
        store.settings()
    store.bind(SETTINGS)
    store.bind(SETTINGS)
    assert store.settings() == SETTINGS
    with pytest.raises(HuescapeError, match=r"is of another study: its seed was 3; allowed: "):
        store.bind(SETTINGS | {"seed": 4})
    with pytest.raises(HuescapeError, match=r'its systems was \["a", "b"\]'):
        store.bind(SETTINGS | {"systems": ["b", "a"]})
    assert store.settings() == SETTINGS


@pytest.mark.parametrize("content", [b"not a database at all" * 99, None])
def test_what_is_no_store_is_refused_and_left_alone(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.sqlite"
    if content is None:
        with closing(sqlite3.connect(path)) as other:
            other.execute("create table mine (x)")
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(HuescapeError, match=r"other\.sqlite: (is no store|cannot be used)"):
        Store(path)
    assert path.read_bytes() == before


def test_what_is_only_read_is_not_made(tmp_path: Path) -> None:
    path = tmp_path / "nosuch.sqlite"
    with pytest.raises(HuescapeError, match=r"nosuch\.sqlite: no such file"):
        Store(path, make=False)
    assert not path.exists()
    path.touch()
    with pytest.raises(HuescapeError, match="is no store of a study"):
        Store(path, make=False)


def test_two_processes_share_a_file(store: Store) -> None:
    with closing(Store(store.path)) as other:
        tokens = [one.begin("2026-01-02") for one in (store, other, store, other)]
        assert [store.session(token) for token in tokens] == [0, 1, 2, 3]


def test_a_locked_file_is_one_line(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huescape.study.store._WAIT_SECONDS", 0.1)
    with closing(Store(store.path)) as impatient, closing(sqlite3.connect(store.path)) as other:
        other.execute("begin immediate")
        with pytest.raises(HuescapeError, match="cannot be used: database is locked"):
            impatient.begin("2026-01-02")
        other.rollback()
        assert impatient.begin("2026-01-02")


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_nothing_that_was_acknowledged_is_lost_with_a_process(tmp_path: Path) -> None:
    path, said = tmp_path / "study.sqlite", set()
    for _ in range(3):
        run = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(run, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(20)]
            process.send_signal(signal.SIGKILL)
            lines += process.stdout.readlines()
        said |= {tuple(map(int, line.split())) for line in lines if line.endswith("\n")}
    with closing(Store(path, make=False)) as store:
        kept = {(answer.session, answer.trial) for answer in store.answers()}
    assert said <= kept
    assert len(kept) <= len(said) + 3
    assert {session for session, _ in said} == {0, 1, 2}

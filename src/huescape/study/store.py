"""The answers of a study in one SQLite file: what was acknowledged is on the disk.

Every answer is a transaction of its own, written ahead (WAL) and flushed (`synchronous = FULL`)
before anybody is told: neither a killed process nor a power cut takes it back.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from huescape.base.errors import HuescapeError

_WAIT_SECONDS = 10.0  # for another process that writes
_FORMAT = 1
_TABLES = (
    "create table study (settings text not null)",
    "create table sessions (number integer primary key, token text not null unique, "
    "day text not null)",
    "create table answers (session integer not null references sessions, trial integer not null, "
    "trials integer not null, kind text not null, photo text not null, system text not null, "
    "fake_first integer not null, chosen integer not null, reaction_ms real not null, "
    "first_ms real not null, second_ms real not null, looks integer not null, "
    "primary key (session, trial)) without rowid",
)


@dataclass(frozen=True)
class Answer:
    """What a person said of one pair; the fields are the columns of `answers.csv`.

    Attributes:
        session, trial: numbers, from 0; of a person's trials, practice comes first.
        trials: that the session has, practice and catch trials among them.
        kind: `practice`, `catch` or `test`.
        photo, system: their names; the system of a catch trial is `random`.
        fake_first: whether the colored one was shown first.
        chosen: 1 or 2, the one that was said to be colored.
        reaction_ms: from the end of the second picture to the choice.
        first_ms, second_ms: for how long the pictures were on the screen.
        looks: how often the pair was begun; more than once after a reload.
    """

    session: int
    trial: int
    trials: int
    kind: str
    photo: str
    system: str
    fake_first: bool
    chosen: int
    reaction_ms: float
    first_ms: float
    second_ms: float
    looks: int

    @property
    def is_fooled(self) -> bool:
        """Whether the real photo was said to be the colored one."""
        return self.chosen != (1 if self.fake_first else 2)


COLUMNS = tuple(field.name for field in fields(Answer))


class Store:
    """A study's file; for one thread at a time. Several processes may share it."""

    def __init__(self, path: Path, *, make: bool = True) -> None:
        """Open a study's file, or `make` one.

        Raises HuescapeError where there is none, it is something else, or the disk refuses.
        """
        self.path = path
        if path.is_dir():
            raise HuescapeError(f"{path}: is a folder; allowed: a file")
        if not make and not path.exists():
            raise HuescapeError(f"{path}: no such file; `huescape study --store` makes it")
        with self._explained():
            self._file = sqlite3.connect(
                path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
            )
            version = self._one("pragma user_version")
            if version == 0 and self._one("select count(*) from sqlite_master") == 0 and make:
                self._make()
            elif version != _FORMAT or not self._has_tables():
                raise HuescapeError(f"{path}: is no store of a study; name another")
            self._file.execute("pragma synchronous = full")
            self._file.execute("pragma foreign_keys = on")

    def close(self) -> None:
        """Whoever opens the file next finds all of it in there."""
        self._file.close()

    def bind(self, settings: dict[str, Any]) -> None:
        """Keep what the study is; HuescapeError where the file is of another one."""
        with self._transaction():
            found = self._one("select settings from study")
            if found is None:
                self._file.execute("insert into study values (?)", (json.dumps(settings),))
                return
        kept = json.loads(found)
        if others := [key for key in settings if kept.get(key) != settings[key]]:
            raise HuescapeError(
                f"{self.path}: is of another study: its {others[0]} "
                f"{_said(kept.get(others[0]))}; allowed: the same, or another --store"
            )

    def settings(self) -> dict[str, Any]:
        """What the study is; HuescapeError where nobody has said."""
        with self._explained():
            found = self._one("select settings from study")
        if found is None:
            raise HuescapeError(f"{self.path}: holds no study; `huescape study` begins one")
        kept: dict[str, Any] = json.loads(found)
        return kept

    def begin(self, day: str) -> str:
        """Begin the next session; its token, of 192 random bits."""
        token = secrets.token_urlsafe(24)
        with self._transaction():
            self._file.execute(
                "insert into sessions select coalesce(max(number) + 1, 0), ?, ? from sessions",
                (token, day),
            )
        return token

    def session(self, token: str) -> int | None:
        """The number of a session, from 0; None for no token of this study."""
        with self._explained():
            found: int | None = self._one("select number from sessions where token = ?", token)
        return found

    def answered(self, session: int) -> int:
        """How many trials of a session are answered; they are the first ones."""
        with self._explained():
            return int(self._one("select count(*) from answers where session = ?", session))

    def answer(self, session: int, trial: int) -> Answer | None:
        """What was said of a trial; None for nothing yet."""
        found = self._answers("where session = ? and trial = ?", session, trial)
        return found[0] if found else None

    def keep(self, answer: Answer) -> Answer:
        """Write an answer, and return once it is on the disk.

        Where the trial has an answer already, that is returned, and stays as it is.
        """
        marks = ", ".join("?" * len(COLUMNS))
        with self._transaction():
            self._file.execute(
                f"insert into answers values ({marks}) on conflict do nothing", astuple(answer)
            )
        return self.answer(answer.session, answer.trial) or answer

    def answers(self) -> list[Answer]:
        """All answers, by session and trial."""
        return self._answers("order by session, trial")

    def begun(self) -> int:
        """How many sessions were begun."""
        with self._explained():
            return int(self._one("select count(*) from sessions"))

    def _answers(self, which: str, *values: object) -> list[Answer]:
        with self._explained():
            rows = self._file.execute(
                f"select {', '.join(COLUMNS)} from answers {which}", values
            ).fetchall()
        found = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        return [Answer(**one | {"fake_first": bool(one["fake_first"])}) for one in found]

    def _make(self) -> None:
        # For good: every process that opens the file finds it so.
        self._file.execute("pragma journal_mode = wal")
        with self._transaction():
            if self._one("pragma user_version") == 0:  # not made by another just now
                for table in _TABLES:
                    self._file.execute(table)
                self._file.execute(f"pragma user_version = {_FORMAT}")

    def _has_tables(self) -> bool:
        found = self._file.execute("select name from sqlite_master where type = 'table'")
        return {"study", "sessions", "answers"} <= {name for (name,) in found}

    def _one(self, statement: str, *values: object) -> Any:
        row = self._file.execute(statement, values).fetchone()
        return None if row is None else row[0]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained():
            self._file.execute("begin immediate")
            try:
                yield
                self._file.execute("commit")
            except BaseException:
                if self._file.in_transaction:
                    self._file.execute("rollback")
                raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise HuescapeError(f"{self.path}: cannot be used: {error}") from error


def _said(value: object) -> str:
    """What the other study has, where that is short."""
    text = json.dumps(value)
    return f"was {text}" if len(text) <= 100 else "were others"

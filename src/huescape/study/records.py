"""Answers as a table, `answers.csv`: written from a store, and read back strictly."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from huescape.base.errors import HuescapeError
from huescape.base.tables import FLAG, NUMBER, TEXT, WHOLE, frame, table_text
from huescape.study.store import COLUMNS, Answer, Store

_TYPES = dict(
    zip(
        COLUMNS,
        (WHOLE, WHOLE, WHOLE, TEXT, TEXT, TEXT, FLAG, WHOLE, NUMBER, NUMBER, NUMBER, WHOLE),
        strict=True,
    )
)
_FORMS = {
    **dict.fromkeys(("session", "trial"), "[0-9]{1,9}"),
    **dict.fromkeys(("trials", "looks"), "[1-9][0-9]{0,8}"),
    "kind": "practice|catch|test",
    **dict.fromkeys(("photo", "system"), ".+"),
    "fake_first": "true|false",
    "chosen": "[12]",
    **dict.fromkeys(("reaction_ms", "first_ms", "second_ms"), r"[0-9]{1,9}(\.[0-9]{1,20})?"),
}
_VALUES: dict[str, Callable[[str], Any]] = {
    WHOLE: int,
    NUMBER: float,
    TEXT: str,
    FLAG: lambda text: text == "true",
}


def answers_text(answers: Sequence[Answer]) -> str:
    """The answers as CSV, by session and trial; milliseconds to a thousandth."""
    ordered = sorted(answers, key=attrgetter("session", "trial"))
    return table_text(frame(map(attrgetter(*COLUMNS), ordered), _TYPES), digits=3)


def read_answers(path: Path) -> list[Answer]:
    """The answers in a store, or in a table that was written from one.

    Raises HuescapeError for a file that is not there, is neither, or is damaged.
    """
    if path.suffix != ".csv":
        store = Store(path, make=False)
        try:
            return store.answers()
        finally:
            store.close()
    try:
        text = path.read_text(encoding="utf-8")
        header, *records = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise HuescapeError(f"{path}: not a table of UTF-8 text") from error
    if header != list(COLUMNS):
        raise HuescapeError(f"{path}: no answers of a study; allowed columns: {','.join(COLUMNS)}")
    return _checked([_read(path, k, record) for k, record in enumerate(records)], path)


def _read(path: Path, number: int, record: Sequence[str]) -> Answer:
    if len(record) != len(COLUMNS):
        raise _damaged(path, number, f"{len(record)} fields, not {len(COLUMNS)}")
    for name, cell in zip(COLUMNS, record, strict=True):
        if not re.fullmatch(_FORMS[name], cell, re.DOTALL):
            raise _damaged(path, number, f"{name} {cell[:80]!r}")
    values = {
        name: _VALUES[kind](cell) for (name, kind), cell in zip(_TYPES.items(), record, strict=True)
    }
    return Answer(**values)


def _checked(answers: list[Answer], path: Path) -> list[Answer]:
    """Raise HuescapeError for two answers to one trial, and a trial past the last."""
    seen: set[tuple[int, int]] = set()
    for number, answer in enumerate(answers):
        place = answer.session, answer.trial
        if place in seen:
            raise _damaged(path, number, f"session {place[0]} has answered trial {place[1]} before")
        if answer.trial >= answer.trials:
            raise _damaged(path, number, f"trial {answer.trial} of {answer.trials}")
        seen.add(place)
    return answers


def _damaged(path: Path, number: int, why: str) -> HuescapeError:
    """The error for a record, counted from 0; in the message the header is the first."""
    return HuescapeError(f"{path}: record {number + 2} is damaged: {why}")

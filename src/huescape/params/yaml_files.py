"""Read a YAML file of a person's: any content gives values of bounded size, or one line.

A file of a few lines can stand for more values than memory holds (aliases of aliases), or nest
deeper than a reader can follow. Both are counted in the events of the parser, which needs neither
memory nor recursion for them, before any value is made.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    ScalarEvent,
)

from huescape.base.errors import ParamsError
from huescape.base.regular import read_regular
from huescape.params.messages import printable

MOST_BYTES = 1_000_000
MOST_VALUES = 100_000
MOST_LEVELS = 50
MOST_DIGITS = 400  # more than any number that a computer's arithmetic holds

_NUMBER = re.compile(r"[-+]?(0[xob][0-9a-fA-F_]+|[0-9][0-9_.]*)")


def read_yaml(path: Path) -> Any:
    """Parse a YAML 1.2 file, as DVC does, so that both see the same values.

    Raises ParamsError, in one line with the file, the line and what is allowed.
    """
    return parse_yaml(_text(path), path)


def parse_yaml(text: str, path: Path) -> Any:
    """As `read_yaml`, of a text that is, for messages, from `path`."""
    try:
        _refuse_bombs(text, path)
        return YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = _line(path, mark.line) if mark else str(path)
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        raise ParamsError(f"{where}: not valid YAML: {printable(problem)}") from error
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        # A scalar that looks like a date, or has a tag, and is none.
        problem = printable(" ".join(str(error).split()))
        raise ParamsError(f"{path}: not valid YAML: a value cannot be read: {problem}") from error


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ParamsError(
                f"{path}: has {path.stat().st_size:,} bytes; allowed: at most {MOST_BYTES:,}"
            )
        return read_regular(path).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except FileNotFoundError as error:
        raise ParamsError(
            f"{path}: no such file; run in the folder that holds params.yaml"
        ) from error
    except UnicodeDecodeError as error:
        raise ParamsError(
            f"{path}: cannot be read: byte {error.start} is not UTF-8; allowed: UTF-8"
        ) from error
    except OSError as error:
        raise ParamsError(f"{path}: cannot be read: {error.strerror or error}") from error


@dataclass
class _Open:
    """A collection that is being read: its anchor, the values in it and the levels below it."""

    anchor: str | None
    values: int = 1
    levels: int = 0


@dataclass
class _Counter:
    """What the document stands for once every alias is what it names."""

    path: Path
    open: list[_Open] = field(default_factory=lambda: [_Open(None)])
    named: dict[str, tuple[int, int]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        line = event.start_mark.line
        if isinstance(event, CollectionStartEvent):
            self.open.append(_Open(event.anchor))
        elif isinstance(event, CollectionEndEvent):
            done = self.open.pop()
            self._add(done.values, done.levels + 1, line)
            if done.anchor is not None:
                self.named[done.anchor] = done.values, done.levels + 1
        elif isinstance(event, ScalarEvent):
            self._scalar(event, line)
        elif isinstance(event, AliasEvent):
            if any(event.anchor == at.anchor for at in self.open):
                self._refuse(line, f"*{printable(event.anchor)} lies within itself", "no loops")
            self._add(*self.named.get(event.anchor, (1, 0)), line)
        if len(self.open) > MOST_LEVELS:
            self._refuse(line, "too many levels", f"at most {MOST_LEVELS}")

    def _scalar(self, event: ScalarEvent, line: int) -> None:
        self._add(1, 0, line)
        if event.anchor is not None:
            self.named[event.anchor] = 1, 0
        is_long = len(event.value) > MOST_DIGITS and event.style is None
        if is_long and _NUMBER.fullmatch(event.value):
            found = f"a number of {len(event.value):,} digits"
            self._refuse(line, found, f"at most {MOST_DIGITS}")

    def _add(self, values: int, levels: int, line: int) -> None:
        at = self.open[-1]
        at.values += values
        at.levels = max(at.levels, levels)
        if at.values > MOST_VALUES:
            self._refuse(line, "aliases make too many values", f"at most {MOST_VALUES:,}")
        if len(self.open) + at.levels > MOST_LEVELS:
            self._refuse(line, "too many levels", f"at most {MOST_LEVELS}")

    def _refuse(self, line: int, found: str, allowed: str) -> None:
        raise ParamsError(f"{_line(self.path, line)}: {found}; allowed: {allowed}")


def _refuse_bombs(text: str, path: Path) -> None:
    counter = _Counter(path)
    for event in YAML(typ="safe", pure=True).parse(text):
        counter.take(event)


def _line(path: Path, line: int) -> str:
    return f"{path}, line {line + 1}"

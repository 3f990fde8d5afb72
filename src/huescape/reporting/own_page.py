"""The page of a stage that must be asked for, beside its files: tables and figures, whole in one.

The report cannot show them: a stage has its dependencies, asked for or not.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_TEMPLATE = "own_page.html"
NONE = "\N{EN DASH}"


@dataclass(frozen=True)
class Table:
    """Texts below `head`; the first of each row names it."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A PNG, what stands in for it where it cannot be seen, and what it shows."""

    path: Path
    alt: str
    caption: str


@dataclass(frozen=True)
class Part:
    """A section: a paragraph, lines, tables and figures, in that order."""

    title: str
    text: str
    lines: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


def page_of(title: str, lede: str, parts: Sequence[Part]) -> str:
    """The page, with its figures in it; all text is escaped. Raises OSError for a figure."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["uri"] = _uri
    return environment.get_template(_TEMPLATE).render(title=title, lede=lede, parts=parts)


def with_interval(value: Any, interval: Sequence[float] | None = None, digits: int = 3) -> str:
    """A number with its interval, as a table has it: `0.512 (0.402 to 0.618)`; a dash for none."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:.{digits}f}"
    if interval is None or not all(math.isfinite(end) for end in interval):
        return text
    return f"{text} ({interval[0]:.{digits}f} to {interval[1]:.{digits}f})"


def _uri(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"

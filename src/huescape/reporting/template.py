"""The page's template, report.html, ready to be filled."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template

from huescape.reporting import wording


def template() -> Template:
    """The page's template; all text is escaped."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["thousands"] = wording.thousands
    source = Path(__file__).with_name("report.html").read_text(encoding="utf-8")
    return environment.from_string(source)

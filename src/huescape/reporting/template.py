"""The page's template, report.html, ready to be filled."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from huescape.reporting import dataset, wording


def template() -> Template:
    """The page's template; all text is escaped but for the SVG that `figures` made."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["svg"] = Markup  # figures.* escape what they are given
    environment.filters["thousands"] = wording.thousands
    environment.filters["reason"] = dataset.reason_text
    source = Path(__file__).with_name("report.html").read_text(encoding="utf-8")
    return environment.from_string(source)

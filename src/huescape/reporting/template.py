"""The page's template, report.html with its parts, ready to be filled."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from huescape.reporting import wording

_HERE = Path(__file__).parent


def template() -> Template:
    """The page's template; all text is escaped.

    `script` is the one script that the page may run, and `script_hash` what its policy knows it by:
    text that slipped through as markup would run nothing, and nothing can be loaded.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["thousands"] = wording.thousands
    script = (_HERE / "gallery.js").read_text(encoding="utf-8")
    digest = hashlib.sha256(script.encode()).digest()
    environment.globals["script"] = Markup(script)  # ours, from the package
    environment.globals["script_hash"] = f"sha256-{base64.b64encode(digest).decode()}"
    return environment.get_template("report.html")

"""The sections of a card that a person writes: a Markdown file with these headings."""

from __future__ import annotations

import re
from pathlib import Path

from huescape.base.errors import HuescapeError, ParamsError

#: By heading; a section that is left out is said to be missing.
SECTIONS = {
    "Intended use": "intended_use",
    "Photos and their terms": "photos_and_terms",
    "Where it fails": "where_it_fails",
}
_HEADING = re.compile(r"^##\s+(.+?)\s*$", re.MULTILINE)


def read_notes(path: Path | None) -> dict[str, str]:
    """The text below each heading of `SECTIONS`, "" where there is none, by its name.

    Raises HuescapeError for a file that cannot be read, ParamsError for other headings, one that
    comes twice, and text above the first.
    """
    found = dict.fromkeys(SECTIONS.values(), "")
    if path is None:
        return found
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise HuescapeError(f"--notes {path}: cannot be read: {reason}") from error
    before, *parts = _HEADING.split(text)
    headings, texts = parts[::2], parts[1::2]
    allowed = ", ".join(f"`## {heading}`" for heading in SECTIONS)
    if before.strip():
        raise ParamsError(f"--notes {path}: text above the first heading; allowed below {allowed}")
    for heading, content in zip(headings, texts, strict=True):
        if heading not in SECTIONS or headings.count(heading) > 1:
            twice = " comes twice" if heading in SECTIONS else ""
            raise ParamsError(f"--notes {path}: `## {heading}`{twice}; allowed: each of {allowed}")
        found[SECTIONS[heading]] = content.strip()
    return found

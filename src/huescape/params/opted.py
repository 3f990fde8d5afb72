"""Where params.yaml asks for what runs on request alone: for systems of the project, or shipped."""

from __future__ import annotations

from pathlib import Path

from huescape.base.errors import ParamsError
from huescape.params.sections import entries


def section_of(path: Path, name: str, trained: str, shipped: str) -> str:
    """The one of two sections that has the entry; ParamsError where neither has."""
    sections = {section: entries(path, section) for section in (trained, shipped)}
    for section, names in sections.items():
        if name in names:
            return section
    allowed = ", ".join(sorted(name for names in sections.values() for name in names)) or "none"
    raise ParamsError(
        f"{path}: {name} is neither in {trained} nor in {shipped}; allowed: {allowed}"
    )

"""Where params.yaml asks for what runs on request alone: for systems of the project, or shipped."""

from __future__ import annotations

from pathlib import Path

from huescape.base.errors import ParamsError
from huescape.params.places import MODELS
from huescape.params.presets import read_system
from huescape.params.released import released_model
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


def model_of(path: Path, system: str, *, is_shipped: bool) -> Path:
    """The folder of a system's model.

    Raises ParamsError for one that is not in the parameters in `path`, or not shipped: a model that
    is left over has no results.
    """
    if is_shipped:
        return released_model(system)
    read_system(path, system)
    return MODELS / system

"""Trained models that come with the package: each a folder `released/<name>/` for `load_system`."""

from __future__ import annotations

from pathlib import Path

import huescape
from huescape.base.errors import HuescapeError
from huescape.params.base import Section

RELEASED = Path(huescape.__file__).parent / "released"
#: The one that colors unless a person names another.
DEFAULT = "landscape"


class ReleasedParams(Section):
    """An entry of `released:`, a model that comes with the package; it is scored, not trained."""


def released_models() -> list[str]:
    """Their names, sorted."""
    return sorted(path.parent.name for path in RELEASED.glob("*/system.json"))


def released_model(name: str) -> Path:
    """The folder of one; HuescapeError where there is none of that name."""
    if name not in released_models():
        allowed = ", ".join(released_models()) or "none"
        raise HuescapeError(f"{name}: no model that comes with huescape; allowed: {allowed}")
    return RELEASED / name

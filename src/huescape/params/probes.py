"""Sections `probed` and `probed_released`, of a stage that must be asked for."""

from __future__ import annotations

from pydantic import Field

from huescape.params.base import Section


class ProbedParams(Section):
    """An entry of `probed` or `probed_released`: what a system's blocks know of a photo's scene."""

    features: int = Field(default=1024, ge=1, le=65_536)
    """About as many features a photo, of every block: maps are averaged in squares until then."""
    min_photos: int = Field(default=10, ge=2, le=10**6)
    """Training photos that a category needs to take part."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Of the random weights that the system's are compared with."""

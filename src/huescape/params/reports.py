"""Sections `evaluate` and `report`: how systems are scored and shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from huescape.params.base import TEMPERATURE, FromList, Section

Temperature = Annotated[float, Field(gt=0, le=1)]


class EvaluateParams(Section):
    """How systems are scored."""

    temperature: Temperature = TEMPERATURE
    """The temperature of the annealed mean for the headline scores (Zhang et al. 2016: 0.38)."""
    temperatures: Annotated[tuple[Temperature, ...], FromList] = (1.0, TEMPERATURE, 0.2)
    """Temperatures that are scored and drawn beside it."""
    prior: str = "lab313"
    """The quantizer whose bins and prior weigh the rebalanced scores of every system."""
    macro_pixels: int = Field(default=1000, ge=1, le=10**9)
    """Pixels that a bin needs to count in the macro scores."""
    macro_photos: int = Field(default=5, ge=1, le=10**9)
    """Photos that a bin needs to count in the macro scores."""
    pictures: int = Field(default=8, ge=0, le=64)
    """Test photos that are shown."""


class ReportParams(Section):
    """How results are shown."""

    title: str = Field(default="huescape", max_length=1000)
    """The title of the page."""

"""Sections `evaluate` and `report`: how systems are scored and shown."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from huescape.params.base import TEMPERATURE, FromList, Section

Temperature = Annotated[float, Field(gt=0, le=1)]


class EvaluateParams(Section):
    """The temperature of the headline scores, and those that are scored and drawn beside it.

    `prior` names the quantizer whose bins and prior weigh the rebalanced scores of every system.
    """

    temperature: Temperature = TEMPERATURE
    temperatures: Annotated[tuple[Temperature, ...], FromList] = (1.0, TEMPERATURE, 0.2)
    prior: str = "lab313"
    macro_pixels: int = Field(default=1000, ge=1, le=10**9)
    macro_photos: int = Field(default=5, ge=1, le=10**9)
    pictures: int = Field(default=8, ge=0, le=64)


class ReportParams(Section):
    """The title of the page."""

    title: str = Field(default="huescape", max_length=1000)

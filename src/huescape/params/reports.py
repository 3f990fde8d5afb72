"""Sections `evaluate` and `report`: how systems are scored and shown."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from huescape.params.base import TEMPERATURE, FromList, Section
from huescape.params.decodings import ANNEALED, Decoding

DECODES = (
    *(Decoding(temperature=temperature) for temperature in (1.0, TEMPERATURE, 0.2)),
    Decoding(method="median"),
)


class EvaluateParams(Section):
    """How systems are scored."""

    decode: Decoding = ANNEALED
    """How a color is chosen from a distribution for the headline scores and for `colorize`."""
    decodes: Annotated[tuple[Decoding, ...], FromList] = Field(default=DECODES, min_length=1)
    """Decodings that are scored and drawn, each once; `decode` is one of them, named or not."""
    prior: str = "lab313"
    """The quantizer whose bins and prior weigh the rebalanced scores of every system."""
    macro_pixels: int = Field(default=1000, ge=1, le=10**9)
    """Pixels that a bin needs to count in the macro scores."""
    macro_photos: int = Field(default=5, ge=1, le=10**9)
    """Photos that a bin needs to count in the macro scores."""
    pictures: int = Field(default=8, ge=0, le=64)
    """Photos that are shown."""
    extremes: int = Field(default=20, ge=0, le=64)
    """How many of the best and of the worst photos, by AuC, are shown."""
    split: Literal["test", "val"] = "test"
    """What is scored: `val` to choose a decoding by, `test` to report what was chosen."""

    @field_validator("decodes")
    @classmethod
    def _each_once(cls, decodes: tuple[Decoding, ...]) -> tuple[Decoding, ...]:
        names = [decoding.name for decoding in decodes]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"lists {name!r} twice; allowed: each decoding once")
        return decodes

    @property
    def every_decode(self) -> dict[str, Decoding]:
        """By name: those of `decodes`, after `decode` where it is not among them."""
        found = {decoding.name: decoding for decoding in self.decodes}
        return found if self.decode.name in found else {self.decode.name: self.decode, **found}


class ReportParams(Section):
    """How results are shown."""

    title: str = Field(default="huescape", max_length=1000)
    """The title of the page."""

"""Sections `perceived`, `perceived_released` and `neighbors`, of stages that must be asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from huescape.params.base import FromList, Section

ClassifierName = Literal["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"]
CLASSIFIERS: tuple[ClassifierName, ...] = (
    *("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"),
)


class PerceivedParams(Section):
    """An entry of `perceived` or `perceived_released`: what classifiers make of a system's photos.

    The package of `efficientnet_lite0` is always there, the others with `huescape[perception]`.
    """

    classifiers: Annotated[tuple[ClassifierName, ...], FromList] = Field(
        default=CLASSIFIERS, min_length=2
    )
    """Who is asked, two or more: one alone may be the encoder of the system that is judged."""

    @field_validator("classifiers")
    @classmethod
    def _each_once(cls, names: tuple[ClassifierName, ...]) -> tuple[ClassifierName, ...]:
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"lists {name!r} twice; allowed: each classifier once")
        return names


class NeighborsParams(Section):
    """An entry of `neighbors`: the split whose photos are looked for among the training photos."""

    max_distance: int = Field(default=8, ge=0, le=64)
    """Bits of the hash within which two photos count as copies; see `filter.max_distance`."""
    pairs: int = Field(default=12, ge=0, le=64)
    """The closest pairs that are shown."""

"""Sections `filter` and `resize`: which photos are kept, and at what size."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from huescape.params.base import Section


class SplitParams(Section):
    """Shares of the validation and the test split; the rest trains.

    The split follows from the hash of a photo's content, so adding photos moves none. Where a
    source brings its own list (`splits` of the source), that list wins if `honor_lists` is set.
    """

    val: float = Field(default=0.1, ge=0, lt=1)
    """Share of the validation split."""
    test: float = Field(default=0.15, ge=0, lt=1)
    """Share of the test split."""
    honor_lists: bool = True
    """Whether the list that a source brings wins over the hash."""

    @model_validator(mode="after")
    def _something_is_left(self) -> SplitParams:
        if self.val + self.test >= 1:
            raise ValueError("val + test must be below 1: nothing would be left to train on")
        return self


class FilterParams(Section):
    """What a photo must be to be kept."""

    categories: Literal["core", "extended", "colorunet", "all"] = "core"
    """The tier of landscape categories; `colorunet` are the twelve of SUN, by their names, that
    the authors' script of Billaut et al. 2018 lists."""
    max_pixels: int = Field(default=89_478_485, ge=1, le=2**31 - 1)
    """The most pixels of a photo that is decoded. The default is Pillow's limit; it keeps a small
    file from filling the memory, of which a million takes about 8 MB."""
    min_side: int = Field(default=100, ge=1, le=100_000)
    """The shorter side in pixels."""
    min_chroma: float = Field(default=1.5, ge=0, le=200)
    """The mean CIE Lab chroma below which a picture counts as gray."""
    max_distance: int = Field(default=8, ge=0, le=16)
    """The Hamming distance of 64-bit perceptual hashes up to which photos count as duplicates."""
    split: SplitParams = SplitParams()
    """The validation and the test split."""


class ResizeParams(Section):
    """Photos are fitted into a square by Lanczos, only ever downsampled, and padded."""

    size: int = Field(default=256, ge=16, le=1024, multiple_of=8)
    """The side of the square in pixels."""
    shards: int = Field(default=4, ge=1, le=10_000)
    """The number of partitions that can be made independently."""

"""Section `download`: where the photos come from. Sources are combined in the order given."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from huescape.params.base import FromList, Section

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Listing = Literal["landscape", "all"]


class SampleSource(Section):
    """Synthetic landscapes rendered from a seed: no network, no download."""

    kind: Literal["sample"]
    name: Name = "sample"
    photos: int = Field(default=240, ge=20, le=1_000_000)
    seed: int = Field(default=0, ge=0, lt=2**63)


class FolderSource(Section):
    """Any tree of photos on disk; the categories are its folders. Referenced, not copied."""

    kind: Literal["folder"]
    name: Name = "folder"
    root: str
    licence: str = "unknown"
    splits: str | None = None


class Sun397Source(Section):
    """SUN397 or SUN2012: an extracted tree, an archive on disk, or a download.

    `root` is the extracted tree (`<root>/<letter>/<category>/…/sun_*.jpg`), used as it is when it
    exists. Otherwise the landscape categories are extracted there from `archive`, which is first
    downloaded from `url` when it does not exist. A download slower than `min_rate` (bytes/s, over a
    minute) counts as broken; one that takes over `max_hours` ends, and can go on.
    """

    kind: Literal["sun397"]
    name: Name = "sun397"
    root: str
    archive: str | None = None
    url: str | None = None
    md5: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    min_rate: float = Field(default=1000.0, ge=0.0, allow_inf_nan=False)
    max_hours: float = Field(default=168.0, gt=0.0, allow_inf_nan=False)
    categories: Listing = "landscape"
    splits: str | None = None

    @field_validator("url")
    @classmethod
    def _is_of_the_web(cls, url: str | None) -> str | None:
        if url is None:
            return url
        with suppress(ValueError):  # a wrong port, half an IPv6 address
            parts = urlsplit(url)
            if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
                return url
        # Not quoted: where the secrets of such an address are cannot be told.
        raise ValueError(
            "is no address of a file on the web; allowed: http://… or https://…, with %2F for a "
            "`/` in a password"
        )


class ImageNetSource(Section):
    """ImageNet on disk: per-wnid folders, per-wnid tars, or both in `root`. Never downloaded."""

    kind: Literal["imagenet"]
    name: Name = "imagenet"
    root: str
    categories: Listing = "landscape"
    splits: str | None = None


Source = Annotated[
    SampleSource | FolderSource | Sun397Source | ImageNetSource, Field(discriminator="kind")
]


class DownloadParams(Section):
    """The sources of photos; two sources may not share a name."""

    sources: Annotated[tuple[Source, ...], FromList] = Field(
        default=(SampleSource(kind="sample"),), min_length=1
    )

    @model_validator(mode="after")
    def _names_are_unique(self) -> DownloadParams:
        names = [source.name for source in self.sources]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"two sources have the name {repeated[0]!r}; give each its own `name`")
        return self

"""Section `download`: where the photos come from. Sources are combined in the order given."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field, model_validator

from huescape.params.base import FromList, Section

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class SourceParams(Section):
    """A source by its kind; every other key is an option of that kind, and checked by it."""

    model_config = ConfigDict(extra="allow")

    kind: str
    name: Name = Field(default_factory=lambda data: str(data.get("kind", "")))

    @property
    def options(self) -> dict[str, Any]:
        """The other keys."""
        return dict(self.model_extra or {})


class DownloadParams(Section):
    """The sources of photos; two sources may not share a name."""

    sources: Annotated[tuple[SourceParams, ...], FromList] = Field(
        default=(SourceParams(kind="sample"),), min_length=1
    )

    @model_validator(mode="after")
    def _names_are_unique(self) -> DownloadParams:
        names = [source.name for source in self.sources]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"two sources have the name {repeated[0]!r}; give each its own `name`")
        return self

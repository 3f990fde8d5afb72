"""Section `download`: where the photos come from. Sources are combined in the order given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from huescape.params.base import FromList, Open, Section

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")]

# The options of a source that name something on the disk.
PATHS = ("root", "archive", "devkit", "splits")


class SourceParams(Open):
    """A source by its kind; every other key is an option of that kind, and checked by it."""

    kind: str
    name: Name = Field(default_factory=lambda data: str(data.get("kind", "")))

    @property
    def paths(self) -> dict[str, Path]:
        """What the source names on the disk, as written; what is no text is left to its check."""
        named = {key: self.options.get(key) for key in PATHS}
        return {key: Path(value) for key, value in named.items() if isinstance(value, str)}


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

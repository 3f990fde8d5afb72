"""What every source of photos is: its options, and how its photos are found."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from huescape.params.base import Section
from huescape.params.download import Name
from huescape.sources.listing import Found
from huescape.sources.walk import LeftOut

Categories = Literal["landscape", "all"]


class Source(Section):
    """Photos from somewhere; a kind is `sources/kinds/<kind>.py`, its fields are its options.

    `key` is the source's dotted key in params.yaml, for messages. All raise HuescapeError for what
    is not there or cannot be read.

    Attributes:
        licence, homepage: what may be done with the photos, and where that is said.
        is_local: whether the photos are on the disk before the stage runs.
        unlisted: choices of `filter.categories` that none of its photos can be in.
        rendered: how the files are called that `render` makes, a regular expression; else empty.
    """

    licence_text: ClassVar[str] = ""
    homepage: ClassVar[str] = ""
    is_local: ClassVar[bool] = False
    unlisted: ClassVar[tuple[str, ...]] = ()
    rendered: ClassVar[str] = ""

    name: Name

    @property
    def rights(self) -> str:
        """What may be done with the photos."""
        return self.licence_text

    @property
    def kind(self) -> str:
        """Its name in params.yaml: that of its module."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def split_list(self) -> str | None:
        """The file of the dataset's own splits, if it has one."""
        return None

    def place(self, raw: Path) -> Path:
        """The folder of its photos; `raw` is that of the stage."""
        raise NotImplementedError

    def prepare(self, key: str) -> None:
        """Download or extract what is not there yet."""

    def render(self, raw: Path, workers: int) -> None:
        """Make the photos, below `raw`."""

    def found(self, key: str, raw: Path, left_out: LeftOut) -> list[Found]:
        """Its photos; `left_out` counts what is none."""
        raise NotImplementedError


class SourceOnDisk(Source):
    """Photos below a folder `root`, perhaps with a list of splits of their own."""

    root: str
    splits: str | None = None

    @property
    def split_list(self) -> str | None:
        """The option `splits`."""
        return self.splits

    def place(self, raw: Path) -> Path:
        """The option `root`."""
        return Path(self.root).expanduser()

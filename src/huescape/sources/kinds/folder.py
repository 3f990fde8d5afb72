"""Source `folder`: any tree of photos of the user's own."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from huescape.base.errors import HuescapeError
from huescape.params.download import Name
from huescape.sources.listing import Found, found_file, require_folder
from huescape.sources.source import SourceOnDisk
from huescape.sources.walk import SUFFIXES, LeftOut, walk_photos


class FolderSource(SourceOnDisk):
    """Any tree of photos on disk; the categories are its folders. Referenced, not copied."""

    is_local = True

    name: Name = "folder"
    licence: str = "unknown"

    @property
    def rights(self) -> str:
        """What the user says."""
        return self.licence

    def found(self, key: str, raw: Path, left_out: LeftOut) -> list[Found]:
        """See `list_folder`."""
        return list_folder(self.root, key, left_out)


def list_folder(root: str, key: str, left_out: LeftOut | None = None) -> list[Found]:
    """List the photos below `root`; the category is the folder, the tier always `core`.

    The user chose these photos, so none is dropped for its category. `key` is the dotted key of
    the source in params.yaml, for messages; `left_out` counts what is not listed. Raises
    HuescapeError when there is nothing to list.
    """
    left_out = left_out or LeftOut()
    folder = require_folder(root, f"{key}.root", "give an existing folder of photos")
    keys = walk_photos(folder, left_out)
    if not keys:
        others = "".join(f"; {line}" for line in left_out.lines())
        raise HuescapeError(
            f"{key}.root: no photo below {root}; looked for {' '.join(SUFFIXES)}{others}"
        )
    return [found_file(folder, name, _parent(name), "core") for name in keys]


def _parent(name: str) -> str:
    parent = PurePosixPath(name).parent.as_posix()
    return "" if parent == "." else parent

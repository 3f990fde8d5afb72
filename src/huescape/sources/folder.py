"""Source `folder`: any tree of photos of the user's own."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from huescape.base.errors import HuescapeError
from huescape.sources.listing import Found, file_size, require_folder
from huescape.sources.walk import SUFFIXES, LeftOut, walk_photos


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


def found_file(root: Path, name: str, category: str, tier: str) -> Found:
    """A photo that is a file of its own."""
    path = root / name
    return Found(name, path, category, tier, file_size(path))


def _parent(name: str) -> str:
    parent = PurePosixPath(name).parent.as_posix()
    return "" if parent == "." else parent

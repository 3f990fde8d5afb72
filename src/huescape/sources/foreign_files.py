"""What lies in the folder of the stage download and was not written by it is somebody's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from huescape.base.errors import HuescapeError
from huescape.sources.source import Source

_LISTS = frozenset({"manifest.csv", "sources.json", "SHA256SUMS"})
_RENDERED = re.compile(r"sun_[a-z]{16}\.jpg")


def refuse_foreign_files(folder: Path, sources: Iterable[Source]) -> None:
    """Raise HuescapeError for the first file that would be lost when `folder` is made anew.

    Its lists and rendered photos are made again. Hidden files are those of the system or of DVC.
    """
    rendered = {source.name for source in sources if source.is_rendered}
    for path in _foreign(folder, rendered | _rendered_before(folder)):
        raise HuescapeError(
            f"{path}: was not written by the stage download, which makes {folder} anew; allowed: "
            "photos of your own outside of it, such as in data/external"
        )


def _foreign(folder: Path, rendered: set[str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") for part in parts) or (path.is_dir() and not path.is_symlink()):
            continue
        is_list = len(parts) == 1 and path.name in _LISTS
        is_photo = parts[0] in rendered and _RENDERED.fullmatch(path.name)
        if not is_list and not is_photo:
            yield path


def _rendered_before(folder: Path) -> set[str]:
    """Names of the sources that were rendered; the usual one where a kill left no list of them."""
    try:
        known = json.loads((folder / "sources.json").read_text(encoding="utf-8"))
        return {str(source["name"]) for source in known if source["kind"] == "sample"}
    except (OSError, ValueError, KeyError, TypeError):
        return {"sample"}

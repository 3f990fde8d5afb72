"""What lies in the folder of the stage download and was not written by it is somebody's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from huescape.base.errors import HuescapeError
from huescape.sources.kinds import KINDS
from huescape.sources.source import Source

_LISTS = frozenset({"manifest.csv", "sources.json", "SHA256SUMS"})


def refuse_foreign_files(folder: Path, sources: Iterable[Source]) -> None:
    """Raise HuescapeError for the first file that would be lost when `folder` is made anew.

    Its lists and rendered photos are made again. Hidden files are those of the system or of DVC.
    """
    rendered = {source.name: source.rendered for source in sources if source.rendered}
    for path in _foreign(folder, _rendered_before(folder) | rendered):
        raise HuescapeError(
            f"{path}: was not written by the stage download, which makes {folder} anew; allowed: "
            "photos of your own outside of it, such as in data/external"
        )


def _foreign(folder: Path, rendered: Mapping[str, str]) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") for part in parts) or (path.is_dir() and not path.is_symlink()):
            continue
        is_list = len(parts) == 1 and path.name in _LISTS
        is_photo = parts[0] in rendered and re.fullmatch(rendered[parts[0]], path.name)
        if not is_list and not is_photo:
            yield path


def _rendered_before(folder: Path) -> dict[str, str]:
    """What photos were rendered, by source; the usual one where a kill left no list of them."""
    try:
        known = json.loads((folder / "sources.json").read_text(encoding="utf-8"))
        kinds = {str(source["name"]): KINDS.find(source["kind"]) for source in known}
    except (OSError, ValueError, KeyError, TypeError, HuescapeError):
        kinds = {"sample": KINDS.find("sample")}
    return {name: kind.rendered for name, kind in kinds.items() if kind.rendered}

"""Source `sun397`: SUN397 or SUN2012, as an extracted tree, an archive, or a download.

J. Xiao et al., SUN Database: Large-scale Scene Recognition from Abbey to Zoo, CVPR 2010.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from huescape.base.atomic import write_json
from huescape.base.errors import HuescapeError
from huescape.params.download import Name
from huescape.sources.archives import archive_problem, extract_photos
from huescape.sources.categories import (
    SUN397_PHOTOS,
    sun_categories,
    sun_tier,
    sun_wanted,
)
from huescape.sources.downloaded import DownloadedSource, say
from huescape.sources.fetch import check_md5, check_room, fetch
from huescape.sources.listing import Found, found_file
from huescape.sources.source import Categories
from huescape.sources.walk import LeftOut, walk_photos

_INSIDE = (".", "SUN397", "Images", "SUN2012", "SUN2012/Images")
#: What this program extracted into a folder; a tree without it is the user's own.
_NOTE = ".huescape-extracted.json"
_GB = 1e9


@dataclass(frozen=True)
class _Places:
    """Where things are: `root` of the tree, the `archive` if any, the dotted `key` for messages."""

    root: Path
    archive: Path | None
    key: str


class Sun397Source(DownloadedSource):
    """SUN397 or SUN2012: an extracted tree, an archive on disk, or a download.

    `root` is the extracted tree (`<root>/<letter>/<category>/…/sun_*.jpg`), used as it is when it
    exists. Otherwise the landscape categories are extracted there from `archive`, which is first
    downloaded from `url` when it does not exist.
    """

    licence_text = "for research; each photo is its owner's"
    homepage = "https://vision.princeton.edu/projects/2010/SUN/"

    name: Name = "sun397"
    md5: str | None = Field(default=None, pattern=r"^[0-9a-f]{32}$")
    categories: Categories = "landscape"

    def prepare(self, key: str) -> None:
        """See `prepare_sun397`."""
        prepare_sun397(self, key)

    def found(self, key: str, raw: Path, left_out: LeftOut) -> list[Found]:
        """See `list_sun397`."""
        return list_sun397(self, key, left_out)


def prepare_sun397(source: Sun397Source, key: str) -> None:
    """Make sure that the tree at `root` is there: extract it, and download the archive, if not.

    Both go on where an earlier run stopped. `key` is the dotted key of the source, for messages.
    Raises HuescapeError when there is nothing to extract from, or when that fails.
    """
    root, archive = Path(source.root).expanduser(), _archive(source)
    places = _Places(root, archive, key)
    if _is_ready(places, source.categories):
        return
    if archive is None:
        raise HuescapeError(
            f"{key}.root: {source.root} holds no <letter>/<category> folders; give the extracted "
            f"tree, or `archive` (and `url`) to extract it from"
        )
    _provide(source, archive, key)
    _extract(source, places, archive)


def list_sun397(source: Sun397Source, key: str, left_out: LeftOut | None = None) -> list[Found]:
    """List the photos of the tree; `categories` = landscape leaves out all other categories.

    `left_out` counts what is no photo.
    """
    base = sun_base(Path(source.root).expanduser())
    if base is None:
        raise HuescapeError(f"{key}.root: {source.root} holds no <letter>/<category> folders")
    found = []
    for name in walk_photos(base, left_out):
        place = sun_place(PurePosixPath(name))
        if place is None or place.as_posix() != name or not _wanted(place, source.categories):
            continue
        category = place.parent.as_posix()
        found.append(found_file(base, name, category, sun_tier(category)))
    if not found:
        wanted = "landscape categories" if source.categories == "landscape" else "photos"
        raise HuescapeError(f"{key}.root: none of the {wanted} of SUN is in {base}")
    return found


def sun_base(root: Path) -> Path | None:
    """The folder that holds the one-letter folders: `root`, or where the archives put it."""
    for inside in _INSIDE:
        base = root / inside
        if base.is_dir() and any(_is_letter(entry.name) for entry in base.iterdir()):
            return base
    return None


def sun_place(name: PurePosixPath) -> PurePosixPath | None:
    """Cut `[SUN397/]m/mountain/sun_x.jpg` to what starts with the letter; None if nothing does."""
    parts = name.parts
    start = next((i for i, part in enumerate(parts) if _is_letter(part)), None)
    return PurePosixPath(*parts[start:]) if start is not None and len(parts) - start > 2 else None


def _archive(source: Sun397Source) -> Path | None:
    """Where the archive is, or will be: beside the tree, unless the parameters say."""
    if source.archive is not None:
        return Path(source.archive).expanduser()
    name = PurePosixPath(urlsplit(source.url or "").path).name
    return Path(source.root).expanduser().parent / name if name else None


def _is_letter(name: str) -> bool:
    return len(name) == 1 and "a" <= name <= "z"


def _wanted(place: PurePosixPath, categories: str) -> bool:
    return categories == "all" or sun_wanted(place.parent.as_posix())


def _is_ready(places: _Places, categories: str) -> bool:
    """Whether the tree can be used: the user's own, or one extracted whole, with these categories.

    An archive that is another one now is read again: the first may have been damaged. Raises
    HuescapeError for a tree extracted in part when there is no archive to go on with: it must never
    pass for the whole.
    """
    note = _read_note(places.root)
    if note is None:
        return sun_base(places.root) is not None
    enough = note.get("complete") is True and note.get("categories") in (categories, "all")
    if not enough and places.archive is None:
        raise HuescapeError(
            f"{places.key}.root: {places.root} was extracted in part; give `archive` to go on"
        )
    return enough and _is_of(note, places.archive)


def _is_of(note: dict[str, Any], archive: Path | None) -> bool:
    """Whether the archive is still the one that was extracted; one that is gone may be."""
    if archive is None or not archive.is_file() or "stamp" not in note:
        return True
    return bool(note["stamp"] == _stamp(archive))


def _stamp(archive: Path) -> list[int]:
    status = archive.stat()
    return [status.st_size, status.st_mtime_ns]


def _read_note(root: Path) -> dict[str, Any] | None:
    try:
        note = json.loads((root / _NOTE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def _provide(source: Sun397Source, archive: Path, key: str) -> None:
    """See that the archive is on disk and has the checksum that the parameters name."""
    if archive.is_file():
        if source.md5 is not None:
            with _remedied(source):
                check_md5(archive, source.md5, str(archive))
        return
    if archive.exists():
        raise HuescapeError(f"{key}.archive: {archive} is not a file; name the archive itself")
    if source.url is None:
        raise HuescapeError(f"{key}.archive: {archive} does not exist; give `url` to download it")

    def room(size: int) -> None:
        part = archive.with_name(archive.name + ".part")
        whole = size + (part.stat().st_size if part.is_file() else 0)
        extracted = whole * _share(source.categories)
        say(
            f"{source.name}: downloading {size / _GB:.2f} GB to {archive}, then extracting about "
            f"{extracted / _GB:.2f} GB to {source.root}"
        )
        _check_rooms(archive, size, Path(source.root).expanduser(), extracted)

    md5, refuse = source.md5, archive_problem
    fetch(source.url, archive, md5, refuse=refuse, room=room, patience=source.patience)


@contextmanager
def _remedied(source: Sun397Source) -> Iterator[None]:
    """What is wrong with an archive that can be downloaded stays wrong as long as it is there."""
    try:
        yield
    except HuescapeError as error:
        if source.url is None:
            raise
        raise HuescapeError(f"{error} (once it is removed, it is downloaded anew)") from error


def _check_rooms(archive: Path, download: float, root: Path, extracted: float) -> None:
    """Both on one disk need their sum; a tree on another disk is checked when it is extracted."""
    together = _device(archive.parent) == _device(root)
    check_room(archive, int(download + extracted * together), "the archive and its photos")


def _extract(source: Sun397Source, places: _Places, archive: Path) -> None:
    note: dict[str, Any] = {"archive": archive.name, "categories": source.categories}
    note |= {"stamp": _stamp(archive), "complete": False}
    size = archive.stat().st_size * _share(source.categories)
    have = sum(path.stat().st_size for path in places.root.rglob("sun_*"))
    check_room(places.root / _NOTE, max(int(size) - have, 0), f"the photos of {archive}")
    say(f"{source.name}: extracting about {size / _GB:.2f} GB from {archive} to {source.root}")
    write_json(places.root / _NOTE, note)

    def place(name: PurePosixPath) -> PurePosixPath | None:
        inside = sun_place(name)
        return inside if inside and _wanted(inside, source.categories) else None

    with _remedied(source):
        count = extract_photos(archive, places.root, place)
    if not count:
        (places.root / _NOTE).unlink()
        raise HuescapeError(
            f"{places.key}.archive: {archive} holds no photo of a wanted category; looked for "
            f"<letter>/<category>/*.jpg ({source.categories})"
        )
    write_json(places.root / _NOTE, {**note, "complete": True})


def _share(categories: str) -> float:
    """The wanted part of the archive, by SUN397's counts; photos do not shrink when zipped.

    ColorUNet's four other categories, whose counts are not in the lists, are about a hundredth.
    """
    if categories == "all":
        return 1.0
    return 0.01 + sum(category.photos for category in sun_categories().values()) / SUN397_PHOTOS


def _device(path: Path) -> int:
    folder = next(parent for parent in (path, *path.absolute().parents) if parent.is_dir())
    return folder.stat().st_dev

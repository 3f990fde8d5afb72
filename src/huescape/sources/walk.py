"""Find the photos in a tree of folders, in one order on every machine."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

from huescape.errors import HuescapeError

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp")


def is_photo_name(name: str) -> bool:
    """Whether a file name is a visible photo's; upper and lower case are the same."""
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def walk_photos(root: Path) -> list[str]:
    """Return the POSIX paths, relative to `root` and sorted, of the photos below it.

    Hidden files and folders are skipped. A linked folder is entered once, after all real ones, so
    a loop of links ends and a folder that is reachable twice is listed under its own name. A
    dangling link with a photo's name is listed: whoever reads it then says what is wrong.
    Raises HuescapeError for a folder that cannot be read or a name that is not UTF-8.
    """
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    links: deque[tuple[Path, str]] = deque([(root, "")])
    while links:
        folder, prefix = links.popleft()
        found.extend(_walk_real(folder, prefix, seen, links))
    return sorted(found)


def _walk_real(
    folder: Path, prefix: str, seen: set[tuple[int, int]], links: deque[tuple[Path, str]]
) -> Iterator[str]:
    """Walk the real folders below `folder`; append the linked ones to `links`."""
    pending = [(folder, prefix)]
    while pending:
        here, inside = pending.pop()
        identity = _identity(here)
        if identity in seen:
            continue
        seen.add(identity)
        for entry in _entries(here):
            relative = inside + entry.name
            if _is(entry.is_dir):
                queue = links if entry.is_symlink() else pending
                queue.append((here / entry.name, relative + "/"))
            elif is_photo_name(entry.name) and (_is(entry.is_file) or entry.is_symlink()):
                yield relative


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as scan:
            entries = [entry for entry in scan if not entry.name.startswith(".")]
    except OSError as error:
        raise HuescapeError(f"{folder}: cannot be listed: {error.strerror}") from error
    for entry in entries:
        if not _is_utf8(entry.name):
            raise HuescapeError(
                f"{folder}: the name {entry.name!r} is not UTF-8; rename it or remove it"
            )
    return sorted(entries, key=lambda entry: entry.name)


def _is(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except OSError:  # a link to itself
        return False


def _is_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _identity(folder: Path) -> tuple[int, int]:
    try:
        status = folder.stat()
    except OSError as error:
        raise HuescapeError(f"{folder}: cannot be read: {error.strerror}") from error
    return status.st_dev, status.st_ino

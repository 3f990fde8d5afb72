"""A photo that a source has found, before it is read, and the identity it gets."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from huescape.base.errors import HuescapeError


@dataclass(frozen=True, slots=True)
class Found:
    """One photo of a source.

    key: POSIX path relative to the source's root, with extension; unique in the source.
    path: the file to read; a tar when `offset` is set.
    category: the dataset's name of the scene, or empty. tier: `core`, `extended` or `none`.
    offset: byte offset of the photo in `path`, None for a file of its own. bytes: its size.
    split: the dataset's own split of it, or empty.
    """

    key: str
    path: Path
    category: str
    tier: str
    bytes: int
    offset: int | None = None
    split: str = ""


def photo_ids(source: str, keys: Sequence[str]) -> list[str]:
    """Return one unique id a key: `<source>/<key without extension>`.

    Keys that differ only in their extension keep it, all of them.
    """
    names = [str(PurePosixPath(key).with_suffix("")) for key in keys]
    while True:
        counts = Counter(names)
        clashing = [i for i, name in enumerate(names) if counts[name] > 1 and name != keys[i]]
        if not clashing:
            return [f"{source}/{name}" for name in names]
        for i in clashing:
            names[i] = keys[i]


def recorded_path(path: Path) -> str:
    """Return `path` as the manifest has it: relative to the working folder when inside it."""
    # Not resolved: a linked data folder keeps its name. Strings: this is done for every photo.
    absolute, here = os.path.abspath(path), f"{Path.cwd()}/"  # noqa: PTH100
    return absolute.removeprefix(here) if absolute.startswith(here) else str(path)


def file_size(path: Path) -> int:
    """Size in bytes; raises HuescapeError that names a file that is not there."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise HuescapeError(f"{path}: cannot be read: {error.strerror}") from error


def found_file(root: Path, name: str, category: str, tier: str) -> Found:
    """A photo that is a file of its own."""
    path = root / name
    return Found(name, path, category, tier, file_size(path))


def require_folder(root: str, key: str, hint: str) -> Path:
    """Return `root` as a path; HuescapeError, naming the dotted `key`, if it is no folder."""
    path = Path(root).expanduser()
    if not path.is_dir():
        problem = "is not a folder" if path.exists() else "does not exist"
        raise HuescapeError(f"{key}: {root} {problem}; {hint}")
    return path

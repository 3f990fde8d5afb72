"""Write whole files and folders or nothing: a temporary name beside the target, then a rename."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from huescape.base.errors import HuescapeError
from huescape.base.temporaries import temporary_file, temporary_folder


@contextmanager
def replace_file(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary file in the folder of `path`; rename it to `path` on success.

    The file is open: write to it, do not put another in its place. Its bytes are on the disk
    before its name is, so that after a power cut `path` is the old file or the new one; without
    `durable` it may be an empty one. Raises HuescapeError when the disk refuses (full, read-only,
    no permission). On any error the temporary file is removed and an existing `path` is left as
    it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_file(path.parent) as (temporary, descriptor):
            yield temporary
            if durable:
                os.fsync(descriptor)
            temporary.replace(path)
    except OSError as error:
        raise explained(error, path) from error


@contextmanager
def fresh_directory(path: Path) -> Iterator[Path]:
    """Yield an empty sibling folder of `path`; on success it takes the place of `path`.

    On any error the sibling is removed and an existing `path` is left as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(path.parent) as temporary:
            yield temporary
            try:
                _take_place(temporary, path)
            except OSError as error:  # whose names are those of the folders aside
                raise _refused(error, path) from error
    except OSError as error:
        raise explained(error, path) from error


def _take_place(folder: Path, path: Path) -> None:
    """Rename a folder to `path`; a folder there goes aside first, and comes back on an error."""
    if not os.path.lexists(path):
        folder.rename(path)
        return
    if path.is_symlink() or not path.is_dir():  # somebody else's
        raise FileExistsError(errno.EEXIST, "it is no folder", str(path))
    with temporary_folder(path.parent) as aside:
        old = path.rename(aside / "old")
        try:
            folder.rename(path)
        except BaseException:
            old.rename(path)
            raise


def insist_on_place(path: Path) -> None:
    """Raise HuescapeError now where writing `path` would raise it after hours of work."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(path.parent):
            pass
    except OSError as error:
        raise explained(error, path) from error


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write `content` to `path`, whole or not at all."""
    with replace_file(path, durable=durable) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write `content` to `path` as UTF-8 with `\\n` line ends, whole or not at all."""
    write_bytes(path, content.encode())


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON (sorted keys, no NaN), so that equal values give equal bytes."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """`value` as `write_json` writes it."""
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()


def explained(error: OSError, path: Path) -> OSError | HuescapeError:
    """Turn a refusal of the disk while `path` is written into one line.

    An error about a file elsewhere stays what it was.
    """
    named = error.filename2 or error.filename  # a copy names its source first
    if named is not None:
        about = Path(os.fsdecode(named))
        if about.parent != path.parent and about not in path.parents:
            return error
    return _refused(error, path)


def _refused(error: OSError, path: Path) -> HuescapeError:
    return HuescapeError(f"cannot write {path}: {error.strerror or error}")

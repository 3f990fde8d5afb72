"""Temporary files and folders beside what they become, and the end of those whose maker died.

Each is locked (flock) for as long as its maker lives: the system lets go of the lock with the
process, however that ended. So a name that can be locked is a left-over, and the next process that
writes to the same folder removes it. A process number in the name would say less: it is used again,
and means nothing on another machine that shares the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".huescape-"

_NAME = re.compile(re.escape(PREFIX) + r"(?P<machine>[0-9a-f]{8})-[0-9a-f]{12}")
# Some shared file systems lock within each machine only: what another one made is left alone for
# longer than any write takes.
_FOREIGN_SECONDS = 7 * 24 * 3600
# How often another process may be faster than the lock.
_MOST_SWEPT = 100
_swept: set[str] = set()


@contextmanager
def temporary_file(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield an empty file in `folder`, and a descriptor of it; remove it if it is still there.

    The name's length is bounded, whatever the file is to be called. Raises OSError.
    """
    sweep_once(folder)
    path, descriptor = _make(folder, is_folder=False)
    try:
        yield path, descriptor
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder in `folder`; remove it, with all that is in it, if it is still there.

    Raises OSError.
    """
    sweep_once(folder)
    path, descriptor = _make(folder, is_folder=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def sweep_once(folder: Path) -> None:
    """Sweep a folder the first time this process writes to it: it may hold a million files."""
    place = os.path.abspath(folder)  # noqa: PTH100
    if place not in _swept:
        _swept.add(place)
        sweep(folder)


def sweep(folder: Path) -> None:
    """Remove what dead processes left in `folder`: temporary files and folders of this module.

    Those of live processes stay, and all where the file system cannot lock (it cannot be known
    there who lives). What cannot be removed stays, without a word.
    """
    try:
        with os.scandir(folder) as entries:
            found = [entry.path for entry in entries if _NAME.fullmatch(entry.name)]
    except OSError:
        return
    for path in found:
        with suppress(OSError):  # taken by its maker, removed by another sweep, not permitted
            _remove_if_dead(Path(path))


def _make(folder: Path, *, is_folder: bool) -> tuple[Path, int]:
    """A new file or folder, and a descriptor that holds its lock."""
    swept = 0
    while True:
        path = folder / f"{PREFIX}{_machine()}-{secrets.token_hex(6)}"
        try:
            if is_folder:
                path.mkdir()
                descriptor = os.open(path, os.O_RDONLY)
            else:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            continue
        except FileNotFoundError:
            swept += 1  # before it could be locked
            if not folder.is_dir() or swept > _MOST_SWEPT:  # /proc says so for ever
                raise
            continue
        if _is_ours(path, descriptor):
            return path, descriptor
        os.close(descriptor)


def _is_ours(path: Path, descriptor: int) -> bool:
    """Lock it; False if a sweep was faster, which then removes it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: nobody can sweep there either
        return True
    return _is_at(path, descriptor)


def _remove_if_dead(path: Path) -> None:
    is_folder = path.is_dir()
    # Locks over NFS want a file that is open for writing.
    descriptor = os.open(path, (os.O_RDONLY if is_folder else os.O_RDWR) | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_at(path, descriptor) or not _is_old_enough(path):
            return
        if is_folder:
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _is_old_enough(path: Path) -> bool:
    match = _NAME.fullmatch(path.name)
    if match is not None and match["machine"] == _machine():
        return True
    return time.time() - path.lstat().st_mtime > _FOREIGN_SECONDS


def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]

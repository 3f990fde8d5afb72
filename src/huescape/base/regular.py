"""Files that end: a pipe that nobody writes to would be waited for, and a device read, for ever."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


def open_regular(path: Path) -> BufferedReader:
    """Open a file for reading; raises OSError for what is none, too."""
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
    try:
        insist_on_regular(file.fileno(), path)
    except OSError:
        file.close()
        raise
    return file


def insist_on_regular(descriptor: int, path: Path) -> None:
    """Raise OSError with the path for a descriptor of something else than a file; it stays open."""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise OSError(errno.EINVAL, "is a pipe or device, not a file", str(path))


def read_regular(path: Path) -> bytes:
    """All bytes of a file; raises OSError for what is none, too."""
    with open_regular(path) as file:
        return file.read()


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)

"""A folder for results, of which nothing is left where there is none."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from huescape.base.errors import HuescapeError


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """The folder of results, made if need be; what stays empty of it is removed again.

    Raises HuescapeError where it cannot be made, or is none.
    """
    new = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    if not new and not folder.is_dir():
        raise HuescapeError(f"{folder}: is no folder; name another output")
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HuescapeError(f"cannot write to {folder}: {error.strerror or error}") from error
        yield
    finally:
        if new:
            below = [Path(path) for path, _, _ in os.walk(folder, topdown=False)]
            for path in (*below, *new):
                with suppress(OSError):
                    path.rmdir()

"""Files and folders that may not be written, also not by root, whom permission bits do not stop."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def bound() -> tuple[str, ...]:
    """What stands before a command so that permission bits bind it. Skips where nothing does."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root ignores permission bits, and there is no setpriv")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


@contextmanager
def unwritable(*tops: Path) -> Iterator[None]:
    """Nothing at or below the paths may be changed; a folder that is not there is made for it."""
    for top in tops:
        if not top.exists():
            top.mkdir(parents=True)
    modes = {path: path.stat().st_mode for top in tops for path in (top, *top.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            if path.exists():
                path.chmod(mode)

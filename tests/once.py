"""Make what is slow to make once for all processes of a test run."""

from __future__ import annotations

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """What `make` returned, in the first process that asked, for the folder it may fill.

    The others wait meanwhile. They all see one folder, which nobody may change.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each has a folder of its own, below that of the run
        base = base.parent
    folder = base / f"once-{name}"
    kept = folder / "made.pickle"
    with (base / f"once-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that failed
            folder.mkdir(exist_ok=True)
            made_now = kept.with_suffix(".new")
            made_now.write_bytes(pickle.dumps(make(folder)))
            made_now.rename(kept)
        made: T = pickle.loads(kept.read_bytes())
    return made

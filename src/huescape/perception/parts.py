"""Long work on many photos in parts, each kept once it is done: a killed run goes on.

Parts lie in `.huescape/<stage>/<key>/`, one file each, and go when all are there. The key is of
all that they are made of, the code included: what another made is not taken over.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from huescape.base import closure
from huescape.base.arrays import read_arrays, write_arrays
from huescape.base.errors import HuescapeError
from huescape.base.progress import bar
from huescape.base.runtime import state_dir

Rows = npt.NDArray[np.int64]
Arrays = Mapping[str, npt.NDArray[Any]]
_PHOTOS = 16  # of a part: some ten seconds of work


def key_of(stage: str, *facts: object) -> str:
    """A digest of a stage's code, of the library that computes, and of these facts."""
    told = (closure.digest(stage), torch.__version__, *facts)
    return hashlib.sha256(repr(told).encode()).hexdigest()


def in_parts(
    stage: str, name: str, key: str, rows_N: Rows, make: Callable[[Rows], Arrays]
) -> dict[str, npt.NDArray[Any]]:
    """What `make` gives for all rows, as if it had been asked for all of them at once.

    Args:
        stage: whose work it is, and `name` of which system or split, for the progress bar.
        key: of `key_of`.
        make: arrays by name for some rows, the rows along the first axis.
    """
    folder = state_dir() / stage / f"{name}-{key[:16]}"
    parts: list[Arrays] = []
    shown: tqdm[Any]
    with bar(total=len(rows_N), desc=f"{stage} {name}") as shown:
        for number, first in enumerate(range(0, len(rows_N), _PHOTOS)):
            rows = rows_N[first : first + _PHOTOS]
            parts.append(_part(folder / f"{number:05d}.npz", rows, make))
            shown.update(len(rows))
    return {array: np.concatenate([part[array] for part in parts]) for array in parts[0]}


def forget(stage: str, name: str) -> None:
    """Remove all parts of this system or split: its results are written."""
    for folder in (state_dir() / stage).glob(f"{name}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def _part(path: Path, rows: Rows, make: Callable[[Rows], Arrays]) -> Arrays:
    kept = _kept(path, rows)
    if kept is not None:
        return kept
    made = make(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_arrays(path, rows=rows, **made)
    return made


def _kept(path: Path, rows: Rows) -> Arrays | None:
    """A part that is there and whole; a damaged one is made again."""
    if not path.is_file():
        return None
    try:
        with zipfile.ZipFile(path) as stored:
            names = [name.removesuffix(".npy") for name in stored.namelist()]
        found = read_arrays(path, *names)
    except (HuescapeError, OSError, zipfile.BadZipFile):
        return None
    is_own = "rows" in found and np.array_equal(found.pop("rows"), rows)
    return found if is_own else None

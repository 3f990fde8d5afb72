"""Small sets of named arrays in `.npz` files: bins and priors."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.atomic import replace_file
from huescape.errors import HuescapeError

Array = npt.NDArray[Any]


def read_arrays(path: Path, *names: str) -> dict[str, Array]:
    """Read the arrays called `names`; HuescapeError names the file that lacks or breaks one."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            for name in names:
                if name not in stored.files:
                    raise HuescapeError(f"{path}: has no array {name!r}; make it again")
            arrays = {name: np.asarray(stored[name]) for name in names}
    except FileNotFoundError as error:
        raise HuescapeError(f"{path}: no such file; `dvc repro` makes it") from error
    except (OSError, ValueError, TypeError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        # NumPy's own words advise to load the file unsafely.
        raise HuescapeError(f"{path}: is not a readable .npz file; make it again") from error
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise HuescapeError(f"{path}: {name} holds numbers that are not finite")
    return arrays


def write_arrays(path: Path, **arrays: Array) -> None:
    """Write named arrays, in the order given, whole or not at all; equal arrays, equal bytes."""
    with replace_file(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **arrays)  # type: ignore[arg-type]

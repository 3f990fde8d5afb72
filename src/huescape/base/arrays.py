"""Small sets of named arrays in `.npz` files: bins and priors."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from huescape.base.atomic import replace_file
from huescape.base.digests import remedy
from huescape.base.errors import HuescapeError

Array = npt.NDArray[Any]

# What zipfile, zlib and NumPy raise on bytes that are not theirs.
_BROKEN = (OSError, ValueError, TypeError, EOFError, MemoryError, struct.error, zlib.error)


def read_arrays(path: Path, *names: str, stage: str | None = None) -> dict[str, Array]:
    """Read the arrays called `names`; HuescapeError names the file that lacks or breaks one.

    The whole file is compared with the CRC-32 of each of its members, those not asked for too.
    `stage` is the one that makes the file, as DVC names it, for messages.
    """
    again = remedy(stage) if stage else "make it again"
    members = _members(path, stage, again)
    arrays: dict[str, Array] = {}
    for name in names:
        if name not in members:
            raise HuescapeError(f"{path}: has no array {name!r}; {again}")
        arrays[name] = _array(path, members[name], again)
        if arrays[name].dtype.kind in "fc" and not np.isfinite(arrays[name]).all():
            raise HuescapeError(f"{path}: {name} holds numbers that are not finite")
    return arrays


def _members(path: Path, stage: str | None, again: str) -> dict[str, bytes]:
    """All members, read to their ends: only there does zipfile look at their CRC-32."""
    try:
        with zipfile.ZipFile(path) as stored:
            return {name.removesuffix(".npy"): stored.read(name) for name in stored.namelist()}
    except FileNotFoundError as error:
        command = f"dvc repro {stage}" if stage else "dvc repro"
        raise HuescapeError(f"{path}: no such file; `{command}` makes it") from error
    except (*_BROKEN, NotImplementedError, RuntimeError, KeyError, zipfile.BadZipFile) as error:
        raise HuescapeError(f"{path}: is not a readable .npz file; {again}") from error


def _array(path: Path, content: bytes, again: str) -> Array:
    try:
        return np.asarray(np.lib.format.read_array(io.BytesIO(content), allow_pickle=False))
    except (*_BROKEN, SyntaxError) as error:
        # NumPy's own words advise to load the file unsafely.
        raise HuescapeError(f"{path}: is not a readable .npz file; {again}") from error


def write_arrays(path: Path, **arrays: Array) -> None:
    """Write named arrays, in the order given, whole or not at all; equal arrays, equal bytes."""
    with replace_file(path) as temporary, zipfile.ZipFile(temporary, "w") as stored:
        for name, array in arrays.items():
            stored.writestr(_entry(name), _content(array))


def _entry(name: str) -> zipfile.ZipInfo:
    """A member's header, of a fixed time.

    `np.savez` asks for ZIP64, which Python 3.11.2 and 3.11.7 write into the header differently.
    """
    entry = zipfile.ZipInfo(f"{name}.npy")
    entry.external_attr = 0o600 << 16  # who unpacks it can read it
    return entry


def _content(array: Array) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
    return stream.getvalue()

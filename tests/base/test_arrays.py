"""`.npz` files: of any flipped byte the same arrays come out, or an error."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from huescape.base.arrays import read_arrays, write_arrays
from huescape.base.errors import HuescapeError

ARRAYS = {"centers": np.array([[0.5, -1.25], [3.0, 4.0]]), "counts": np.array([7, 9])}


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", **ARRAYS)
    read = read_arrays(tmp_path / "a.npz", "centers", "counts")
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)


def test_the_bytes_are_those_of_every_python(tmp_path: Path) -> None:
    """The same came out of Python 3.11.2, 3.11.7 and 3.13.0; `np.savez` wrote two kinds."""
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([1, 2], np.uint8)}
    write_arrays(tmp_path / "a.npz", **arrays)
    digest = hashlib.sha256((tmp_path / "a.npz").read_bytes()).hexdigest()
    assert digest == "b60b615c86d2cf9695704775ebebb98dcb4290bf123871116015456d254a5ba4"


def test_every_flipped_byte_is_refused_or_harmless(tmp_path: Path) -> None:
    """Harmless are those that hold no array: times, attributes, versions."""
    path = tmp_path / "yuv.npz"
    write_arrays(path, **ARRAYS)
    content = path.read_bytes()
    refused = 0
    for at in range(len(content)):
        for mask in (0x01, 0xFF):
            path.write_bytes(content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :])
            try:
                read = read_arrays(path, *ARRAYS, stage="bins@yuv")
            except HuescapeError as error:
                refused += "`dvc repro -s -f bins@yuv`" in str(error)
                continue
            for name, array in ARRAYS.items():
                np.testing.assert_array_equal(read[name], array)
    assert refused > 2 * sum(array.nbytes for array in ARRAYS.values())


def test_a_member_that_is_not_asked_for_is_verified_too(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_arrays(path, **ARRAYS)
    path.write_bytes(path.read_bytes().replace(np.int64(9).tobytes(), np.int64(8).tobytes(), 1))
    with pytest.raises(HuescapeError, match=r"a\.npz: is not a readable \.npz file"):
        read_arrays(path, "centers")


def test_an_array_of_objects_is_not_unpickled(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.array([{}], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as stored:
        stored.writestr("centers.npy", stream.getvalue())
    with pytest.raises(HuescapeError, match="is not a readable") as caught:
        read_arrays(tmp_path / "a.npz", "centers")
    assert "pickle" not in str(caught.value)

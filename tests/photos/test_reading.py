"""The bytes of a photo, whole or from a tar, and the error for photos that cannot be used."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.photos import PhotoError, enough_memory, read_bytes


def test_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(PhotoError("missing", "x.jpg: gone")))
    assert (error.reason, error.detail, str(error)) == (
        "missing",
        "x.jpg: gone",
        "missing: x.jpg: gone",
    )


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError("out of memory error when reading image file")]
)
def test_too_little_memory_is_no_verdict_on_a_photo(error: Exception) -> None:
    said = r"a/b\.jpg: too little memory .*HUESCAPE_WORKERS"
    with pytest.raises(HuescapeError, match=said), enough_memory("a/b.jpg"):
        raise error


def test_read_bytes_of_a_file_and_of_a_part(tmp_path: Path) -> None:
    path = tmp_path / "members.tar"
    path.write_bytes(bytes(range(100)))
    assert read_bytes(path) == bytes(range(100))
    assert read_bytes(path, 10, 5) == bytes(range(10, 15))
    assert read_bytes(path, 95, 5) == bytes(range(95, 100))
    for offset, size in ((96, 5), (200, 1)):
        with pytest.raises(PhotoError, match="ends before") as caught:
            read_bytes(path, offset, size)
        assert caught.value.reason == "missing"


def test_read_bytes_of_nothing_is_missing(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.jpg", tmp_path):
        with pytest.raises(PhotoError) as caught:
            read_bytes(path)
        assert caught.value.reason == "missing"


def test_what_may_have_no_end_is_missing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (tmp_path / "pipe.jpg", Path("/dev/zero")):
        with pytest.raises(PhotoError, match="is a pipe or device") as caught:
            read_bytes(path)
        assert caught.value.reason == "missing"

"""Only files that end are read."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from huescape.base.regular import open_regular, read_regular


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    assert read_regular(tmp_path / "file") == b"content"
    with open_regular(tmp_path / "file") as file:
        assert file.read(3) == b"con"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is a pipe or device, not a file"):
        read_regular(tmp_path / "pipe")


def test_a_device_is_not_read_for_ever() -> None:
    with pytest.raises(OSError, match="is a pipe or device, not a file"):
        read_regular(Path("/dev/zero"))


def test_what_is_not_there_is_said_as_ever(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path)


def test_a_refused_pipe_is_closed_once(tmp_path: Path) -> None:
    """Closed again, its descriptor would be that of a file opened since."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is a pipe or device") as refused:
        open_regular(tmp_path / "pipe")
    with (tmp_path / "next").open("wb") as other:
        del refused
        gc.collect()
        assert os.fstat(other.fileno()).st_size == 0

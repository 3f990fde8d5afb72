"""Files and folders appear whole or not at all."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from huescape.base.atomic import fresh_directory, replace_file, write_json, write_text
from huescape.base.errors import HuescapeError


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "old")
    write_text(path, "new")
    assert path.read_text() == "new"
    assert [p.name for p in path.parent.iterdir()] == ["file.txt"]


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")

    def half() -> None:
        with replace_file(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        half()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.txt"]


def test_an_error_leaves_the_old_folder(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with fresh_directory(path) as fresh:
        (fresh / "a").write_text("1")

    def half() -> None:
        with fresh_directory(path) as fresh:
            (fresh / "b").write_text("2")
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        half()
    assert [p.name for p in path.iterdir()] == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]


def test_equal_values_give_equal_bytes(tmp_path: Path) -> None:
    write_json(tmp_path / "1.json", {"b": 1, "a": [1.5]})
    write_json(tmp_path / "2.json", {"a": [1.5], "b": 1})
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "3.json", float("nan"))
    assert not (tmp_path / "3.json").exists()


def test_a_file_where_a_folder_should_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(HuescapeError, match="cannot write"):
        write_text(tmp_path / "folder" / "file", "x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_refuses_is_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(HuescapeError, match="cannot write"):
        write_text(tmp_path / "file", "x")


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """A real refusal by the system: the process may not write files over 1 kB."""
    code = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from huescape.base.atomic import write_text\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "write_text(Path(sys.argv[1]), 'x' * 100_000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "file")],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)),
    )
    assert "HuescapeError: cannot write" in done.stderr
    assert "File too large" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with fresh_directory(path) as fresh:
        (fresh / "a").write_text("1")
    with pytest.raises(HuescapeError, match="cannot write"), fresh_directory(path) as fresh:
        fresh.rmdir()
    assert [p.name for p in path.iterdir()] == ["a"]
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]

"""Temporary names: those of the dead are swept, those of the living stay, none is too long."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from huescape.base.atomic import fresh_directory, write_text
from huescape.base.errors import HuescapeError
from huescape.base.temporaries import PREFIX, sweep, temporary_file, temporary_folder

# Writes a file or a folder, says so, and waits in the middle.
WRITER = """
import sys, time
from pathlib import Path
from huescape.base.atomic import fresh_directory, replace_file
target = Path(sys.argv[2])
with (replace_file if sys.argv[1] == "file" else fresh_directory)(target) as temporary:
    (temporary if temporary.is_file() else temporary / "part").write_text("half")
    print("begun", flush=True)
    sys.stdin.read()
"""

# Replaces one file and one folder again and again.
RIVAL = """
import sys
from pathlib import Path
from huescape.base import temporaries
from huescape.base.atomic import fresh_directory, write_text
here, name = Path(sys.argv[1]), sys.argv[2]
for n in range(150):
    temporaries.sweep(here)
    write_text(here / f"own-{name}", f"{name} {n}" * 100)
    write_text(here / "shared", f"{name} {n}" * 100)
    with fresh_directory(here / f"folder-{name}") as folder:
        write_text(folder / "a", name)
"""


def begin(kind: str, target: Path) -> subprocess.Popen[str]:
    """A process in the middle of writing `target`."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, kind, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_left_is_swept_by_the_next(tmp_path: Path, kind: str) -> None:
    process = begin(kind, tmp_path / "target")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (left,) = names(tmp_path)
    assert left.startswith(PREFIX)
    code = f"from huescape.base.atomic import *; write_text(Path({str(tmp_path / 'other')!r}), 'x')"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert names(tmp_path) == ["other"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_living_writer_needs_stays(tmp_path: Path, kind: str) -> None:
    process = begin(kind, tmp_path / "target")
    sweep(tmp_path)
    process.communicate("")
    assert process.returncode == 0
    assert names(tmp_path) == ["target"]
    target = tmp_path / "target"
    assert (target if kind == "file" else target / "part").read_text() == "half"


def test_rivals_in_one_folder_disturb_nobody(tmp_path: Path) -> None:
    rivals = [
        subprocess.Popen([sys.executable, "-c", RIVAL, str(tmp_path), name]) for name in "abc"
    ]
    assert [rival.wait() for rival in rivals] == [0, 0, 0]
    shared = (tmp_path / "shared").read_text()
    assert shared[: len(shared) // 100] * 100 == shared
    owned = [f"{kind}-{name}" for kind in ("folder", "own") for name in "abc"]
    assert names(tmp_path) == sorted([*owned, "shared"])


def test_a_thing_still_there_at_the_end_is_removed(tmp_path: Path) -> None:
    with temporary_file(tmp_path) as (file, _), temporary_folder(tmp_path) as folder:
        (folder / "deep").mkdir()
        assert file.parent == folder.parent == tmp_path
    assert names(tmp_path) == []


def test_only_names_of_this_kind_are_swept(tmp_path: Path) -> None:
    mine = [PREFIX + "notes", PREFIX + "0123abcd-0123456789abc", ".huescape", ".a.123.tmp"]
    for name in mine:
        (tmp_path / name).write_text("the user's")
    sweep(tmp_path)
    assert names(tmp_path) == sorted(mine)


def test_a_link_of_that_name_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "photo").touch()
    (tmp_path / f"{PREFIX}{'0' * 8}-{'0' * 12}").symlink_to(tmp_path / "precious")
    sweep(tmp_path)
    assert names(tmp_path / "precious") == ["photo"]


def test_those_of_another_machine_are_swept_a_week_later(tmp_path: Path) -> None:
    """Its locks may not be seen here."""
    young, old = (tmp_path / f"{PREFIX}{'0' * 8}-{digit * 12}" for digit in "12")
    for path in (young, old):
        path.mkdir()
    os.utime(old, (0, 0))
    sweep(tmp_path)
    assert names(tmp_path) == [young.name]


def test_without_locks_nothing_is_swept_and_writing_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with temporary_folder(tmp_path) as template:
        name = template.name
    (tmp_path / name).mkdir()

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    sweep(tmp_path)
    write_text(tmp_path / "file", "x")
    assert names(tmp_path) == sorted([name, "file"])


@pytest.mark.parametrize("name", ["a" * 255, "山" * 85, "." + "b" * 254])
def test_the_longest_legal_name_can_be_written(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / name, "x")
    with fresh_directory(tmp_path / "folder" / name) as folder:
        (folder / "a").touch()
    assert names(tmp_path) == sorted([name, "folder"])
    assert names(tmp_path / "folder" / name) == ["a"]


def test_a_folder_never_takes_the_place_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("the user's")
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    (tmp_path / "precious").mkdir()
    for name in ("file", "link"):
        with (
            pytest.raises(HuescapeError, match=f"cannot write .*{name}: it is no folder"),
            fresh_directory(tmp_path / name) as folder,
        ):
            (folder / "a").touch()
    assert names(tmp_path) == ["file", "link", "precious"]
    assert (tmp_path / "file").read_text() == "the user's"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
@pytest.mark.parametrize("kind", [temporary_file, temporary_folder])
def test_a_folder_that_takes_no_files_is_refused(kind: Callable[[Path], Any]) -> None:
    """There, making a file says that the folder is missing, which it is not."""
    with pytest.raises(OSError, match="No such file"), kind(Path("/proc")):
        pass

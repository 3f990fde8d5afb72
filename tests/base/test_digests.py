"""SHA256SUMS: any changed byte is seen, and coreutils agree."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from huescape.base.digests import (
    SUMS,
    file_xxh3,
    is_sound,
    read_verified,
    remedy,
    reseal,
    seal,
)
from huescape.base.errors import HuescapeError


def _sealed(folder: Path, content: bytes = b"one,two\n1,2\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.csv").write_bytes(content)
    (folder / "note.json").write_bytes(b"{}")
    seal(folder)
    return folder / "table.csv"


def test_what_was_sealed_is_read(tmp_path: Path) -> None:
    path = _sealed(tmp_path)
    assert read_verified(path, "filter") == b"one,two\n1,2\n"
    assert is_sound(tmp_path)


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7), content=st.binary(min_size=1))
def test_a_flipped_bit_of_the_file_or_of_its_line_is_refused(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int, content: bytes
) -> None:
    path = _sealed(tmp_path_factory.mktemp("sealed"), content)
    line = len((path.parent / SUMS).read_bytes().splitlines()[-1])  # table.csv is the last
    victim = path if at % 2 else path.parent / SUMS
    data = bytearray(victim.read_bytes())
    data[at % len(data) if at % 2 else -2 - at % line] ^= 1 << bit
    victim.write_bytes(data)
    with pytest.raises(HuescapeError, match=r"table\.csv: .*`dvc repro -s -f filter`"):
        read_verified(path, "filter")
    assert not is_sound(path.parent)


def test_a_folder_of_an_older_version_is_named_as_such(tmp_path: Path) -> None:
    path = _sealed(tmp_path)
    (tmp_path / SUMS).unlink()
    with pytest.raises(HuescapeError, match=r"older version, or damaged; make it again with `dvc"):
        read_verified(path, "filter")
    assert not is_sound(tmp_path)


def test_a_missing_file_names_the_stage(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match=r"no such file; `dvc repro filter` makes it"):
        read_verified(tmp_path / "table.csv", "filter")


def test_a_file_beside_the_folder_is_listed_with_it(tmp_path: Path) -> None:
    scores = tmp_path / "system.json"
    scores.write_bytes(b"{}")
    _sealed(tmp_path / ".system.fresh")
    seal(tmp_path / ".system.fresh", scores)
    (tmp_path / ".system.fresh").rename(tmp_path / "system")
    assert read_verified(scores, "evaluate@system", tmp_path / "system") == b"{}"


def test_reseal_keeps_the_other_lines(tmp_path: Path) -> None:
    path = _sealed(tmp_path)
    path.write_bytes(b"other\n")
    reseal(path)
    assert read_verified(path, "filter") == b"other\n"
    assert read_verified(tmp_path / "note.json", "filter") == b"{}"


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum of coreutils")
def test_coreutils_check_a_folder(tmp_path: Path) -> None:
    path = _sealed(tmp_path)
    command = ["sha256sum", "-c", "--strict", SUMS]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    path.write_bytes(b"one,two\n1,3\n")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 1


@pytest.mark.parametrize("size", [0, 1, (1 << 22) - 1, 1 << 22, (1 << 22) + 1, 10_000_000])
def test_xxh3_of_a_file_is_that_of_its_bytes(tmp_path: Path, size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    (tmp_path / "column.npy").write_bytes(content)
    assert file_xxh3(tmp_path / "column.npy") == xxhash.xxh3_128_hexdigest(content)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing tells before the signal")
def test_what_cannot_be_read_is_an_error_and_no_signal(tmp_path: Path) -> None:
    """A file that another process cuts short under the map: its pages are gone."""
    code = """
import os, sys
from pathlib import Path
from huescape.base import digests

path = Path(sys.argv[1])
path.write_bytes(bytes(9_000_000))

class Cutting:
    def update(self, part):
        os.truncate(path, 4096)

digests.xxhash.xxh3_128 = Cutting
try:
    digests.file_xxh3(path)
except OSError as error:
    print("an error", error.errno)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "column.npy")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("an error")


def test_a_name_with_a_line_end_of_unicode_is_one_name(tmp_path: Path) -> None:
    (tmp_path / "a\u2028b.png").write_bytes(b"1")
    seal(tmp_path)
    assert is_sound(tmp_path)


def test_the_remedy_is_a_stage_that_dvc_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert remedy("train@a").endswith("-f train@a`")
    stages = ("train@a", "finetune@b", "score@b", "evaluate_released@c")
    lines = [f"  {stage}:\n" for stage in stages]
    (tmp_path / "dvc.lock").write_text("stages:\n" + "".join(lines))
    asked = ("train@a", "train@b", "evaluate@b", "evaluate@c", "filter")
    named = [remedy(stage).split()[-1].rstrip("`") for stage in asked]
    assert named == [*stages, "filter"]
    assert remedy("release@c") == (
        "get the release again, or install huescape again if it came with it"
    )

"""A copy of the code runs what was compiled for the original, as long as it is the same code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from huescape.base import machine_code

SOURCE = """
import numba

@numba.njit(cache=True)
def twice(x):
    return 2 * x
"""


def hits(root: Path) -> tuple[int, int]:
    """What `twice(1)` is in the package below `root`, and whether machine code was found."""
    code = "from package.kernels import twice as f; print(f(1), sum(f.stats.cache_hits.values()))"
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    value, found = done.stdout.split()
    return int(value), int(found)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """A package whose kernel was compiled."""
    package = tmp_path / "original" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "kernels.py").write_text(SOURCE)
    assert hits(package.parent) == (2, 0)
    assert hits(package.parent) == (2, 1)
    return package


def copied(original: Path, root: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__")
    copy = shutil.copytree(original, root / "package", ignore=ignored, copy_function=shutil.copy)
    os.utime(copy / "kernels.py", (10**9, 10**9))
    return copy


def test_a_copy_compiles_nothing(original: Path, tmp_path: Path) -> None:
    copy = copied(original, tmp_path / "copy")
    machine_code.share(original, copy)
    assert hits(copy.parent) == (2, 1)
    times = [(package / "kernels.py").stat().st_mtime_ns for package in (original, copy)]
    assert times[0] == times[1], "by which older versions of Numba know a file"
    machine_code.share(original, copy)
    assert hits(copy.parent) == (2, 1)


def test_what_a_killed_copy_left_is_replaced(original: Path, tmp_path: Path) -> None:
    """Code without its index: Numba would run it for whatever index comes later."""
    copy = copied(original, tmp_path / "copy")
    machine_code.share(original, copy)
    (index,) = copy.rglob("*.nbi")
    index.unlink()
    for package in (original, copy):
        (package / "kernels.py").write_text(SOURCE.replace("2 *", "3 *"))
    assert hits(original.parent) == (3, 0)
    machine_code.share(original, copy)
    assert hits(copy.parent) == (3, 1)


def test_what_was_compiled_before_the_last_edit_is_left_out(original: Path, tmp_path: Path) -> None:
    """Numba writes the index of new code before the code itself."""
    copy = copied(original, tmp_path / "copy")
    later = (original / "kernels.py").stat().st_mtime + 60
    os.utime(original / "kernels.py", (later, later))
    machine_code.share(original, copy)
    assert list(copy.rglob("*.nb?")) == []


def test_other_code_gets_none(original: Path, tmp_path: Path) -> None:
    copy = copied(original, tmp_path / "copy")
    (copy / "kernels.py").write_text(SOURCE.replace("2 *", "3 *"))
    machine_code.share(original, copy)
    assert hits(copy.parent) == (3, 0)


def test_a_file_that_the_copy_lacks_is_left_out(original: Path, tmp_path: Path) -> None:
    copy = copied(original, tmp_path / "copy")
    (copy / "kernels.py").unlink()
    machine_code.share(original, copy)
    assert [path.name for path in copy.rglob("*")] == ["__init__.py"]

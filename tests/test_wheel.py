"""The wheel: all that is needed is in it, and it works in an empty folder, without the sources."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "huescape"

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing of it stays among the sources; nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "project"
    copy.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "src", copy / "src", ignore=leave_out)
    command = ["pip", "wheel", str(copy), "--no-deps", "--no-build-isolation", "--no-index"]
    run([sys.executable, "-m", *command, "--wheel-dir", str(folder)], folder)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One with the wheel, and with the packages of this one, but not with this one's huescape."""
    folder = tmp_path_factory.mktemp("environment")
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder)
    python = str(folder / "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index"]
    run([*pip, str(wheel)], folder)
    # Their own .pth files, such as that of an editable installation, are not followed from here.
    (own,) = folder.glob("lib/python*/site-packages")
    (own / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def run(command: list[str], folder: Path) -> str:
    """Standard output; without this process's paths."""
    outside = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        command, cwd=folder, env=outside, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """In an otherwise empty folder."""
    y, x = np.mgrid[:96, :128]
    levels = np.clip(120 + 60 * np.sin(x / 17) + 50 * np.cos(y / 11), 0, 255).astype(np.uint8)
    Image.fromarray(levels).save(tmp_path / "photo.jpg", quality=95)
    return tmp_path / "photo.jpg"


def test_every_file_of_the_package_is_in_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    files = [p for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    wanted = {p.relative_to(PACKAGE.parent).as_posix() for p in files}
    assert "huescape/released/landscape/weights.safetensors" in wanted
    assert sorted(wanted - packed) == []
    assert not [name for name in packed if not name.startswith("huescape")]


def test_what_is_imported_is_the_wheel(environment: Path, tmp_path: Path) -> None:
    code = "import huescape; print(huescape.__file__)"
    found = Path(run([str(environment / "bin/python"), "-c", code], tmp_path).strip())
    assert found.is_relative_to(environment)


def test_the_command_colors_a_photo(environment: Path, photo: Path) -> None:
    run([str(environment / "bin/huescape"), "colorize", photo.name, "-o", "out"], photo.parent)
    colored = np.asarray(Image.open(photo.parent / "out/photo.jpg")).astype(int)
    assert colored.shape == (96, 128, 3)
    assert np.abs(np.diff(colored, axis=-1)).mean() > 2


def test_the_lines_of_the_document_color_a_photo(environment: Path, photo: Path) -> None:
    """The first program of docs/library.md, as it stands there."""
    page = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    program = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    told = program + "import huescape; print(huescape.__file__)\n"
    found = run([str(environment / "bin/python"), "-c", told], photo.parent)
    assert Path(found.strip()).is_relative_to(environment)
    colored = np.asarray(Image.open(photo.parent / "colored.png")).astype(int)
    assert colored.shape == (96, 128, 3)
    assert np.abs(np.diff(colored, axis=-1)).mean() > 2


def test_other_commands_find_what_they_need(environment: Path, photo: Path) -> None:
    """A gallery, and the help of all of them."""
    huescape = str(environment / "bin/huescape")
    assert "colorize" in run([huescape, "--help"], photo.parent)
    run([huescape, "gallery", photo.name, "-o", "sheets"], photo.parent)
    assert (photo.parent / "sheets/index.html").is_file()

"""What a folder, a clone and a file system can look like, and no stage is stale for it."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

TRAINED = {"check", "train@mine", "evaluate@mine", "report"}


def _clone(project: Any, folder: Path, *options: str) -> Any:
    """A clone of what is committed, with DVC's cache as its own."""
    project.run("git", "add", "-A")
    project.run("git", "commit", "-q", "-m", "results")
    project.run("git", "clone", "-q", *options, str(project.root), str(folder))
    clone = type(project)(folder, {**project.environment, "PYTHONPATH": str(folder / "src")})
    clone.run("dvc", "cache", "dir", "--local", str(project.root / ".dvc/cache"))
    clone.run("dvc", "checkout", "-q")
    return clone


def _is_up_to_date(project: Any) -> bool:
    project.run("dvc", "status")
    return "up to date" in project.output


def test_a_clone_with_other_line_ends_is_up_to_date(project: Any, tmp_path: Path) -> None:
    clone = _clone(project, tmp_path / "clone", "-c", "core.autocrlf=true")
    assert _is_up_to_date(clone)


def test_a_clone_after_a_renamed_system_is_up_to_date(project: Any, tmp_path: Path) -> None:
    weights = (project.root / "models/colorunet/system.json").read_bytes()
    (own := project.root / "models/notes.txt").write_text("mine\n")
    system = _params(project)["systems"]["colorunet"]
    project.set("systems", {"mine": {**system, "seed": 1}})
    assert set(project.engine("dvc")) == TRAINED
    assert "models/colorunet: moved to .huescape/orphaned/" in project.output
    assert "no stage makes models/notes.txt:" in project.output
    assert own.read_text() == "mine\n"
    (moved,) = (project.root / ".huescape/orphaned").glob("*/models/colorunet/system.json")
    assert moved.read_bytes() == weights
    own.unlink()
    assert project.engine("snakemake") == ["report"]  # the page's inputs changed with the note
    assert _is_up_to_date(_clone(project, tmp_path / "clone"))


def test_what_operating_systems_leave_makes_nothing_stale(project: Any) -> None:
    for folder in ("models", "models/colorunet", "reports/evaluation", "data/raw", "src/huescape"):
        for name in (".DS_Store", "._colorunet", "Thumbs.db", "desktop.ini"):
            (project.root / folder / name).write_bytes(b"\0")
        (project.root / folder / "@eaDir").mkdir()
        (project.root / folder / "@eaDir" / "a.jpg").write_bytes(b"\0")
    assert _is_up_to_date(project)
    assert project.engine("snakemake") == []


@pytest.mark.parametrize("folder", ["data/external/photos", "data/photos"])
def test_photos_beside_the_data_can_be_added(project: Any, folder: str) -> None:
    photos = project.root / folder
    photos.mkdir(parents=True)
    (photos / "a.jpg").write_bytes(b"a photo")
    project.run("dvc", "add", folder)
    project.run("git", "status", "--short", "--untracked-files=all")
    assert f"{folder}.dvc" in project.output
    assert "a.jpg" not in project.output
    assert _is_up_to_date(project)


def test_any_path_of_a_project_will_do(project: Any, tmp_path: Path) -> None:
    """The environment lies in the project, as README has it, in a folder with an odd name."""
    place = project.copy(tmp_path / 'my d\'ata "q", $HOME & co' / "project")
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", place.root / ".venv"], check=True
    )
    (packages,) = (place.root / ".venv/lib").glob("python*/site-packages")
    lines = [str(place.root / "src"), *site.getsitepackages()]
    (packages / "project.pth").write_text("\n".join(lines) + "\n")
    place.environment |= {"PATH": os.defpath, "PYTHONPATH": ""}
    place.set("quantizers.yuv32.prior.lambda", 0.6)
    python = str(place.root / ".venv/bin/python")
    place.run(python, "-m", "snakemake", "--cores", "2", "prior_yuv32")
    assert place.ran() == ["check", "prior@yuv32"]
    place.run(python, "-m", "dvc", "status", "prior@yuv32")
    assert "up to date" in place.output


def test_a_path_that_dvc_cannot_do_is_one_line(project: Any, tmp_path: Path) -> None:
    place = project.copy(tmp_path / "a {b}")
    assert place.run("snakemake", "--cores", "2", check=False) != 0
    assert "dvc cannot work in a folder whose path has braces" in place.output
    assert "Traceback" not in place.output


def _params(project: Any) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe").load((project.root / "params.yaml").read_text())

"""The sweep's copy of a project holds what is on the user's disk, and changes nothing there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.params.download import DownloadParams, SourceParams
from huescape.sweeps.workplace import Workplace, dvc, prepare

SAMPLE = DownloadParams(sources=(SourceParams(kind="sample"),))


def _git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    command = ["git", *identity, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def _project(top: Path, folder: str) -> Path:
    """A DVC project in a folder of a git repository, with one commit."""
    project = top / folder
    (project / "src").mkdir(parents=True)
    _git(top, "init", "-q")
    dvc(project, "init", "-q", *(["--subdir"] if folder != "." else []))
    (project / ".gitignore").write_text(".huescape/\n/photos/\n")
    for name in ("params.yaml", "src/kept.py", "src/edited.py", "src/deleted.py"):
        (project / name).write_text("old\n")
    _git(top, "add", "-A")
    _git(top, "commit", "-q", "-m", "first")
    return project


def _prepare(project: Path, download: DownloadParams = SAMPLE) -> Workplace:
    return prepare(project, project / ".huescape" / "sweeps" / "x", download)


def _files(place: Workplace) -> dict[str, str]:
    return {
        path.relative_to(place.project).as_posix(): path.read_text()
        for path in sorted(place.project.rglob("*"))
        if path.is_file() and path.name != ".git" and ".dvc" not in path.parts
    }


@pytest.mark.parametrize("folder", [".", "deep/down"])
def test_the_copy_follows_what_is_on_the_disk(tmp_path: Path, folder: str) -> None:
    project = _project(tmp_path, folder)
    (project / "src/edited.py").write_text("new\n")
    (project / "src/deleted.py").unlink()
    (project / "src/staged.py").write_text("new\n")
    _git(project, "add", "src/staged.py")
    (project / "src/unknown.py").write_text("new\n")
    (project / "snapshot.jpg").write_text("not code: it stays where it is\n")
    before = _git(tmp_path, "status", "--porcelain")

    place = _prepare(project)
    files = _files(place)
    assert {name: text for name, text in files.items() if name.startswith("src/")} == {
        "src/edited.py": "new\n",
        "src/kept.py": "old\n",
        "src/staged.py": "new\n",
        "src/unknown.py": "new\n",
    }
    assert "snapshot.jpg" not in files
    assert place.unknown() == ["src/staged.py", "src/unknown.py"]
    assert dvc(place.project, "cache", "dir") == dvc(project, "cache", "dir")

    (project / "src/unknown.py").unlink()
    (project / "src/edited.py").write_text("old\n")
    files = _files(_prepare(project))
    assert "src/unknown.py" not in files
    assert files["src/edited.py"] == "old\n"
    (project / "src/unknown.py").write_text("new\n")
    (project / "src/edited.py").write_text("new\n")
    assert _git(tmp_path, "status", "--porcelain") == before
    place.remove()
    assert not place.tree.exists()
    assert len(_git(tmp_path, "worktree", "list").splitlines()) == 1


@pytest.mark.parametrize("named", ["photos", "../photos", "../../../photos"])
def test_names_of_photos_lead_to_them_from_the_copy(tmp_path: Path, named: str) -> None:
    project = _project(tmp_path / "a" / "b" / "c", ".")
    photos = project / named
    photos.mkdir()
    (photos / "one.jpg").write_text("a photo")
    download = DownloadParams.model_validate({"sources": [{"kind": "folder", "root": named}]})
    for _ in range(2):
        place = _prepare(project, download)
        assert (place.project / named / "one.jpg").read_text() == "a photo"
        assert place.unknown() == []
    place.remove()
    assert (photos / "one.jpg").read_text() == "a photo"


def test_stages_import_the_code_of_the_copy(tmp_path: Path) -> None:
    project = _project(tmp_path, ".")
    place = _prepare(project)
    first = place.environment({"A": "b"})["PYTHONPATH"].split(":")[0]
    assert Path(first) == place.project / "src"
    assert place.environment({"A": "b"})["A"] == "b"


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match="git repository with a commit"):
        _prepare(tmp_path)

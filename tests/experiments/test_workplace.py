"""A copy of a project holds what is on the disk of its user, and changes nothing there."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from huescape.base.errors import HuescapeError
from huescape.experiments.workplace import Workplace, dvc, link_sources, workplace
from huescape.params.download import DownloadParams


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


@contextmanager
def _prepared(project: Path, results: bool = True) -> Iterator[Workplace]:
    with workplace(project, project / ".huescape/x/up/up/up/up/tree", results=results) as place:
        yield place


def _files(place: Workplace) -> dict[str, str]:
    return {
        path.relative_to(place.project).as_posix(): path.read_text()
        for path in sorted(place.project.rglob("*"))
        if path.is_file() and path.name != ".git" and ".dvc" not in path.parts
    }


def _times(place: Workplace) -> dict[str, int]:
    return {name: (place.project / name).stat().st_mtime_ns for name in _files(place)}


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

    with _prepared(project) as place:
        files = _files(place)
        assert place.unknown() == ["src/staged.py", "src/unknown.py"]
        assert dvc(place.project, "cache", "dir") == dvc(project, "cache", "dir")
    assert {name: text for name, text in files.items() if name.startswith("src/")} == {
        "src/edited.py": "new\n",
        "src/kept.py": "old\n",
        "src/staged.py": "new\n",
        "src/unknown.py": "new\n",
    }
    assert "snapshot.jpg" not in files

    (project / "src/unknown.py").unlink()
    (project / "src/edited.py").write_text("old\n")
    with _prepared(project) as place:
        files = _files(place)
        assert "src/unknown.py" not in files
        assert files["src/edited.py"] == "old\n"
        (project / "src/unknown.py").write_text("new\n")
        (project / "src/edited.py").write_text("new\n")
        assert _git(tmp_path, "status", "--porcelain") == before
        place.remove()
    assert not place.tree.exists()
    assert len(_git(tmp_path, "worktree", "list").splitlines()) == 1


def test_a_copy_with_results_of_its_own_keeps_them_and_their_times(tmp_path: Path) -> None:
    project = _project(tmp_path, ".")
    for name in ("dvc.lock", "reports/scores.json"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("the project's")
    _git(project, "add", "-A")
    _git(project, "commit", "-q", "-m", "results")
    with _prepared(project, results=False) as place:
        place.write_params("mine\n")
    assert _files(place)["params.yaml"] == "mine\n"
    assert "dvc.lock" not in _files(place)
    assert dvc(place.project, "cache", "dir") != dvc(project, "cache", "dir")
    for name in ("dvc.lock", "models/a/weights", "notes.txt"):
        (place.project / name).parent.mkdir(parents=True, exist_ok=True)
        (place.project / name).write_text("the copy's")
    (project / "src/edited.py").write_text("new\n")
    before = _times(place)
    with _prepared(project, results=False) as place:
        place.write_params("mine\n")
    after = _times(place)
    assert {name for name in after if after[name] != before.get(name)} == {"src/edited.py"}
    assert before.keys() == after.keys()


@pytest.mark.parametrize("files", [("letter.txt",), ("dvc.yaml", ".git/HEAD"), ("x/.git/HEAD",)])
def test_the_folder_of_something_else_is_left_alone(tmp_path: Path, files: tuple[str, ...]) -> None:
    project = _project(tmp_path / "project", ".")
    for name in files:
        (tmp_path / "mine" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / name).write_text("mine")
    with pytest.raises(HuescapeError, match="is not empty, and no copy"):
        workplace(project, tmp_path / "mine", results=False).__enter__()
    for name in files:
        assert (tmp_path / "mine" / name).read_text() == "mine"


def test_the_project_and_worktrees_of_the_users_are_no_places(tmp_path: Path) -> None:
    project = _project(tmp_path / "project", ".")
    _git(project, "worktree", "add", "-q", str(tmp_path / "mine"))
    with workplace(project, tmp_path / "ours", results=False):
        pass
    shutil.copytree(tmp_path / "ours", tmp_path / "copied")
    for folder in (project, tmp_path / "mine", tmp_path / "copied"):
        with pytest.raises(HuescapeError, match="is not empty, and no copy"):
            workplace(project, folder, results=False).__enter__()


@pytest.mark.parametrize("is_locked", [False, True])
def test_a_copy_that_was_half_made_is_made_anew(tmp_path: Path, is_locked: bool) -> None:
    """Killed before it was marked; git locks a worktree while it makes it."""
    project, tree = _project(tmp_path / "project", "."), tmp_path / "ours"
    _git(project, "worktree", "add", "-q", "--detach", "--no-checkout", str(tree))
    if is_locked:
        _git(project, "worktree", "lock", "--reason", "initializing", str(tree))
    with workplace(project, tree, results=False) as place:
        assert (place.project / "src/kept.py").read_text() == "old\n"
    assert len(_git(project, "worktree", "list").splitlines()) == 2


def test_a_sweeps_copy_that_is_no_worktree_of_the_project_is_made_anew(tmp_path: Path) -> None:
    """As in a project that was copied with its state: the original keeps its own."""
    project, folder = _project(tmp_path / "project", "."), ".huescape/sweeps/x/tree"
    with workplace(project, project / folder, results=True):
        pass
    copied = tmp_path / "copied"
    shutil.copytree(project, copied, symlinks=True)
    (copied / "src/edited.py").write_text("new\n")
    for root, text in ((copied, "new\n"), (project, "old\n")):
        with workplace(root, root / folder, results=True) as place:
            assert (place.project / "src/edited.py").read_text() == text
            assert _git(place.tree, "rev-parse", "--git-common-dir").strip() == f"{root}/.git"


@pytest.mark.parametrize("folder", ["ours", "project/within"])
def test_a_project_that_was_moved_finds_its_copy(tmp_path: Path, folder: str) -> None:
    project = _project(tmp_path / "project", ".")
    with workplace(project, tmp_path / folder, results=False) as place:
        (place.project / "notes.txt").write_text("the copy's")
    moved = project.rename(tmp_path / "moved")
    with workplace(moved, tmp_path / folder.replace("project", "moved"), results=False) as place:
        assert (place.project / "notes.txt").read_text() == "the copy's"
    assert len(_git(moved, "worktree", "list").splitlines()) == 2


def test_worktrees_of_the_users_that_are_not_there_now_stay_known(tmp_path: Path) -> None:
    project = _project(tmp_path / "project", ".")
    _git(project, "worktree", "add", "-q", str(tmp_path / "mine"))
    (tmp_path / "mine").rename(tmp_path / "away")
    with workplace(project, tmp_path / "ours", results=False):
        pass
    (tmp_path / "away").rename(tmp_path / "mine")
    assert _git(tmp_path / "mine", "status", "--porcelain") == ""


def test_one_run_at_a_time_and_a_removed_place_is_made_anew(tmp_path: Path) -> None:
    project = _project(tmp_path, ".")
    with _prepared(project) as place:
        with pytest.raises(HuescapeError, match="another run is at work there"):
            _prepared(project).__enter__()
        shutil.rmtree(place.tree)
    with _prepared(project) as place:
        assert (place.project / "src/kept.py").read_text() == "old\n"


@pytest.mark.parametrize("named", ["photos", "../photos", "../../../photos"])
def test_names_of_photos_lead_to_them_from_the_copy(tmp_path: Path, named: str) -> None:
    project = _project(tmp_path / "a" / "b" / "c", ".")
    photos = project / named
    photos.mkdir()
    (photos / "one.jpg").write_text("a photo")
    download = DownloadParams.model_validate({"sources": [{"kind": "folder", "root": named}]})
    with _prepared(project) as place:
        for _ in range(2):
            link_sources(place, download, project / ".huescape/x")
            assert (place.project / named / "one.jpg").read_text() == "a photo"
            assert place.unknown() == []
        place.remove()
    assert (photos / "one.jpg").read_text() == "a photo"


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HuescapeError, match="git repository with a commit"):
        _prepared(tmp_path).__enter__()

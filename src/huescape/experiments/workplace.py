"""A copy of the project to run in: a git worktree that holds the files as they are on the disk.

Nobody's files are touched there. `dvc exp run --temp` would run in a copy as well, but it takes
the user's changes away for a moment to find out what they are (git stash), leaves out files that
git does not know yet, such as a network of one's own, and copies every output for every point.
"""

from __future__ import annotations

import filecmp
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from huescape.base import machine_code
from huescape.base.atomic import write_text
from huescape.base.errors import HuescapeError
from huescape.base.exclusive import take
from huescape.base.runtime import state_dir
from huescape.params.download import DownloadParams

# Where a stage may find files of the user's that git does not know yet. Not everywhere: somebody's
# photos may lie beside them.
OWN = ("src", "dvc.yaml", "dvc.lock", "params.yaml")
# What the two engines write and git tracks, and what they are told: a copy may have its own.
_RUNS = ("params.yaml", "dvc.lock", "reports/")
# Beside git's notes of the worktree: it says that the worktree was made here, and is in use.
_MARK = "huescape.lock"


@dataclass(frozen=True)
class Workplace:
    """`root` is the user's project, `tree` the git worktree, `project` the project's copy in it.

    Whoever inherits `lock` keeps others out, after this process too.
    """

    root: Path
    tree: Path
    project: Path
    lock: IO[str]

    def write_params(self, text: str) -> None:
        """Give the copy the parameters of a point."""
        path = self.project / "params.yaml"
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)

    def unknown(self) -> list[str]:
        """The files of the copy that the last commit does not have and an experiment needs."""
        return _listed(self.project, "--others", "--", *OWN)

    def remove(self) -> None:
        """Give the place back."""
        git(self.root, "worktree", "remove", "--force", str(self.tree))


@contextmanager
def workplace(root: Path, tree: Path, *, results: bool) -> Iterator[Workplace]:
    """Make, or bring up to date, a copy of the project `root` in the folder `tree`.

    With `results` it starts from those of the project, and shares DVC's cache with it. Without, it
    has results of its own, which stay from call to call, and a cache of its own. A copy that was
    half made when a process was killed is made anew. Raises HuescapeError where there is no git
    repository with a commit, where `tree` is something else, and while another process works there.
    """
    root, tree = root.resolve(), tree.resolve()
    try:
        commit = git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip()
    except HuescapeError as error:
        raise HuescapeError(f"{root}: needs a git repository with a commit: git commit") from error
    # One at a time: what another process makes now is not half made.
    with take(_worktrees(root).parent / _MARK, math.inf) or nullcontext():
        if not _is_ours(root, tree):
            _make(root, tree, commit)
        lock = take(_notes(tree) / _MARK)
    if lock is None:
        raise HuescapeError(f"{tree}: another run is at work there, or a stage of one still is")
    with lock:
        git(tree, "reset", "--quiet", commit)  # what git knows; the files are copied
        project = tree / git(root, "rev-parse", "--show-prefix").strip()
        project.mkdir(parents=True, exist_ok=True)
        place = Workplace(root, tree, project, lock)
        _copy_files(place, () if results else _RUNS)
        machine_code.share(root / "src", project / "src")
        if results:
            _share_cache(place)
        yield place


def link_sources(place: Workplace, download: DownloadParams, above: Path) -> None:
    """Photos are named relative to the project: let the same names lead to them from the copy.

    Links are made below the folder `above` alone, which belongs to the copy.
    """
    for source in download.sources:
        for named in source.paths.values():
            if named.expanduser().is_absolute():
                continue
            target = (place.root / named).resolve()
            link = Path(os.path.normpath(place.project / named))
            if target.exists() and link.is_relative_to(above) and not os.path.lexists(link):
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(target)


def _is_ours(root: Path, tree: Path) -> bool:
    """Whether `tree` was made here; where it or the project was moved, git learns it."""
    named = _notes(tree)
    own = _worktrees(root) / named.name
    if not (own / _MARK).is_file():
        return False
    is_elsewhere = _place(own).exists() and _place(own) != tree / ".git"
    is_anothers = named.exists() and named != own
    if not (_is_of(root, tree) or is_elsewhere or is_anothers):
        git(root, "worktree", "repair", str(tree), check=False)
    return _is_of(root, tree)


def _make(root: Path, tree: Path, commit: str) -> None:
    """Add a worktree; what is in its place goes if it is the state's, or was half made."""
    in_state = tree.is_relative_to((root / state_dir()).resolve() / "sweeps")
    names = {path.name for path in tree.iterdir()} if tree.is_dir() else set()
    is_half = names == {".git"} and _is_of(root, tree) and not (_notes(tree) / _MARK).exists()
    if in_state or is_half:
        shutil.rmtree(tree, ignore_errors=True)
    if tree.exists() and not (tree.is_dir() and not any(tree.iterdir())):
        raise HuescapeError(
            f"{tree}: is not empty, and no copy that was made here of this project; "
            "remove it, or name another folder"
        )
    # Where git knows a worktree of this place, which is gone. Twice: it was killed as it made one.
    force = ["--force"] * (2 if in_state or is_half else 1)
    how = ("--quiet", "--detach", "--no-checkout")
    git(root, "worktree", "add", *force, *how, str(tree), commit)


def _is_of(root: Path, tree: Path) -> bool:
    """Whether `tree` and git's notes of a worktree of `root` name each other."""
    notes = _notes(tree)
    return notes.parent == _worktrees(root) and _place(notes) == tree / ".git"


def _worktrees(root: Path) -> Path:
    return (root / git(root, "rev-parse", "--git-common-dir").strip()).resolve() / "worktrees"


def _notes(tree: Path) -> Path:
    """Git's notes of the worktree `tree`, whether they are there or not; `tree` if it is none."""
    try:
        named = (tree / ".git").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return tree
    return (tree / named.removeprefix("gitdir:").strip()).resolve()


def _place(notes: Path) -> Path:
    """The file `.git` of the worktree that git has the notes of."""
    try:
        named = (notes / "gitdir").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return notes
    return (notes / named).resolve()


def _copy_files(place: Workplace, kept: tuple[str, ...]) -> None:
    """What git tracks, and code that it does not know yet, as they are on the user's disk."""
    names = {*_listed(place.root, "--cached"), *_listed(place.root, "--others", "--", *OWN)}
    old = {*_listed(place.project, "--cached"), *place.unknown()}
    for name in {name for name in names | old if not name.startswith(kept)}:
        source, target = place.root / name, place.project / name
        if target.is_dir() and not target.is_symlink():  # a git repository within this one
            continue
        if name not in names or not (source.is_file() or source.is_symlink()):
            target.unlink(missing_ok=True)
        elif not (target.is_file() and filecmp.cmp(source, target, shallow=False)):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def _share_cache(place: Workplace) -> None:
    """Results come from the project's cache and go there; links, so that nothing is there twice."""
    from configobj import ConfigObj  # what DVC reads it with; a machine without DVC lacks both

    cache = {"dir": dvc(place.root, "cache", "dir").strip(), "type": "reflink,symlink,copy"}
    lines = ConfigObj({"cache": cache}).write()  # quoted, whatever the path holds
    write_text(place.project / ".dvc" / "config.local", "\n".join(lines) + "\n")
    checkout(place.project)


def checkout(project: Path) -> None:
    """Bring the outputs that dvc.lock names from the cache: those that are there, no more."""
    dvc(project, "checkout", "--quiet", "--force", check=False)


def dvc(folder: Path, *arguments: str, check: bool = True) -> str:
    """The output of a DVC command; raises HuescapeError with its last line when it fails."""
    return _output(folder, sys.executable, "-m", "dvc", *arguments, check=check)


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    """The output of a git command; raises HuescapeError with its last line when it fails."""
    return _output(folder, "git", *arguments, check=check)


def _listed(folder: Path, *which: str) -> list[str]:
    listed = git(folder, "ls-files", "-z", "--exclude-standard", *which)
    return [name for name in listed.split("\0") if name]


def _output(folder: Path, *command: str, check: bool = True) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise HuescapeError(f"{command[0]} cannot be run: {error.strerror}") from error
    if check and done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
        name = " ".join(Path(part).name for part in command[:5])
        raise HuescapeError(f"`{name}` failed: {said}")
    return done.stdout

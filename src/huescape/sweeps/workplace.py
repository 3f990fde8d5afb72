"""A place of its own for a sweep: the project's files in a git worktree, on the project's cache.

Nobody's files are touched there. `dvc exp run --temp` would run in a copy as well, but it takes
the user's changes away for a moment to find out what they are (git stash: new modification times,
and a bad moment for an interruption), leaves out files that git does not know yet, such as a
network of one's own, imports the installed package in place of the copied one, and copies every
output for every point.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from huescape.base import machine_code
from huescape.base.atomic import write_text
from huescape.base.children import environment
from huescape.base.errors import HuescapeError
from huescape.params.download import DownloadParams

# Where a stage may find files of the user's that git does not know yet. Not everywhere: somebody's
# photos may lie beside them.
OWN = ("src", "dvc.yaml", "dvc.lock", "params.yaml")

# Folders above the copy, so that `../../photos` can be a link there as well.
ABOVE = ("up", "up", "up", "up")


@dataclass(frozen=True)
class Workplace:
    """`root` is the user's project, `tree` the git worktree, `project` the project's copy in it."""

    root: Path
    tree: Path
    project: Path

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """For stages: this interpreter and the code of the copy, whatever is installed."""
        return environment(self.project / "src", more)

    def unknown(self) -> list[str]:
        """The files of the copy that the last commit does not have and an experiment needs."""
        return _listed(self.project, "--others", "--", *OWN)

    def remove(self) -> None:
        """Give the place back; results are in DVC's cache."""
        _git(self.root, "worktree", "remove", "--force", str(self.tree))
        shutil.rmtree(self.tree.parents[len(ABOVE) - 1])  # links to the user's files, no files


def prepare(root: Path, folder: Path, download: DownloadParams) -> Workplace:
    """Make, or bring up to date, the copy of the project below `folder`: committed or not.

    Raises HuescapeError where there is no git repository with a commit.
    """
    root, tree = root.resolve(), folder.resolve().joinpath(*ABOVE, "tree")
    try:
        commit = _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}").strip()
    except HuescapeError as error:
        raise HuescapeError("a sweep needs a git repository with a commit: git commit") from error
    if not (tree / ".git").exists():
        shutil.rmtree(tree, ignore_errors=True)
        _git(root, "worktree", "prune")
        _git(root, "worktree", "add", "--quiet", "--detach", "--force", str(tree), commit)
    else:
        _git(tree, "checkout", "--quiet", "--detach", "--force", commit)
    place = Workplace(root, tree, tree / _git(root, "rev-parse", "--show-prefix").strip())
    _copy_files(place)
    machine_code.share(root / "src", place.project / "src")
    _share_cache(place)
    _link_sources(place, download)
    return place


def _copy_files(place: Workplace) -> None:
    """What git tracks, and code that it does not know yet, as they are on the user's disk."""
    names = {*_listed(place.root, "--cached"), *_listed(place.root, "--others", "--", *OWN)}
    for name in {*_listed(place.project, "--cached"), *_listed(place.project, "--others"), *names}:
        source, target = place.root / name, place.project / name
        if target.is_dir() and not target.is_symlink():  # a git repository within this one
            continue
        if name not in names or not (source.is_file() or source.is_symlink()):
            target.unlink(missing_ok=True)
        elif not (target.is_file() and filecmp.cmp(source, target, shallow=False)):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def _listed(folder: Path, *which: str) -> list[str]:
    listed = _git(folder, "ls-files", "-z", "--exclude-standard", *which)
    return [name for name in listed.split("\0") if name]


def _share_cache(place: Workplace) -> None:
    """Results come from the project's cache and go there; links, so that nothing is there twice."""
    from configobj import ConfigObj  # what DVC reads it with; a machine without DVC lacks both

    cache = dvc(place.root, "cache", "dir").strip()
    found = dvc(place.root, "config", "cache.type", check=False).strip()
    settings = {"cache": {"dir": cache, "type": found or "reflink,symlink,copy"}}
    lines = ConfigObj(settings).write()  # quoted, whatever the path holds
    write_text(place.project / ".dvc" / "config.local", "\n".join(lines) + "\n")
    dvc(place.project, "checkout", "--quiet", "--force", check=False)  # what is cached, no more


def _link_sources(place: Workplace, download: DownloadParams) -> None:
    """Photos are named relative to the project: let the same names lead to them from the copy."""
    above = place.tree.parents[len(ABOVE) - 1]
    for source in download.sources:
        for key in ("root", "archive", "splits"):
            named = source.options.get(key)
            if named is None or Path(named).is_absolute():
                continue
            target = (place.root / named).resolve()
            link = Path(os.path.normpath(place.project / named))
            if target.exists() and link.is_relative_to(above) and not os.path.lexists(link):
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(target)


def dvc(folder: Path, *arguments: str, check: bool = True) -> str:
    """The output of a DVC command; raises HuescapeError with its last line when it fails."""
    return _output(folder, sys.executable, "-m", "dvc", *arguments, check=check)


def _git(folder: Path, *arguments: str) -> str:
    return _output(folder, "git", *arguments)


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

"""Which commit a page was made from, asked of git."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

# Written by the run itself, so a change there says nothing about what was run.
WRITTEN_BY_RUNS = ("reports", "dvc.lock")


@dataclass(frozen=True)
class Commit:
    """A commit in full, or "" when there is none; `note` says in words what is not plain."""

    hash: str
    note: str


def commit_of(folder: Path) -> Commit:
    """The commit that `folder` is at, and whether the work tree has uncommitted changes.

    Changes below `reports/` and in `dvc.lock` do not count: the run makes them.
    """
    inside = _git(folder, "rev-parse", "--is-inside-work-tree")
    if inside != "true":
        return Commit("", "not in git")
    head = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    if not head:
        return Commit("", "in git, without a commit yet")
    ignored = [f":(exclude){path}" for path in WRITTEN_BY_RUNS]
    changes = _git(folder, "status", "--porcelain", "--", ".", *ignored)
    if changes is None:
        return Commit(head, "git could not tell whether there were uncommitted changes")
    return Commit(head, "with uncommitted changes" if changes else "")


def _git(folder: Path, *arguments: str) -> str | None:
    """The output of a git command that changes nothing, or None when git is absent or refuses."""
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None

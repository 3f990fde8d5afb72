"""Where the graph reads and writes, relative to the project's folder."""

from __future__ import annotations

from pathlib import Path

from huescape.base import runtime

PARAMS = Path("params.yaml")
CHECKED = Path("data/checked.txt")
RAW = Path("data/raw")
CATALOG = Path("data/catalog")
RESIZED = Path("data/resized")
BINS = Path("data/bins")
SHARDS = Path("data/shards")
PRIORS = Path("data/priors")
MODELS = Path("models")
REPORTS = Path("reports")
EVALUATION = REPORTS / "evaluation"
FIGURES = REPORTS / "figures"
PAGE = REPORTS / "index.html"

#: What stages write: the engines and the stages themselves remove anything else that lies there.
OUTPUTS = (CHECKED, RAW, CATALOG, RESIZED, BINS, SHARDS, PRIORS, MODELS, REPORTS)
#: What the tools keep for themselves, and clear away when they like.
STATE = (Path(".dvc"), Path(".git"), Path(".snakemake"), Path("mlruns"), Path("logs"))


def kept_by_tools() -> tuple[Path, ...]:
    """All folders that stages and tools remove things from, outputs first."""
    return (*OUTPUTS, *STATE, runtime.state_dir())


def conflict(path: Path, project: Path) -> Path | None:
    """The place of `project` in, at or above which `path` lies, or None.

    Links are followed and `~` is expanded. Two names of one folder are the same (a file system
    that ignores case, a folder mounted twice). A relative `path` starts at the current folder.
    """
    root = project.resolve()
    given = path.expanduser().resolve()
    for place in kept_by_tools():
        kept = (root / place).resolve()
        if _within(root, kept):  # a copy of a project that a sweep keeps in its state
            continue
        if _within(given, kept) or _within(kept, given):
            return place
    return None


def _within(path: Path, folder: Path) -> bool:
    """Whether `path` is `folder` or lies in it."""
    if path.is_relative_to(folder):
        return True
    return any(_is_same(at, folder) for at in (path, *path.parents))


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there, or may not be seen
        return False

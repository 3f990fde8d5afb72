"""Where the graph reads and writes, relative to the project's folder."""

from __future__ import annotations

import os
from pathlib import Path

from huescape.base import runtime
from huescape.base.errors import HuescapeError

PARAMS = Path("params.yaml")
CHECKED = Path("data/checked.txt")
RAW = Path("data/raw")
CATALOG = Path("data/catalog")
RESIZED = Path("data/resized")
UNSEEN = Path("data/unseen")
BINS = Path("data/bins")
SHARDS = Path("data/shards")
PRIORS = Path("data/priors")
MODELS = Path("models")
REPORTS = Path("reports")
EVALUATION = REPORTS / "evaluation"
FIGURES = REPORTS / "figures"
PERCEPTION = REPORTS / "perception"
NEIGHBORS = REPORTS / "neighbors"
PROBES = REPORTS / "probes"
GENERALIZATION = REPORTS / "generalization"
PAGE = REPORTS / "index.html"


#: What stages write: the engines and the stages themselves remove anything else that lies there.
OUTPUTS = (CHECKED, RAW, CATALOG, RESIZED, UNSEEN, BINS, SHARDS, PRIORS, MODELS, REPORTS)
#: What the tools keep for themselves, and clear away when they like.
STATE = (Path(".dvc"), Path(".git"), Path(".snakemake"), Path("mlruns"), Path("logs"))


def bins_of(quantizer: str) -> Path:
    """The file of a quantizer's bins."""
    return BINS / f"{quantizer}.npz"


def prior_of(quantizer: str) -> Path:
    """The file of a quantizer's prior."""
    return PRIORS / f"{quantizer}.npz"


def needed(path: Path) -> Path:
    """`path`; raises HuescapeError where nothing is there."""
    if not path.exists():
        raise HuescapeError(f"{path}: no such file or folder; `dvc repro` makes it")
    return path


def kept_by_tools() -> tuple[Path, ...]:
    """All folders that stages and tools remove things from, outputs first."""
    return (*OUTPUTS, *STATE, runtime.state_dir())


def refuse_kept(path: Path) -> None:
    """Raise HuescapeError where stages or tools would remove what is written to `path`."""
    for place in kept_by_tools():
        # Not Path's `resolve`, which ends in a RuntimeError where links lead in a circle.
        if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(place)):
            raise HuescapeError(
                f"{path}: lies in {place}, which stages clear away; name another place"
            )


def trained_model(name: str) -> Path:
    """The folder of a trained system; HuescapeError where there is none."""
    if os.path.isdir(MODELS / name):  # noqa: PTH112 (Path raises for a name that is too long)
        return MODELS / name
    trained = sorted(path.name for path in MODELS.glob("*/")) if MODELS.is_dir() else []
    raise HuescapeError(
        f"{MODELS / name}: no such model; trained: {', '.join(trained) or 'none'}; "
        "`dvc repro` or `dvc pull` brings one"
    )


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

"""The folder in which a comparison runs: a project of its own, with this one's graph and code."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

import huescape
from huescape.base import atomic, machine_code
from huescape.base.errors import HuescapeError

PACKAGE = Path(huescape.__file__).parent
PROJECT = PACKAGE.parents[1]
# What the two engines read, beside the package.
_FILES = (
    *("dvc.yaml", ".dvcignore", "environment.yml", "workflow/Snakefile"),
    "workflow/profiles/default/config.yaml",
)


def prepare(folder: Path, params: dict[str, Any]) -> None:
    """Write the graph, the code and `params` into `folder`; results that lie there are kept.

    The code is a copy, so that editing the project does not disturb a comparison that runs, and a
    copy that differs makes the engines run what it touches again. Raises HuescapeError when this
    is not a checkout of the project, or the folder holds something else.
    """
    if not (PROJECT / "dvc.yaml").is_file():
        raise HuescapeError(f"{PROJECT / 'dvc.yaml'}: no such file; run from a checkout")
    if folder.is_dir() and any(folder.iterdir()) and not _is_comparison(folder):
        raise HuescapeError(f"{folder}: is not empty and holds no comparison; name another folder")
    package = folder / "src" / "huescape"
    _copy_package(package)  # first: by it a folder is known as a comparison
    machine_code.share(PACKAGE, package)
    for name in _FILES:
        _bring(folder / name, PROJECT / name)
    write_params(folder, params)


def _is_comparison(folder: Path) -> bool:
    """Whether `prepare` made it.

    A checkout, or any other git repository, is none: its files are somebody's work.
    """
    own = any((folder / name).exists() for name in ("pyproject.toml", ".git"))
    return (folder / "src" / "huescape").is_dir() and not own


def write_params(folder: Path, params: dict[str, Any]) -> None:
    """Write `params` as the folder's params.yaml."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    text = io.StringIO()
    yaml.dump(params, text)
    atomic.write_text(folder / "params.yaml", text.getvalue())


def _copy_package(target: Path) -> None:
    """Bring the copy up to date file by file: what is the same keeps its time."""
    wanted = {
        path.relative_to(PACKAGE)
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    for old in [p for p in target.rglob("*") if p.is_file() and "__pycache__" not in p.parts]:
        if old.relative_to(target) not in wanted:
            old.unlink()
    for name in sorted(wanted):
        _bring(target / name, PACKAGE / name)


def _bring(copy: Path, original: Path) -> None:
    """Make `copy` what `original` is, unless it is that already."""
    content = original.read_bytes()
    if not copy.is_file() or copy.read_bytes() != content:
        atomic.write_bytes(copy, content)
        shutil.copymode(original, copy)

"""What code decides the outputs of a stage: its own file, and what of the package this imports.

It is found in the source, without running it: every import anywhere in a file counts, but those for
types alone. One answer serves three: the dependencies in dvc.yaml, the keys under which half-done
work is taken up again, and the test that follows a stage while it runs.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TypeGuard

import huescape

PACKAGE = Path(huescape.__file__).parent

#: What stages run and what cannot change a byte of their outputs.
WITHOUT_EFFECT = {
    "__main__.py": "starts the command line",
    "cli.py": "starts the command line",
    "subcommands.py": "finds the stage, refuses wrong parameters, prints",
    "base/costs.py": "notes what a stage took",
    "base/errors.py": "what a message says",
    "base/exclusive.py": "who waits for whom",
    "base/open_files.py": "how many files may be open",
    "base/orphans.py": "ends what its parent left",
    "base/progress.py": "what a terminal shows",
    "distributed/launch.py": "starts the processes of a stage, and says how they ended",
    "engines": "who starts, locks and mends; hands nothing to a stage",
    "shards/cache.py": "where the same bytes are kept",
    "shards/remote.py": "where the same bytes come from",
    "tracking": "what MLflow is told",
}
#: Packages whose modules are found by name: all of them may run.
_BY_NAME = ("networks", "losses", "metrics/scores", "sources/kinds")


def code_of(stage: str, package: Path = PACKAGE) -> frozenset[Path]:
    """The files that decide what a stage writes, relative to the package.

    Presets are left out: which one a system has, its parameters say. A file that is no Python
    counts where a module beside it names it, or a template that counts. Empty files say nothing.
    """
    found: set[Path] = set()
    waiting = {Path("stages") / f"{stage}.py"}
    while waiting:
        at = waiting.pop()
        found.add(at)
        waiting |= _imported(package, at) - found
    data = {file for at in found for file in _data(package, at)}
    data |= {part for at in data if at.suffix == ".html" for part in _data(package, at)}
    return frozenset(at for at in found | data if (package / at).read_bytes().strip())


def digest(stage: str, more: Iterable[Path] = ()) -> str:
    """SHA-256 in hex of all files that decide what a stage writes, and of `more`, with their names.

    Raises OSError for one that cannot be read.
    """
    total = hashlib.sha256()
    for at in sorted({*code_of(stage, PACKAGE), *more}):
        content = (PACKAGE / at).read_bytes()
        total.update(f"{at.as_posix()}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def as_deps(files: Iterable[Path], package: Path = PACKAGE) -> list[str]:
    """`files` as dvc.yaml lists them: a folder in place of its files where most of it is used."""
    wanted = set(files)
    deps = set()
    for at in wanted:
        folder = Path(at.parts[0])
        whole = len(at.parts) > 1 and _is_mostly_used(package, folder, wanted)
        deps.add(folder if whole else at)
    return sorted(f"src/huescape/{at.as_posix()}" for at in deps)


def _is_mostly_used(package: Path, folder: Path, wanted: set[Path]) -> bool:
    files = [file.relative_to(package) for file in (package / folder).rglob("[!.]*.py")]
    full = [at for at in files if (package / at).read_bytes().strip()]
    return 3 * sum(at in wanted for at in full) >= 2 * len(full)


@cache
def _imported(package: Path, at: Path) -> set[Path]:
    """The files of the package that one file imports, with each `__init__` on the way."""
    if at.suffix != ".py":
        return set()
    names = {
        name.rsplit(".", depth)[0]
        for name in _names(ast.parse((package / at).read_bytes()))
        if name.split(".")[0] == "huescape"
        for depth in range(name.count(".") + 1)
    }
    found = {file for name in names if (file := _module(package, name))}
    for folder in _BY_NAME:
        if Path(folder) / "__init__.py" in found:
            found |= {file.relative_to(package) for file in (package / folder).rglob("[!.]*.py")}
    return {file for file in found if not _is_without_effect(file)}


def _data(package: Path, at: Path) -> set[Path]:
    """The files beside a module, or a template, that its source names."""
    source = (package / at).read_text(encoding="utf-8")
    beside = (file for file in (package / at.parent).iterdir() if file.is_file())
    return {at.parent / file.name for file in beside if f'"{file.name}"' in source}


def _names(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        waiting += node.orelse if _is_for_types(node) else ast.iter_child_nodes(node)
    return names


def _is_for_types(node: ast.AST) -> TypeGuard[ast.If]:
    """Whether it is `if TYPE_CHECKING:`, below which nothing runs."""
    test = node.test if isinstance(node, ast.If) else None
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _module(package: Path, name: str) -> Path | None:
    at = Path(*name.split(".")[1:])
    for candidate in (at.with_suffix(".py") if at.name else at, at / "__init__.py"):
        if (package / candidate).is_file():
            return candidate
    return None


def _is_without_effect(file: Path) -> bool:
    return any(file.is_relative_to(name) for name in WITHOUT_EFFECT)

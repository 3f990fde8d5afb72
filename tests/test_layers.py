"""Imports point down the layers of docs/architecture.md, and DVC and MLflow have one importer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src/huescape"
FILES = sorted(PACKAGE.rglob("*.py"))


def layers() -> dict[str, int]:
    """The layer of each package and module that the document's table names."""
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d) \| ([^|]*) \|", text, re.MULTILINE)
    named = [(re.findall(r"`([a-z_]+)(?:/|\.py)`", names), int(layer)) for layer, names in rows]
    return {name: layer for names, layer in named for name in names}


def imported(source: str) -> Iterator[str]:
    """Every module that is imported anywhere in it, and what is taken from the package itself."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "huescape":
                yield from (f"huescape.{alias.name}" for alias in node.names)


def upward(name: str, source: str) -> list[str]:
    """The modules of higher layers that a file of the package `name` imports."""
    layer = layers()
    within = [module.split(".") for module in imported(source)]
    parts = [module for module in within if module[0] == "huescape" and len(module) > 1]
    return [".".join(module) for module in parts if layer.get(module[1], 0) > layer[name]]


def test_the_document_names_every_package() -> None:
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert packages
    assert packages - layers().keys() == set()


def test_no_import_points_up() -> None:
    found = {}
    for file in FILES:
        at = file.relative_to(PACKAGE)
        if (name := at.parts[0].removesuffix(".py")) in layers():
            found[str(at)] = upward(name, file.read_text(encoding="utf-8"))
    assert len(found) > 400
    assert {at: modules for at, modules in found.items() if modules} == {}


def test_an_import_that_points_up_is_found() -> None:
    source = "def late():\n    from huescape.stages.train import run\n    import huescape.base\n"
    assert upward("training", source) == ["huescape.stages.train"]


@pytest.mark.parametrize(
    ("library", "importers"),
    [
        ("dvc", {"engines/graph.py"}),
        ("mlflow", {"tracking/mlflow_api.py", "tracking/served_model.py"}),
    ],
)
def test_a_large_library_is_imported_in_one_place(library: str, importers: set[str]) -> None:
    found = {
        file.relative_to(PACKAGE).as_posix()
        for file in FILES
        for module in imported(file.read_text(encoding="utf-8"))
        if module.split(".")[0] == library
    }
    assert found == importers

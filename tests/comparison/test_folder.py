"""The folder of a comparison: what it holds, and whose folder it leaves alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from huescape.base.errors import HuescapeError
from huescape.comparison import folder
from huescape.comparison.recipe import read_recipe
from huescape.engines.graph import load_graph
from huescape.params.load import load_params, validated

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    return read_recipe(ROOT / "experiments" / "cpu.yaml")


def times(root: Path) -> dict[str, int]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in files}


def test_it_is_a_project_of_its_own(tmp_path: Path, recipe: dict[str, Any]) -> None:
    folder.prepare(tmp_path / "new", recipe)
    assert load_params(tmp_path / "new/params.yaml") == validated(recipe, "recipe")
    copied = tmp_path / "new/src/huescape"
    for path in (ROOT / "src/huescape").rglob("*.py"):
        assert (copied / path.relative_to(ROOT / "src/huescape")).read_bytes() == path.read_bytes()
    assert not list(copied.rglob("*.pyc"))
    for name in ("dvc.yaml", "workflow/Snakefile"):
        assert (tmp_path / "new" / name).read_bytes() == (ROOT / name).read_bytes()
    Repo.init(str(tmp_path / "new"), no_scm=True).close()
    stages = load_graph(tmp_path / "new").stages
    assert {f"train@{name}" for name in recipe["systems"]} <= set(stages)


def test_systems_keep_their_order(tmp_path: Path, recipe: dict[str, Any]) -> None:
    folder.write_params(tmp_path, recipe)
    assert list(load_params(tmp_path / "params.yaml").systems) == list(recipe["systems"])
    assert "&" not in (tmp_path / "params.yaml").read_text()


def test_a_second_call_keeps_results_and_times(tmp_path: Path, recipe: dict[str, Any]) -> None:
    folder.prepare(tmp_path, recipe)
    result = tmp_path / "models" / "a" / "weights.safetensors"
    result.parent.mkdir(parents=True)
    result.write_bytes(b"result")
    (tmp_path / "src/huescape/old.py").write_text("gone = True\n")
    (tmp_path / "src/huescape/base/atomic.py").write_text("changed = True\n")
    before = times(tmp_path)
    folder.prepare(tmp_path, {**recipe, "systems": {"a": recipe["systems"]["zhang2016"]}})
    after = times(tmp_path)
    assert set(before) - set(after) == {"src/huescape/old.py"}
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"params.yaml", "src/huescape/base/atomic.py"}
    assert list(load_params(tmp_path / "params.yaml").systems) == ["a"]
    assert result.read_bytes() == b"result"


@pytest.mark.parametrize(
    "files",
    [
        ("letter.txt",),
        ("dvc.yaml", "params.yaml"),  # another project of DVC
        ("dvc.yaml", "params.yaml", "pyproject.toml", "src/huescape/cli.py"),  # a checkout
        ("dvc.yaml", "params.yaml", ".git/HEAD", "src/huescape/cli.py"),  # somebody's repository
    ],
)
def test_the_folder_of_something_else_is_left_alone(
    tmp_path: Path, recipe: dict[str, Any], files: tuple[str, ...]
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("mine")
    before = times(tmp_path)
    with pytest.raises(HuescapeError, match="is not empty and holds no comparison"):
        folder.prepare(tmp_path, recipe)
    assert times(tmp_path) == before


def test_without_a_checkout_it_is_one_line(
    tmp_path: Path, recipe: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "PROJECT", tmp_path / "nowhere")
    with pytest.raises(HuescapeError, match=r"dvc\.yaml: no such file; run from a checkout"):
        folder.prepare(tmp_path / "new", recipe)
    assert not (tmp_path / "new").exists()

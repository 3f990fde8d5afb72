"""Leftovers: what a gone stage made goes aside, what is somebody's own stays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from huescape.engines.leftovers import bring_back, sweep_orphans, undeclared

GRAPH = {
    "train": {"foreach": "${systems}", "do": {"cmd": "t", "outs": ["models/${key}"]}},
    "evaluate": {
        "foreach": "${systems}",
        "do": {"cmd": "e", "metrics": [{"scores/${key}.json": {"cache": False}}]},
    },
    "report": {"cmd": "r", "deps": ["models", "scores", "params.yaml"], "outs": ["page.html"]},
}


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _folder_md5(files: dict[str, bytes]) -> str:
    """DVC's digest of a folder."""
    listed = [{"md5": _md5(files[name]), "relpath": name} for name in sorted(files)]
    return _md5(json.dumps(listed, sort_keys=True).encode()) + ".dir"


FILES = {"weights.bin": b"w" * 100, "deep/er.csv": b"a,b\n"}


def _dump(path: Path, value: Any) -> None:
    with path.open("w") as stream:
        YAML(typ="safe", pure=True).dump(value, stream)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project whose system `old` was renamed to `new`; both are on the disk and in dvc.lock."""
    _dump(tmp_path / "dvc.yaml", {"stages": GRAPH})
    _dump(tmp_path / "params.yaml", {"systems": {"new": {}}})
    stages = {}
    for name in ("old", "new"):
        for file, content in FILES.items():
            (tmp_path / "models" / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "models" / name / file).write_bytes(content)
        (tmp_path / "scores").mkdir(exist_ok=True)
        (tmp_path / f"scores/{name}.json").write_bytes(b"{}")
        out = {"path": f"models/{name}", "md5": _folder_md5(FILES)}
        stages[f"train@{name}"] = {"cmd": "t", "outs": [out]}
        out = {"path": f"scores/{name}.json", "md5": _md5(b"{}")}
        stages[f"evaluate@{name}"] = {"cmd": "e", "outs": [out]}
    _dump(tmp_path / "dvc.lock", {"schema": "2.0", "stages": stages})
    (tmp_path / ".dvcignore").write_text("# droppings\n.DS_Store\n._*\n")
    return tmp_path


def _lock(root: Path, change: Callable[[Any], None]) -> None:
    lock = YAML(typ="safe").load((root / "dvc.lock").read_text())
    change(lock["stages"])
    _dump(root / "dvc.lock", lock)


def test_outputs_of_a_gone_stage_go_aside(root: Path) -> None:
    lines = sweep_orphans(root)
    assert [line.split(":")[0] for line in lines] == ["models/old", "scores/old.json"]
    assert "train@old" in lines[0]
    assert "dvc checkout" in lines[0]
    assert sorted(path.name for path in (root / "models").iterdir()) == ["new"]
    assert sorted(path.name for path in (root / "scores").iterdir()) == ["new.json"]
    kept = root / ".huescape/orphaned" / _folder_md5(FILES)[:8] / "models/old"
    assert {name: (kept / name).read_bytes() for name in FILES} == FILES
    assert sweep_orphans(root) == []
    assert undeclared(root) == []


def test_the_same_thing_goes_aside_once(root: Path) -> None:
    sweep_orphans(root)
    kept = root / ".huescape/orphaned" / _folder_md5(FILES)[:8] / "models/old"
    for file, content in FILES.items():  # the system comes back, and goes again
        (root / "models/old" / file).parent.mkdir(parents=True, exist_ok=True)
        (root / "models/old" / file).write_bytes(content)
    assert len(sweep_orphans(root)) == 1
    assert not (root / "models/old").exists()
    assert {name: (kept / name).read_bytes() for name in FILES} == FILES


def test_what_is_named_again_comes_back(root: Path) -> None:
    sweep_orphans(root)
    bring_back(root)
    assert not (root / "models/old").exists()
    _dump(root / "params.yaml", {"systems": {"old": {}}})
    sweep_orphans(root)
    bring_back(root)
    assert {name: (root / "models/old" / name).read_bytes() for name in FILES} == FILES
    assert (root / "scores/old.json").read_bytes() == b"{}"
    assert sorted(path.name for path in (root / "models").iterdir()) == ["old"]


@pytest.mark.parametrize("change", ["lies there", "was changed"])
def test_only_what_is_missing_comes_back_and_only_as_it_was(root: Path, change: str) -> None:
    sweep_orphans(root)
    kept = root / ".huescape/orphaned" / _folder_md5(FILES)[:8] / "models/old"
    own = root / "models/old" if change == "lies there" else kept
    own.mkdir(exist_ok=True)
    (own / "weights.bin").write_bytes(b"mine")
    _dump(root / "params.yaml", {"systems": {"old": {}, "new": {}}})
    bring_back(root)
    assert (own / "weights.bin").read_bytes() == b"mine"
    assert (root / "models/old").exists() == (change == "lies there")


@pytest.mark.parametrize("change", ["another byte", "another file"])
def test_what_was_changed_since_is_somebodys_own(root: Path, change: str) -> None:
    file = root / "models/old" / ("weights.bin" if change == "another byte" else "notes.txt")
    file.write_bytes(b"mine")
    assert [line.split(":")[0] for line in sweep_orphans(root)] == ["scores/old.json"]
    assert file.read_bytes() == b"mine"
    (line,) = undeclared(root)
    assert "no stage makes models/old:" in line


def test_droppings_are_neither_a_change_nor_strange(root: Path) -> None:
    (root / "models/old/.DS_Store").write_bytes(b"")
    (root / "models/._old").write_bytes(b"")
    (root / "models/.gitignore").write_bytes(b"/old\n")
    assert len(sweep_orphans(root)) == 2
    assert undeclared(root) == []


def test_strange_things_are_named_in_one_line(root: Path) -> None:
    for name in "abcd":
        (root / "models" / name).write_bytes(b"")
    sweep_orphans(root)
    (line,) = undeclared(root)
    assert "models/a, models/b, models/c, …" in line


@pytest.mark.parametrize("path", ["../precious", "a/../../precious", "/precious", "models", "."])
def test_no_record_reaches_beyond_its_stage(root: Path, path: str) -> None:
    """Whatever dvc.lock says: nothing outside the project, nothing that holds another's output."""
    project = root / "project"
    project.mkdir()
    for file in ("dvc.yaml", "params.yaml", "dvc.lock", "models", "scores"):
        (root / file).rename(project / file)
    (root / "precious").write_bytes(b"{}")
    where = str(root / path.removeprefix("/")) if path.startswith("/") else path
    _lock(project, lambda s: s["evaluate@old"]["outs"][0].update(path=where))
    lines = sweep_orphans(project)
    assert [line.split(":")[0] for line in lines] == ["models/old"]
    assert (root / "precious").read_bytes() == b"{}"
    assert (project / "models/new/weights.bin").exists()


def test_an_output_that_another_stage_took_over_stays(root: Path) -> None:
    stages = {**GRAPH, "fit": {"cmd": "f", "outs": ["models/old"]}}
    _dump(root / "dvc.yaml", {"stages": stages})
    assert [line.split(":")[0] for line in sweep_orphans(root)] == ["scores/old.json"]


@pytest.mark.parametrize(
    "stage",
    [
        {"matrix": {"a": [1]}, "cmd": "m", "outs": ["models/old"]},
        {"foreach": "${elsewhere}", "do": {"cmd": "m", "outs": ["models/${key}"]}},
        {"foreach": ["old"], "do": {"cmd": "m", "outs": ["models/${item}"]}},
        {"cmd": "m", "outs": ["${folder}/old"]},
    ],
)
def test_a_graph_that_is_not_understood_is_left_alone(root: Path, stage: Any) -> None:
    _dump(root / "dvc.yaml", {"stages": {**GRAPH, "more": stage}})
    assert sweep_orphans(root) == []
    assert undeclared(root) == []
    assert (root / "models/old/weights.bin").exists()


@pytest.mark.parametrize("name", ["dvc.lock", "params.yaml", "dvc.yaml"])
@pytest.mark.parametrize("content", [None, b"", b"[", b"\xff", b"- a\n"])
def test_a_damaged_file_is_for_others_to_report(
    root: Path, name: str, content: bytes | None
) -> None:
    (root / name).unlink() if content is None else (root / name).write_bytes(content)
    assert sweep_orphans(root) == []
    assert (root / "models/old/weights.bin").exists()

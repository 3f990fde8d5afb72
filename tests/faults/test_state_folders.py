"""Damage between runs to what engines and stages keep beside the outputs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.scratch import Folder
from tests.faults.project import ENGINES, Starts, digests

pytestmark = pytest.mark.long


def _garbage(folder: Path) -> None:
    """Every file there becomes garbage, and there are some more."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        path.chmod(0o644)
        path.write_bytes(b"\xff\x00garbage\n" * 3)
    for name in ("rwlock", "lock", "garbage", "huescape-judgement.json"):
        if not (folder / name).is_dir():
            (folder / name).write_bytes(b"\xff\x00garbage")


def _as_file(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_text("no folder")


ACTS: dict[str, Callable[[Path], object]] = {
    "garbage": _garbage,
    "gone": lambda folder: shutil.rmtree(folder, ignore_errors=True),
    "a file": _as_file,
}
TRIED = [
    pytest.param(act, marks=() if act == "garbage" else pytest.mark.exhaustive) for act in ACTS
]
READERS = [*((".dvc/tmp", engine) for engine in ENGINES), (".snakemake", "snakemake")]


@pytest.mark.parametrize("act", TRIED)
@pytest.mark.parametrize(("folder", "engine"), READERS)
def test_an_engine_runs_or_says_why_not(
    starts: Starts, tmp_path: Path, folder: str, act: str, engine: str
) -> None:
    project = starts.copy("done", tmp_path / "project")
    project.set({"report.title": "another"})
    ACTS[act](project.root / folder)
    before = digests(project.root)
    code, said = _run(project, *ENGINES[engine])
    after = digests(project.root)
    if code:  # one line, or what the engine itself says of its own folder; nothing is lost
        assert [line for line in said.splitlines() if "error" in line.lower()], said
        assert "/huescape/" not in said, "a traceback through this project"
        assert before.keys() == after.keys()
        return
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed == {"reports/index.html"}, said
    assert _run(project, "dvc", "status")[1].count("up to date") == 1


STAGES = (("download",), ("resize",), ("train", "colorunet"))


@pytest.mark.parametrize("act", ACTS)
def test_a_stage_makes_the_same_whatever_became_of_its_state(
    starts: Starts, tmp_path: Path, act: str
) -> None:
    project = starts.copy("done", tmp_path / "project")
    state = project.root / ".huescape"
    for name in ("hashes.jsonl", "partial/resized/x/index.json", "checkpoints/a/step-00000001.pt"):
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).touch()
    ACTS[act](state)
    for stage in STAGES:
        code, said = _run(project, "python", "-m", "huescape", *stage)
        if code:
            assert "Traceback" not in said
            [line] = [line for line in said.splitlines() if "huescape: error:" in line]
            assert ".huescape" in line
    assert digests(project.root) == starts.files


def test_a_training_with_a_broken_store_makes_the_same(starts: Starts, tmp_path: Path) -> None:
    project = starts.copy("shards", tmp_path / "project")
    tracked = Folder(project.root, {**project.environment, "HUESCAPE_TRACKING": "on"})
    (project.root / "mlflow.db").write_text("no database")
    code, said = _run(tracked, *ENGINES["dvc"])
    assert code == 0, said
    assert digests(project.root) == starts.files
    assert (project.root / "dvc.lock").read_bytes() == starts.lock
    assert said.count("cannot be used") == 2  # once in the training, once in the evaluation
    assert "Traceback" not in said


def _run(project: Folder, *command: str) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=project.root,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout
